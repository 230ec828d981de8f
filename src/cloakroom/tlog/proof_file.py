"""C2SP tlog-proof: one file that shows, to anyone with the log's public key, that an entry is in the log.

    c2sp.org/tlog-proof@v1
    extra <Base 64>            optional; ours is the entry itself
    index <decimal>
    <hash in Base 64>          the inclusion proof, from the leaf's sibling upwards
    …
    <empty line>
    <signed checkpoint>

The extra data is authenticated by nothing in the format. We put the entry there so that the file is complete by
itself, and `verify` hashes it: an entry that was touched does not lead to the root.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloakroom.errors import LimitError, UncheckableError, UsageError
from cloakroom.tlog.checkpoint import SignedCheckpoint, open_checkpoint
from cloakroom.tlog.hashing import leaf_hash
from cloakroom.tlog.limits import DEFAULT_LIMITS, Limits
from cloakroom.tlog.note import parse_note
from cloakroom.tlog.proofs import verify_inclusion
from cloakroom.tlog.text import parse_base64, parse_decimal, parse_hash, render_base64

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cloakroom.tlog.cosignature import CosignatureVerifier
    from cloakroom.tlog.note import Ed25519Verifier

HEADER = "c2sp.org/tlog-proof@v1"
SUFFIX = ".tlog-proof"


@dataclass(frozen=True, slots=True)
class ProofFile:
    """A proof as it stands in its file; nothing is checked before `verify`.

    Attributes:
        index: Number of the entry, from 0.
        proof: Inclusion proof in the tree of the checkpoint.
        checkpoint: The signed note, verbatim.
        entry: The entry, carried as extra data; None where it goes another way.
    """

    index: int
    proof: tuple[bytes, ...]
    checkpoint: bytes
    entry: bytes | None = None

    def render(self, limits: Limits = DEFAULT_LIMITS) -> bytes:
        """Render the file.

        Raises:
            UsageError: A part cannot be rendered.
        """
        if self.index < 0 or len(self.proof) > limits.proof_hashes:
            raise UsageError(f"a proof has an index and at most {limits.proof_hashes} hashes")
        extra = [] if self.entry is None else [f"extra {render_base64(self.entry)}"]
        hashes = [render_base64(item) for item in self.proof]
        return "\n".join([HEADER, *extra, f"index {self.index}", *hashes, "", ""]).encode() + self.checkpoint

    @classmethod
    def parse(cls, data: bytes, limits: Limits = DEFAULT_LIMITS) -> ProofFile:
        """Parse a file; no signature or proof is checked.

        Raises:
            UncheckableError: It is malformed.
            LimitError: It is too long.
        """
        head, blank, checkpoint = data.partition(b"\n\n")
        if len(head) > 2 * limits.extra_bytes + 64 * (limits.proof_hashes + 2):
            raise LimitError("the head of the proof file is too long")
        if not blank or not head.isascii():
            raise UncheckableError("a proof file has a head, an empty line and a checkpoint")
        header, *rows = head.decode("ascii").split("\n")
        if header != HEADER:
            raise UncheckableError(f"a proof file starts with {HEADER}")
        entry = None
        if rows and rows[0].startswith("extra "):
            entry = parse_base64(rows.pop(0)[6:], "the extra data")
            if len(entry) > limits.extra_bytes:
                raise LimitError(f"the extra data is longer than {limits.extra_bytes} bytes")
        if not rows or not rows[0].startswith("index "):
            raise UncheckableError("the proof file has no index")
        index = parse_decimal(rows.pop(0)[6:], "the index", limits)
        if len(rows) > limits.proof_hashes:
            raise LimitError(f"the proof file has more than {limits.proof_hashes} hashes")
        parse_note(checkpoint, limits)
        proof = tuple(parse_hash(row, f"hash {number} of the proof") for number, row in enumerate(rows, start=1))
        return cls(index, proof, checkpoint, entry)

    def verify(
        self,
        log: Ed25519Verifier,
        *,
        entry: bytes | None = None,
        witnesses: Sequence[CosignatureVerifier] = (),
        quorum: int = 0,
        limits: Limits = DEFAULT_LIMITS,
    ) -> tuple[bytes, SignedCheckpoint]:
        """Check everything and return the entry with the checkpoint that proves it.

        Args:
            log: The log's key, named by its origin.
            entry: The entry, where the file does not carry it or must carry exactly this one.
            witnesses: Known witnesses.
            quorum: How many of them must have cosigned.
            limits: Bounds.

        Raises:
            TamperedError: The entry is not in that place of that log, or a signature is wrong.
            UncheckableError: There is no entry, the log did not sign, or too few witnesses did.
        """
        found = self.entry if entry is None else entry
        if found is None:
            raise UncheckableError("the proof file does not carry the entry, and none was given")
        signed = open_checkpoint(self.checkpoint, log, witnesses=witnesses, quorum=quorum, limits=limits)
        head = signed.checkpoint
        verify_inclusion(self.index, head.size, leaf_hash(found), self.proof, head.root)
        return found, signed
