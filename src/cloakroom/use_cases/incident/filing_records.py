"""Keep filings in the folder of a case: every version and every proof, nothing is overwritten.

A draft is one document, kept whole or not at all. A submission is two: the proof first, then the statement that
names its hash. A crash in between leaves a proof that nothing names; saying the same again finds it kept and goes on.
So the order needs no recovery, and this is no flow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cloakroom.clock import format_time
from cloakroom.duty.filings.model import FilingLimits
from cloakroom.duty.filings.records import (
    FilingRecord,
    Submission,
    draft_path,
    filing_folder,
    is_document,
    next_version,
    parse_record,
    proof_path,
    render_document,
    submission_path,
    submission_to_json,
)
from cloakroom.errors import LimitError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cloakroom.adapters.case_folder import CaseFolder

__all__ = ["FilingRecords"]


class FilingRecords:
    """The filings in the folder of a case."""

    def __init__(self, folder: CaseFolder, limits: FilingLimits | None = None) -> None:
        self._folder = folder
        self._limits = limits or FilingLimits()

    def ids(self) -> tuple[str, ...]:
        """Return the ids of all filings."""
        paths = (path.split("/") for path in self._folder.names("filings/"))
        return tuple(sorted({parts[1] for parts in paths if len(parts) == 3}))

    def all(self) -> tuple[FilingRecord, ...]:
        """Return every filing, by id.

        Raises:
            TamperedError: A version is missing or altered.
        """
        return tuple(self.load(name) for name in self.ids())

    def find(self, name: str) -> FilingRecord | None:
        """Return a filing, or None where there is none; see `load`."""
        return self.load(name) if self._folder.names(filing_folder(name)) else None

    def load(self, name: str) -> FilingRecord:
        """Return a filing.

        Raises:
            UsageError: There is no such filing.
            TamperedError: A version is missing or altered.
        """
        paths = filter(is_document, self._folder.names(filing_folder(name)))
        return parse_record(name, {path: self._folder.get(path) for path in paths})

    def add_version(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Keep a new draft; return it with its number.

        Raises:
            LimitError: There are too many.
        """
        version = next_version(name, self.find(name), body, self._limits)
        self._folder.put(draft_path(name, version["version"]), render_document(version))
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
        if record.is_sent(number):
            raise UsageError(f"version {number} of {name} was sent already; draft a supplementary version first")
        if not reference.strip() or not by.strip():
            raise UsageError("a submission needs the authority's reference and the name of whoever sent it")
        if len(proof) > self._limits.proof_bytes_max:
            raise LimitError(f"the proof is larger than {self._limits.proof_bytes_max} bytes")
        kept = proof_path(name, number, proof_name)
        digest = self._folder.put(kept, proof)
        submission = Submission(number, reference.strip(), format_time(at), by.strip(), kept, digest)
        self._folder.put(submission_path(name, number), render_document(submission_to_json(submission)))
        return submission
