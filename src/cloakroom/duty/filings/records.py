"""Filings as they were drafted and sent: the documents of each, their names and bytes.

In the folder of the case, under ``filings/<id>/``: ``0001.draft.json`` is version 1, ``0001.submitted.json`` says
that it was sent (reference, when, by whom) and names the hash of the proof, which lies beside it as
``0001.proof.<name>``. Each draft names the hash of the one before. A filing's id is the id of its duty with ``:``
written as ``.``.

This module makes documents and reads them; `cloakroom.use_cases.incident.filing_records` keeps them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cloakroom.crypto import sha256
from cloakroom.duty.filings.model import Answer, FilingLimits
from cloakroom.errors import LimitError, TamperedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "FilingRecord",
    "Submission",
    "answers_from_json",
    "answers_to_json",
    "draft_path",
    "filing_folder",
    "filing_id",
    "is_document",
    "next_version",
    "parse_record",
    "proof_path",
    "render_document",
    "submission_path",
    "submission_to_json",
]

_NAME = re.compile(r"[^A-Za-z0-9._-]+")
# A proof's name is its sender's: "0001.proof.0001.draft.json" is no draft.
_DRAFT = re.compile(r"/\d{4}\.draft\.json$")
_SUBMITTED = re.compile(r"/\d{4}\.submitted\.json$")


def filing_id(duty_id: str) -> str:
    """Return the id of the filing for a duty."""
    return _NAME.sub(".", duty_id.replace(":", "."))


@dataclass(frozen=True, slots=True)
class Submission:
    """The sending of a version.

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

    def is_sent(self, version: int) -> bool:
        """Answer whether a version was sent."""
        return any(submission.version == version for submission in self.submissions)


def filing_folder(name: str) -> str:
    """Return the prefix of every document of a filing."""
    return f"filings/{name}/"


def draft_path(name: str, number: int) -> str:
    """Return where the draft of version `number` is kept."""
    return f"{filing_folder(name)}{number:04}.draft.json"


def submission_path(name: str, number: int) -> str:
    """Return where it is kept that version `number` was sent."""
    return f"{filing_folder(name)}{number:04}.submitted.json"


def proof_path(name: str, number: int, file_name: str) -> str:
    """Return where the proof that version `number` was sent is kept."""
    return f"{filing_folder(name)}{number:04}.proof.{_NAME.sub('-', file_name)[-100:]}"


def is_document(path: str) -> bool:
    """Answer whether a path is that of a draft or a submission, and not of a proof."""
    return bool(_DRAFT.search(path) or _SUBMITTED.search(path))


def parse_record(name: str, documents: Mapping[str, bytes]) -> FilingRecord:
    """Read a filing from its documents.

    Args:
        name: Id of the filing.
        documents: Its drafts and submissions by path; anything else is passed over.

    Raises:
        UsageError: None of them is a draft.
        TamperedError: A version is missing or altered.
    """
    versions: list[dict[str, Any]] = []
    previous = ""
    for path in sorted(filter(_DRAFT.search, documents)):
        version = _parse(documents[path], path)
        if version.get("version") != len(versions) + 1 or version.get("previous") != previous:
            raise TamperedError(f"{path} does not follow the version before it")
        versions.append(version)
        previous = sha256(documents[path]).hex()
    if not versions:
        raise UsageError(f"there is no filing {name}; see `cloakroom filing show`")
    sent = [Submission(**_parse(data, path)) for path, data in documents.items() if _SUBMITTED.search(path)]
    return FilingRecord(name, tuple(versions), tuple(sorted(sent, key=lambda submission: submission.version)))


def next_version(
    name: str, record: FilingRecord | None, body: Mapping[str, Any], limits: FilingLimits
) -> dict[str, Any]:
    """Return `body` as the version that follows those of `record`, the first where there is none.

    Raises:
        LimitError: There are too many.
    """
    versions = record.versions if record is not None else ()
    if len(versions) >= limits.versions_max:
        raise LimitError(f"filing {name} has as many versions as it may have")
    previous = sha256(render_document(versions[-1])).hex() if versions else ""
    return {**body, "filing": name, "version": len(versions) + 1, "previous": previous}


def submission_to_json(submission: Submission) -> dict[str, Any]:
    """Return a submission as plain values."""
    return {slot: getattr(submission, slot) for slot in Submission.__slots__}


def answers_to_json(answers: Mapping[str, Answer]) -> dict[str, Any]:
    """Return answers as plain values."""
    return {
        path: {"value": answer.value, "origin": answer.origin, "language": answer.language}
        for path, answer in answers.items()
    }


def answers_from_json(values: Mapping[str, Any]) -> dict[str, Answer]:
    """Read answers back."""
    return {path: Answer(entry["value"], entry["origin"], entry["language"]) for path, entry in values.items()}


def render_document(values: Mapping[str, Any]) -> bytes:
    """Return the bytes of a document; the same values always give the same bytes."""
    return (json.dumps(values, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _parse(data: bytes, path: str) -> dict[str, Any]:
    try:
        values = json.loads(data)
    except ValueError as error:
        raise TamperedError(f"{path} cannot be read") from error
    if not isinstance(values, dict) or render_document(values) != data:
        raise TamperedError(f"{path} is not as it was written")
    return values
