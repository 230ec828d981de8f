"""Full verification of an exported ledger: from its files and a public key alone.

The order is that of trust:

1. The checkpoint must be signed by the key that was given, under the origin that was given. If it is not, nothing
   else is looked at, since nothing says what ought to be there.
2. Every entry bundle and every hash tile of the signed size is read and recomputed, down to the last byte, and must
   lead to the signed root (`cloakroom.tlog.audit`).
3. Entries of bundles that are not found wrong are handed to the caller's inspector, which knows what an entry says
   and which sealed record set it names; that set must lie in the set bundle beside them, in the entry's place.
4. Earlier checkpoints, kept by anybody, must be heads of this same history.
5. Nothing else may lie in the directory, but for partial files left from earlier sizes that agree with what took
   their place.

All findings are collected; `verify_export` raises with all of them, `examine_export` returns them. What this cannot
see is written in `docs/spec/ledger.md`: above all a second history shown to somebody else, which only witnesses or a
comparison of checkpoints reveal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from cloakroom.crypto import sha256
from cloakroom.errors import LimitError, TamperedError, UncheckableError, UnverifiedError
from cloakroom.ledger.export_files import (
    CHECKPOINT_PATH,
    ExportReader,
    VerificationLimits,
    read_or_report,
    set_bundle_path,
)
from cloakroom.ledger.export_listing import ListingCheck
from cloakroom.ledger.record_sets import decode_set_bundle
from cloakroom.tlog import ENTRIES, TILE_WIDTH, CompactRange, Ed25519Verifier, Tile, leaf_hash, open_checkpoint
from cloakroom.tlog.audit import Finding, TreeAudit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cloakroom.crypto import VerifyingKey
    from cloakroom.tlog import Checkpoint, Cosignature, CosignatureVerifier

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Inspection:
    """The findings of an inspector in some entries.

    Attributes:
        problems: Number of an entry, and what is wrong with it; no value out of it.
        sets: Number of an entry, and the SHA-256 in lower-case hex of the sealed set that it names, once each.
    """

    problems: Sequence[tuple[int, str]] = ()
    sets: Sequence[tuple[int, str]] = ()


class EntryInspector(Protocol):
    """Knows what entries say; the verification of the tree does not."""

    def inspect_entries(self, first: int, entries: Sequence[bytes]) -> Inspection:
        """Look at the entries from number `first` on; they are in the tree, in this order, each seen once."""
        ...

    def inspect_set(self, number: int, content: bytes) -> str | None:
        """Look at the set of an entry, whose hash is right; return what is wrong with it, or None."""
        ...


@dataclass(frozen=True, slots=True)
class EarlierCheckpoint:
    """A checkpoint that somebody kept.

    Attributes:
        source: Its file name or another identifier for messages.
        note: The signed note.
    """

    source: str
    note: bytes


@dataclass(frozen=True, slots=True)
class Verification:
    """The report of a verification: what was checked, and what was found.

    Attributes:
        origin: The log's name.
        checkpoint: The signed head; None if there was none to be had, and then nothing else was checked.
        entries: Number of entries in bundles that were not found wrong; without findings, all.
        files: Number of files read.
        sets: Number of record sets checked.
        superseded: Number of partial files from earlier sizes that agree.
        earlier: Number of earlier checkpoints that are heads of this history.
        cosignatures: Good ones by the witnesses that were given.
        unknown_signatures: Names on signature lines that nobody could check and nothing covers.
        findings: What is wrong, in the order found.
        findings_omitted: How many more there are.
    """

    origin: str
    checkpoint: Checkpoint | None
    entries: int
    files: int
    sets: int
    superseded: int
    earlier: int
    cosignatures: tuple[Cosignature, ...]
    unknown_signatures: tuple[str, ...]
    findings: tuple[Finding, ...]
    findings_omitted: int = 0

    def check(self) -> None:
        """Return silently if nothing was found.

        Raises:
            TamperedError: Something is wrong; the message has a line for each finding.
            UncheckableError: Something could not be checked, and nothing else is wrong.
        """
        if not self.findings:
            return
        lines = [str(finding) for finding in self.findings]
        if self.findings_omitted:
            lines.append(f"and {self.findings_omitted} more")
        message = "\n".join(lines)
        if any(finding.is_tampered for finding in self.findings):
            raise TamperedError(message)
        raise UncheckableError(message)


def verify_export(
    reader: ExportReader,
    verifying_key: VerifyingKey,
    origin: str,
    *,
    earlier: Sequence[EarlierCheckpoint] = (),
    witnesses: Sequence[CosignatureVerifier] = (),
    quorum: int = 0,
    inspector: EntryInspector | None = None,
    progress: Callable[[int, int], None] | None = None,
    limits: VerificationLimits | None = None,
) -> Verification:
    """Verify an export completely; return what was checked.

    Args:
        reader: The files.
        verifying_key: The log's public key, from somewhere else than the export.
        origin: The log's name, likewise.
        earlier: Checkpoints that somebody kept.
        witnesses: Known witnesses.
        quorum: How many of them must have cosigned the checkpoint.
        inspector: Looks at the entries and at the record sets that they name.
        progress: Called after each bundle with the number of entries done and of all entries.
        limits: Bounds.

    Raises:
        TamperedError: Something is wrong; names every file and the entries in it.
        UncheckableError: Something could not be checked, and nothing else is wrong.
    """
    verification = examine_export(
        reader,
        verifying_key,
        origin,
        earlier=earlier,
        witnesses=witnesses,
        quorum=quorum,
        inspector=inspector,
        progress=progress,
        limits=limits,
    )
    verification.check()
    return verification


def examine_export(
    reader: ExportReader,
    verifying_key: VerifyingKey,
    origin: str,
    *,
    earlier: Sequence[EarlierCheckpoint] = (),
    witnesses: Sequence[CosignatureVerifier] = (),
    quorum: int = 0,
    inspector: EntryInspector | None = None,
    progress: Callable[[int, int], None] | None = None,
    limits: VerificationLimits | None = None,
) -> Verification:
    """Verify an export completely; return findings instead of raising. Arguments as for `verify_export`."""
    examination = _Examination(
        reader=reader,
        log=Ed25519Verifier(origin, verifying_key),
        witnesses=witnesses,
        quorum=quorum,
        inspector=inspector,
        progress=progress,
        limits=limits or VerificationLimits(),
    )
    return examination.run(earlier)


@dataclass(slots=True)
class _Examination:
    """One run; holds what has been counted and found so far."""

    reader: ExportReader
    log: Ed25519Verifier
    witnesses: Sequence[CosignatureVerifier]
    quorum: int
    inspector: EntryInspector | None
    progress: Callable[[int, int], None] | None
    limits: VerificationLimits
    checkpoint: Checkpoint | None = None
    cosignatures: tuple[Cosignature, ...] = ()
    unknown: tuple[str, ...] = ()
    findings: list[Finding] = field(default_factory=list)
    omitted: int = 0
    entries: int = 0
    files: int = 0
    superseded: int = 0
    earlier: int = 0
    sets: int = 0
    marks: dict[int, bytes | None] = field(default_factory=dict)
    frontier: CompactRange = field(default_factory=CompactRange)

    def run(self, earlier: Sequence[EarlierCheckpoint]) -> Verification:
        self._open_checkpoint()
        head = self.checkpoint
        if head is not None:
            kept = self._open_earlier(earlier, head)
            audit = TreeAudit(
                size=head.size,
                root=head.root,
                reader=self.reader,
                on_bundle=self._take_bundle,
                on_finding=self._add,
                limits=self.limits.log,
            )
            audit.run()
            self.files += audit.files
            self._check_earlier(kept)
            listing = ListingCheck(self.reader, self.limits, self._add)
            listing.run(head.size)
            self.files += listing.files
            self.superseded = listing.superseded
        return Verification(
            origin=self.log.name,
            checkpoint=head,
            entries=self.entries,
            files=self.files,
            sets=self.sets,
            superseded=self.superseded,
            earlier=self.earlier,
            cosignatures=self.cosignatures,
            unknown_signatures=self.unknown,
            findings=tuple(self.findings),
            findings_omitted=self.omitted,
        )

    def _add(self, finding: Finding) -> None:
        if len(self.findings) < self.limits.findings:
            self.findings.append(finding)
        else:
            self.omitted += 1

    def _open_checkpoint(self) -> None:
        data = read_or_report(self.reader, CHECKPOINT_PATH, self.limits.log.note_bytes, self._add)
        if data is None:
            return
        self.files += 1
        try:
            signed = open_checkpoint(
                data, self.log, witnesses=self.witnesses, quorum=self.quorum, limits=self.limits.log
            )
        except (UnverifiedError, LimitError) as error:
            self._add(Finding(CHECKPOINT_PATH, str(error), is_tampered=isinstance(error, TamperedError)))
            return
        self.checkpoint, self.cosignatures, self.unknown = signed.checkpoint, signed.cosignatures, signed.unknown

    def _take_bundle(self, first: int, entries: Sequence[bytes]) -> None:
        assert self.checkpoint is not None
        self.entries += len(entries)
        self._mark(first, entries)
        if self.inspector is not None:
            inspection = self.inspector.inspect_entries(first, entries)
            bundle = Tile(ENTRIES, first // TILE_WIDTH, len(entries))
            for number, reason in inspection.problems:
                self._add(Finding(bundle.path, reason, entries=(number, number)))
            named: dict[int, bytes] = {}
            for number, digest in inspection.sets:
                if _DIGEST.fullmatch(digest):
                    named[number] = bytes.fromhex(digest)
                else:
                    self._add(Finding(bundle.path, "names a record set by no hash", entries=(number, number)))
            self._check_sets(bundle, named, self.inspector)
        if self.progress is not None:
            self.progress(first + len(entries), self.checkpoint.size)

    def _mark(self, first: int, entries: Sequence[bytes]) -> None:
        """Note the roots at the sizes of earlier checkpoints, as long as no bundle was left out."""
        if not self.marks or self.frontier.size != first:
            return
        end = first + len(entries)
        hashes = [leaf_hash(entry) for entry in entries]
        for size in self.marks:
            if first < size <= end:
                self.marks[size] = self.frontier.append(hashes[: size - first]).root()
        self.frontier = self.frontier.append(hashes)

    def _open_earlier(
        self, earlier: Sequence[EarlierCheckpoint], head: Checkpoint
    ) -> list[tuple[EarlierCheckpoint, Checkpoint]]:
        """Open the earlier checkpoints and note their sizes, so that the roots are taken while the entries pass."""
        kept = []
        for item in earlier:
            try:
                old = open_checkpoint(item.note, self.log, limits=self.limits.log).checkpoint
            except (UnverifiedError, LimitError) as error:
                self._add(Finding(item.source, str(error), is_tampered=isinstance(error, TamperedError)))
                continue
            if old.size > head.size:
                reason = f"was signed at {old.size} entries; the export ends at {head.size}, so entries are missing"
                self._add(Finding(item.source, reason))
                continue
            if 0 < old.size < head.size:
                self.marks[old.size] = None
            kept.append((item, old))
        return kept

    def _check_earlier(self, kept: list[tuple[EarlierCheckpoint, Checkpoint]]) -> None:
        assert self.checkpoint is not None
        head = self.checkpoint
        known = {**self.marks, 0: CompactRange().root(), head.size: head.root}
        for item, old in kept:
            root = known[old.size]
            if root is None:
                reason = f"the first {old.size} entries are not all there, so their root is unknown"
                self._add(Finding(item.source, reason, is_tampered=False))
            elif root != old.root:
                self._add(Finding(item.source, f"is the head of another history of {old.size} entries"))
            else:
                self.earlier += 1

    def _check_sets(self, bundle: Tile, named: dict[int, bytes], inspector: EntryInspector) -> None:
        """Hold the sets beside a bundle against the hashes that its entries name."""
        first, end = bundle.span
        path, covered = set_bundle_path(bundle), (first, end - 1)
        try:
            data = self.reader.read(path, self.limits.set_bundle_bytes)
            sets = decode_set_bundle(data) if data is not None else None
        except (UnverifiedError, LimitError) as error:
            self._add(Finding(path, str(error), isinstance(error, LimitError | TamperedError), covered))
            return
        if sets is None:
            if named:
                self._add(Finding(path, "is missing", is_tampered=False, entries=(min(named), max(named))))
            return
        self.files += 1
        if len(sets) != bundle.width:
            reason = f"holds the sets of {len(sets)} entries where it must hold those of {bundle.width}"
            self._add(Finding(path, reason, entries=covered))
            return
        for number, content in enumerate(sets, first):
            wrong = _why_wrong(number, content, named.get(number), inspector)
            if wrong is not None:
                self._add(Finding(path, wrong, entries=(number, number)))
            elif content is not None:
                self.sets += 1


def _why_wrong(number: int, content: bytes | None, named: bytes | None, inspector: EntryInspector) -> str | None:
    if content is None:
        return None if named is None else "the set that the entry names is not there"
    if named is None:
        return "a set that the entry does not name"
    if sha256(content) != named:
        return "not the set that the entry names"
    return inspector.inspect_set(number, content)
