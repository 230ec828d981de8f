"""C2SP tlog-checkpoint: the signed head of a log.

The text of the note has at least three lines: the origin (the log's name for ever), the tree size in decimal, the
root hash in Base 64. Further lines are extensions; we write none and carry those of others along. The log's key bears
the origin as its name (C2SP: "should"; here: must), so a key cannot sign for another log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloakroom.errors import TamperedError, UncheckableError, UsageError
from cloakroom.tlog.cosignature import Cosignature, CosignatureVerifier, parse_cosignature
from cloakroom.tlog.hashing import HASH_SIZE
from cloakroom.tlog.limits import DEFAULT_LIMITS, Limits
from cloakroom.tlog.note import Ed25519Signer, Ed25519Verifier, Note, check_key_name, open_note
from cloakroom.tlog.text import parse_decimal, parse_hash, render_base64

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log at one size.

    Attributes:
        origin: The log's name.
        size: Number of entries.
        root: The tree hash.
        extensions: Further lines, opaque.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def render(self) -> str:
        """Render the text of the note.

        Raises:
            UsageError: A part cannot be rendered.
        """
        lines = (self.origin, str(self.size), render_base64(self.root), *self.extensions)
        if self.size < 0 or len(self.root) != HASH_SIZE or not all(lines) or any("\n" in line for line in lines):
            raise UsageError("a checkpoint has an origin, a size, a root of 32 bytes and no empty line")
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str, limits: Limits = DEFAULT_LIMITS) -> Checkpoint:
        """Parse the text of a note.

        Raises:
            UncheckableError: It is no checkpoint.
        """
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
            raise UncheckableError("a checkpoint has at least three lines, none of them empty")
        size = parse_decimal(lines[1], "the tree size of a checkpoint", limits)
        root = parse_hash(lines[2], "the root hash of a checkpoint")
        return cls(lines[0], size, root, tuple(lines[3:-1]))


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint whose signatures have been checked.

    Attributes:
        checkpoint: What the log signed.
        note: The note it came in.
        cosignatures: The good ones by the witnesses that were given, one for each witness.
        unknown: Names on lines that were ignored since no given key made them; nothing covers those lines.
    """

    checkpoint: Checkpoint
    note: Note
    cosignatures: tuple[Cosignature, ...]
    unknown: tuple[str, ...]


def sign_checkpoint(checkpoint: Checkpoint, signer: Ed25519Signer) -> bytes:
    """Return the signed note of a checkpoint.

    Raises:
        UsageError: The key's name is not the origin.
    """
    if signer.name != checkpoint.origin:
        raise UsageError("a log signs with a key that bears its origin as name")
    check_key_name(signer.name)
    text = checkpoint.render()
    return Note(text, (signer.sign(text),)).render()


def open_checkpoint(
    data: bytes,
    log: Ed25519Verifier,
    *,
    witnesses: Sequence[CosignatureVerifier] = (),
    quorum: int = 0,
    limits: Limits = DEFAULT_LIMITS,
) -> SignedCheckpoint:
    """Parse a checkpoint and check the log's signature and those of known witnesses.

    Args:
        data: The signed note.
        log: The log's key; its name is the origin that is expected.
        witnesses: Known witnesses.
        quorum: How many different witness keys must have cosigned; the log's own key never counts as one.
        limits: Bounds.

    Raises:
        TamperedError: A signature by a known key is wrong, or the origin is another log's.
        UncheckableError: It is malformed, the log did not sign it, or too few witnesses did.
        LimitError: It is too long or has too many signatures.
    """
    note, signed = open_note(data, (log, *witnesses), limits)
    if log not in signed:
        raise UncheckableError("the log's key did not sign the checkpoint")
    checkpoint = Checkpoint.parse(note.text, limits)
    if checkpoint.origin != log.name:
        raise TamperedError("the checkpoint is of another origin")
    known = {(log.name, log.key_id), *((witness.name, witness.key_id) for witness in witnesses)}
    unknown = tuple(line.name for line in note.signatures if (line.name, line.key_id) not in known)
    cosignatures = _cosignatures_of(
        note, [verifier for verifier in signed if isinstance(verifier, CosignatureVerifier)]
    )
    independent = {cosignature.witness.key for cosignature in cosignatures} - {log.key}
    if len(independent) < quorum:
        raise UncheckableError(f"{len(independent)} known witnesses cosigned where {quorum} are asked for")
    return SignedCheckpoint(checkpoint, note, cosignatures, unknown)


def _cosignatures_of(note: Note, witnesses: Sequence[CosignatureVerifier]) -> tuple[Cosignature, ...]:
    """Return the newest cosignature of each witness; all have been checked."""
    newest: dict[CosignatureVerifier, Cosignature] = {}
    for witness in witnesses:
        for line in note.signatures:
            if (line.name, line.key_id) == (witness.name, witness.key_id):
                found = parse_cosignature(witness, line)
                if witness not in newest or found.time_s > newest[witness].time_s:
                    newest[witness] = found
    return tuple(newest.values())
