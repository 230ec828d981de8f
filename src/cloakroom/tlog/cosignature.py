"""C2SP tlog-cosignature/v1, Ed25519 (type 0x04): a witness says "the largest consistent head I had seen by then".

The signature line holds a time (POSIX seconds, 64 bits, big-endian) and an Ed25519 signature over

    cosignature/v1
    time <seconds>
    <the text of the checkpoint>

A witness that is run by somebody else is what makes a split view visible: it never cosigns two histories.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloakroom.crypto import SIGNATURE_SIZE, SigningKey, VerifyingKey
from cloakroom.errors import TamperedError, UsageError
from cloakroom.tlog.note import (
    COSIGNATURE,
    NoteSignature,
    check_key_name,
    key_id,
    parse_verifier_key,
    render_verifier_key,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_TIME_SIZE = 8
_TIME_MAX_S = 2**63 - 1


@dataclass(frozen=True, slots=True)
class CosignatureVerifier:
    """A witness's public key of type 0x04.

    Attributes:
        name: Name of the witness.
        key: The public key; one key is one witness, since the signed message does not hold the name.
    """

    name: str
    key: VerifyingKey

    def __post_init__(self) -> None:
        check_key_name(self.name)

    @property
    def key_id(self) -> bytes:
        """The four bytes that go before its signatures."""
        return key_id(self.name, COSIGNATURE, self.key)

    def verify(self, text: str, signature: bytes) -> None:
        """Return silently if `signature`, with its time, is this witness's under `text`.

        Raises:
            TamperedError: It is not.
        """
        if len(signature) != _TIME_SIZE + SIGNATURE_SIZE:
            raise TamperedError("a cosignature has 72 bytes")
        time_s = int.from_bytes(signature[:_TIME_SIZE])
        if time_s > _TIME_MAX_S:
            raise TamperedError("the time of a cosignature is out of range")
        self.key.verify(_message(time_s, text), signature[_TIME_SIZE:])

    def render(self) -> str:
        """Render as a verifier key."""
        return render_verifier_key(self.name, COSIGNATURE, self.key)

    @classmethod
    def parse(cls, text: str) -> CosignatureVerifier:
        """Parse a verifier key of type 0x04.

        Raises:
            UncheckableError: It is malformed, of another type, or its key id does not fit.
        """
        return cls(*parse_verifier_key(text, COSIGNATURE))


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A cosignature that has been checked.

    Attributes:
        witness: Who made it.
        time_s: When, by the witness's clock, in POSIX seconds.
    """

    witness: CosignatureVerifier
    time_s: int


def cosign(name: str, key: SigningKey, text: str, time_s: int) -> NoteSignature:
    """Return a witness's signature line for the text of a checkpoint.

    Whoever calls this has checked that the checkpoint is signed by its log and consistent with the last one cosigned.

    Raises:
        UsageError: The name or the time is out of range.
    """
    if not 0 <= time_s <= _TIME_MAX_S:
        raise UsageError("the time of a cosignature is out of range")
    witness = CosignatureVerifier(name, key.verifying_key)
    signature = time_s.to_bytes(_TIME_SIZE) + key.sign(_message(time_s, text))
    return NoteSignature(name, witness.key_id, signature)


def parse_cosignature(witness: CosignatureVerifier, line: NoteSignature) -> Cosignature:
    """Read the time out of a signature line that `witness` has verified."""
    return Cosignature(witness, int.from_bytes(line.signature[:_TIME_SIZE]))


def verify_cosignatures(
    text: str, lines: Sequence[NoteSignature], witnesses: Sequence[CosignatureVerifier]
) -> tuple[NoteSignature, ...]:
    """Return the lines that known witnesses made under `text`; lines by others are left out.

    Raises:
        TamperedError: A line by a known witness is wrong.
    """
    known = {(witness.name, witness.key_id): witness for witness in witnesses}
    good = []
    for line in lines:
        witness = known.get((line.name, line.key_id))
        if witness is not None:
            witness.verify(text, line.signature)
            good.append(line)
    return tuple(good)


def _message(time_s: int, text: str) -> bytes:
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()
