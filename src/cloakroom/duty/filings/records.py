"""Filings as they were drafted and sent: every version and every proof is kept, nothing is overwritten.

On the shelf, under ``filings/<id>/``: ``0001.draft.json`` is version 1, ``0001.submitted.json`` says that it was sent
(reference, when, by whom) and names the hash of the proof, which lies beside it as ``0001.proof.<name>``. Each draft
names the hash of the one before. A filing's id is the id of its duty with ``:`` written as ``.``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cloakroom.clock import format_time
from cloakroom.crypto import sha256
from cloakroom.duty.filings.model import Answer, FilingLimits
from cloakroom.errors import LimitError, TamperedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cloakroom.duty.filings.shelf import Shelf

__all__ = ["FilingRecord", "FilingRecords", "Submission", "answers_from_json", "answers_to_json", "filing_id"]

_NAME = re.compile(r"[^A-Za-z0-9._-]+")


def filing_id(duty_id: str) -> str:
    """Return the id of the filing for a duty."""
    return _NAME.sub(".", duty_id.replace(":", "."))


@dataclass(frozen=True, slots=True)
class Submission:
    """That a version was sent.

    Attributes:
        version: Which.
        reference: Number that the authority gave.
        at: When, RFC 3339.
        by: Who sent it.
        proof: Name of the kept proof.
        proof_hash: Its SHA-256 in hex.
    """

    version: int
    reference: str
    at: str
    by: str
    proof: str
    proof_hash: str


@dataclass(frozen=True, slots=True)
class FilingRecord:
    """One filing with all its versions."""

    id: str
    versions: tuple[dict[str, Any], ...]
    submissions: tuple[Submission, ...]

    @property
    def latest(self) -> dict[str, Any]:
        """The newest draft."""
        return self.versions[-1]

    @property
    def reference(self) -> str:
        """The authority's reference number; empty before the first submission."""
        return next((s.reference for s in reversed(self.submissions) if s.reference), "")

    @property
    def sent(self) -> dict[str, Any] | None:
        """The draft that was sent last, or None."""
        if not self.submissions:
            return None
        return self.versions[self.submissions[-1].version - 1]


class FilingRecords:
    """Reads and writes filings on a shelf."""

    def __init__(self, shelf: Shelf, limits: FilingLimits | None = None) -> None:
        self._shelf = shelf
        self._limits = limits or FilingLimits()

    def ids(self) -> tuple[str, ...]:
        """Return the ids of all filings."""
        return tuple(sorted({name.split("/")[1] for name in self._shelf.names("filings/") if name.count("/") == 2}))

    def load(self, name: str) -> FilingRecord:
        """Return a filing.

        Raises:
            UsageError: There is no such filing.
            TamperedError: A version is missing or altered.
        """
        paths = self._shelf.names(f"filings/{name}/")
        drafts = [path for path in paths if path.endswith(".draft.json")]
        if not drafts:
            raise UsageError(f"there is no filing {name}; see `cloakroom filing show`")
        versions, previous = [], ""
        for number, path in enumerate(drafts, start=1):
            data = self._shelf.get(path)
            version = _parse(data, path)
            if version.get("version") != number or version.get("previous") != previous:
                raise TamperedError(f"{path} does not follow the version before it")
            versions.append(version)
            previous = sha256(data).hex()
        sent = [
            Submission(**_parse(self._shelf.get(path), path)) for path in paths if path.endswith(".submitted.json")
        ]
        return FilingRecord(name, tuple(versions), tuple(sorted(sent, key=lambda submission: submission.version)))

    def has(self, name: str) -> bool:
        """Answer whether there is such a filing."""
        return bool(self._shelf.names(f"filings/{name}/"))

    def add_version(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Keep a new draft; return it with its number.

        Raises:
            LimitError: There are too many.
        """
        versions = self.load(name).versions if self.has(name) else ()
        number = len(versions) + 1
        if number > self._limits.versions_max:
            raise LimitError(f"filing {name} has as many versions as it may have")
        previous = sha256(_render(versions[-1])).hex() if versions else ""
        version = {**body, "filing": name, "version": number, "previous": previous}
        self._shelf.put(f"filings/{name}/{number:04}.draft.json", _render(version))
        return version

    def add_submission(
        self, name: str, *, reference: str, at: datetime, by: str, proof_name: str, proof: bytes
    ) -> Submission:
        """Keep that the newest draft was sent, with its proof.

        Raises:
            UsageError: It was sent already, or something is missing.
            LimitError: The proof is too large.
        """
        record = self.load(name)
        number = len(record.versions)
        if any(submission.version == number for submission in record.submissions):
            raise UsageError(f"version {number} of {name} was sent already; draft a supplementary version first")
        if not reference.strip() or not by.strip():
            raise UsageError("a submission needs the authority's reference and the name of whoever sent it")
        if len(proof) > self._limits.proof_bytes_max:
            raise LimitError(f"the proof is larger than {self._limits.proof_bytes_max} bytes")
        kept = f"filings/{name}/{number:04}.proof.{_NAME.sub('-', proof_name)[-100:]}"
        proof_hash = self._shelf.put(kept, proof)
        submission = Submission(number, reference.strip(), format_time(at), by.strip(), kept, proof_hash)
        values = {slot: getattr(submission, slot) for slot in Submission.__slots__}
        self._shelf.put(f"filings/{name}/{number:04}.submitted.json", _render(values))
        return submission


def answers_to_json(answers: Mapping[str, Answer]) -> dict[str, Any]:
    """Return answers as plain values."""
    return {
        path: {"value": answer.value, "origin": answer.origin, "language": answer.language}
        for path, answer in answers.items()
    }


def answers_from_json(values: Mapping[str, Any]) -> dict[str, Answer]:
    """Read answers back."""
    return {path: Answer(entry["value"], entry["origin"], entry["language"]) for path, entry in values.items()}


def _render(values: Mapping[str, Any]) -> bytes:
    return (json.dumps(values, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _parse(data: bytes, path: str) -> dict[str, Any]:
    try:
        values = json.loads(data)
    except ValueError as error:
        raise TamperedError(f"{path} cannot be read") from error
    if not isinstance(values, dict) or _render(values) != data:
        raise TamperedError(f"{path} is not as it was written")
    return values
