"""C2SP tlog-witness: what is said between a log and a witness. Bytes only; who carries them is not known here.

A log posts to ``<prefix>/add-checkpoint``: the size that it believes the witness has seen, a consistency proof from
there, an empty line, the signed checkpoint. The witness answers with its cosignature, or with 409 and the size that
it really has seen, from which the log tries again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloakroom.errors import LimitError, TamperedError, UncheckableError, UsageError
from cloakroom.tlog.cosignature import CosignatureVerifier, verify_cosignatures
from cloakroom.tlog.limits import DEFAULT_LIMITS, Limits
from cloakroom.tlog.note import NoteSignature, parse_note, parse_signature_lines
from cloakroom.tlog.text import parse_decimal, parse_hash, render_base64

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZE_CONTENT_TYPE = "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A request for a cosignature.

    Attributes:
        old_size: Size of the checkpoint that the witness cosigned last; 0 for none.
        proof: Consistency proof from there; empty where `old_size` is 0.
        checkpoint: The signed note.
    """

    old_size: int
    proof: tuple[bytes, ...]
    checkpoint: bytes

    def render(self, limits: Limits = DEFAULT_LIMITS) -> bytes:
        """Render the body of the request.

        Raises:
            UsageError: There are more hashes than a witness accepts.
        """
        if len(self.proof) > limits.proof_hashes or self.old_size < 0:
            raise UsageError(f"a request has a size and at most {limits.proof_hashes} hashes")
        lines = [f"old {self.old_size}", *(render_base64(item) for item in self.proof), "", ""]
        return "\n".join(lines).encode() + self.checkpoint

    @classmethod
    def parse(cls, body: bytes, limits: Limits = DEFAULT_LIMITS) -> AddCheckpoint:
        """Parse the body of a request; no signature or proof is checked.

        Raises:
            UncheckableError: It is malformed.
            LimitError: It is too long or has too many hashes.
        """
        head, blank, checkpoint = body.partition(b"\n\n")
        # One line of the head is at most 46 bytes; a longer head need not be looked at.
        if len(head) > 64 * (limits.proof_hashes + 1):
            raise LimitError(f"a request has more than {limits.proof_hashes} hashes")
        if not blank or not head.isascii():
            raise UncheckableError("a request has a head, an empty line and a checkpoint")
        first, *rest = head.decode("ascii").split("\n")
        if not first.startswith("old "):
            raise UncheckableError("a request starts with the old size")
        if len(rest) > limits.proof_hashes:
            raise LimitError(f"a request has more than {limits.proof_hashes} hashes")
        parse_note(checkpoint, limits)
        return cls(
            parse_decimal(first[4:], "the old size", limits),
            tuple(parse_hash(row, f"hash {number} of the proof") for number, row in enumerate(rest, start=1)),
            checkpoint,
        )


@dataclass(frozen=True, slots=True)
class Cosigned:
    """The witness agreed.

    Attributes:
        lines: Its signature lines, checked; add them to the checkpoint.
    """

    lines: tuple[NoteSignature, ...]


@dataclass(frozen=True, slots=True)
class SizeConflict:
    """The witness has seen another size than the log believed.

    Attributes:
        size: The size it has seen; prove from there and ask again.
    """

    size: int


def parse_answer(
    status: int,
    content_type: str,
    body: bytes,
    *,
    checkpoint: bytes,
    witnesses: Sequence[CosignatureVerifier],
    limits: Limits = DEFAULT_LIMITS,
) -> Cosigned | SizeConflict:
    """Read a witness's answer to a request.

    Args:
        status: HTTP status.
        content_type: Value of that header, or empty.
        body: The answer, already bounded by the carrier.
        checkpoint: The signed note that was posted.
        witnesses: The keys of that witness.
        limits: Bounds.

    Raises:
        TamperedError: The cosignature is wrong, or the witness holds another root at this size (409 without a size),
            or found the consistency proof wrong (422): the alarm that history was rewritten.
        UncheckableError: The witness does not know the log (404) or its key (403), did not understand the request
            (400), failed, or answered with nothing that is signed by `witnesses`.
        LimitError: The answer is too long.
    """
    if len(body) > limits.note_bytes:
        raise LimitError("a witness's answer is too long")
    if status == 200:
        lines = parse_signature_lines(_decode(body), limits)
        good = verify_cosignatures(parse_note(checkpoint, limits).text, lines, witnesses)
        if not good:
            raise UncheckableError("the witness's answer has no signature by its key")
        return Cosigned(good)
    if status == 409 and content_type.partition(";")[0].strip() == SIZE_CONTENT_TYPE:
        text = _decode(body)
        if not text.endswith("\n"):
            raise UncheckableError("the witness's size does not end in a newline")
        return SizeConflict(parse_decimal(text[:-1], "the witness's size", limits))
    if status == 409:
        raise TamperedError("the witness holds another root for this size")
    if status == 422:
        raise TamperedError("the witness found the consistency proof wrong")
    reasons = {
        400: "did not understand the request",
        403: "does not trust the log's key",
        404: "does not know the log",
    }
    raise UncheckableError(f"the witness {reasons.get(status, 'failed')} (status {status})")


def add_cosignatures(checkpoint: bytes, lines: Sequence[NoteSignature], limits: Limits = DEFAULT_LIMITS) -> bytes:
    """Return the signed note with further lines under it, leaving out those it has already.

    Raises:
        UncheckableError: `checkpoint` is malformed.
        LimitError: There would be too many signatures.
    """
    present = parse_note(checkpoint, limits).signatures
    new = [line for line in dict.fromkeys(lines) if line not in present]
    if len(present) + len(new) > limits.note_signatures:
        raise LimitError(f"a signed note has more than {limits.note_signatures} signatures")
    return checkpoint + "".join(line.render() for line in new).encode()


def _decode(body: bytes) -> str:
    try:
        return body.decode("utf-8", errors="strict")
    except UnicodeDecodeError:
        raise UncheckableError("a witness's answer must be UTF-8") from None
