"""C2SP signed-note: a text and the signatures under it.

    <text, ending in a newline>
    <empty line>
    — <key name> <Base 64 of: key id (4 bytes), signature>
    — …

The text is UTF-8 without control characters but newline; it may hold empty lines, and the *last* empty line ends it.
A key is known by name and key id together, the id being the first four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ public
key). Its text form, a **verifier key**, is ``<name>+<key id in hex>+<Base 64 of: type, public key>``.

Rules kept here, on purpose stricter than the letter where the letter leaves a choice:

- signatures by unknown keys are ignored, so that others may sign too and keys may change;
- a known key whose signature fails refuses the whole note, even if another one is good;
- without a good signature by a known key there is nothing to read: `open_note` raises and returns no text;
- each value has one accepted spelling, so that no byte of a signature that counts can change unseen.

A line by a key that nobody here knows is covered by nothing: whoever carries the note can add, change or drop it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cloakroom.crypto import SIGNATURE_SIZE, SigningKey, VerifyingKey, sha256
from cloakroom.errors import LimitError, TamperedError, UncheckableError, UsageError
from cloakroom.tlog.limits import DEFAULT_LIMITS, Limits
from cloakroom.tlog.text import parse_base64, render_base64

if TYPE_CHECKING:
    from collections.abc import Sequence

ED25519 = 0x01
"""Signature type: Ed25519 over the text (C2SP signed-note)."""
COSIGNATURE = 0x04
"""Signature type: Ed25519 over the text and a time (C2SP tlog-cosignature)."""

_DASH = "— "
_KEY_ID_SIZE = 4


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line.

    Attributes:
        name: Name of the key.
        key_id: Four bytes that tell keys of one name apart.
        signature: What the key's type makes of it.
    """

    name: str
    key_id: bytes
    signature: bytes

    def render(self) -> str:
        """Render as a line, with its newline."""
        return f"{_DASH}{self.name} {render_base64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text with signatures that nobody has checked yet.

    Attributes:
        text: Ends in a newline.
        signatures: In the order of the lines.
    """

    text: str
    signatures: tuple[NoteSignature, ...]

    def render(self) -> bytes:
        """Render as a signed note."""
        return (self.text + "\n" + "".join(line.render() for line in self.signatures)).encode()


class NoteVerifier(Protocol):
    """A known public key that can check its signature under a note."""

    @property
    def name(self) -> str:
        """Name of the key."""
        ...

    @property
    def key_id(self) -> bytes:
        """The four bytes that go before its signatures."""
        ...

    def verify(self, text: str, signature: bytes) -> None:
        """Return silently if `signature` is this key's under `text`.

        Raises:
            TamperedError: It is not.
        """
        ...


@dataclass(frozen=True, slots=True)
class Ed25519Verifier:
    """A public key of type 0x01.

    Attributes:
        name: Name of the key; for a log, its origin.
        key: The public key.
    """

    name: str
    key: VerifyingKey

    def __post_init__(self) -> None:
        check_key_name(self.name)

    @property
    def key_id(self) -> bytes:
        """The four bytes that go before its signatures."""
        return key_id(self.name, ED25519, self.key)

    def verify(self, text: str, signature: bytes) -> None:
        """Return silently if `signature` is this key's under `text`.

        Raises:
            TamperedError: It is not.
        """
        if len(signature) != SIGNATURE_SIZE:
            raise TamperedError("an Ed25519 signature has 64 bytes")
        self.key.verify(text.encode(), signature)

    def render(self) -> str:
        """Render as a verifier key, the form in which public keys are handed out."""
        return render_verifier_key(self.name, ED25519, self.key)

    @classmethod
    def parse(cls, text: str) -> Ed25519Verifier:
        """Parse a verifier key of type 0x01.

        Raises:
            UncheckableError: It is malformed, of another type, or its key id does not fit.
        """
        return cls(*parse_verifier_key(text, ED25519))


@dataclass(frozen=True, slots=True)
class Ed25519Signer:
    """A private key of type 0x01.

    Attributes:
        name: Name of the key; for a log, its origin.
        key: The private key.
    """

    name: str
    key: SigningKey

    @property
    def verifier(self) -> Ed25519Verifier:
        """The public half."""
        return Ed25519Verifier(self.name, self.key.verifying_key)

    def sign(self, text: str) -> NoteSignature:
        """Return the signature line for `text`.

        Raises:
            UsageError: `text` cannot be the text of a note.
        """
        _check_text(text)
        return NoteSignature(self.name, self.verifier.key_id, self.key.sign(text.encode()))


def key_id(name: str, kind: int, key: VerifyingKey) -> bytes:
    """Return the key id that C2SP signed-note recommends."""
    return sha256(name.encode() + b"\n" + bytes([kind]) + key.raw)[:_KEY_ID_SIZE]


def check_key_name(name: str) -> None:
    """Return silently if `name` can name a key.

    Raises:
        UsageError: It is empty, or has a space, a plus or a control character.
    """
    if not _is_key_name(name):
        raise UsageError("the name of a key is not empty and has no space, plus or control character")


def render_verifier_key(name: str, kind: int, key: VerifyingKey) -> str:
    """Render the text form of a public key."""
    return f"{name}+{key_id(name, kind, key).hex()}+{render_base64(bytes([kind]) + key.raw)}"


def parse_verifier_key(text: str, kind: int) -> tuple[str, VerifyingKey]:
    """Parse the text form of a public key of the given type.

    Raises:
        UncheckableError: It is malformed, of another type, or its key id does not fit.
    """
    name, _, rest = text.partition("+")
    identifier, _, material = rest.partition("+")
    if not _is_key_name(name):
        raise UncheckableError("not a verifier key: the name is missing or malformed")
    data = parse_base64(material, "the key material of a verifier key")
    if not data or data[0] != kind:
        raise UncheckableError(f"the verifier key is not of type 0x{kind:02x}")
    key = VerifyingKey(data[1:])
    if key_id(name, kind, key).hex() != identifier:
        raise UncheckableError("the key id does not belong to this name and key")
    return name, key


def parse_note(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Note:
    """Parse a signed note without checking any signature.

    Raises:
        UncheckableError: It is malformed.
        LimitError: It is too long or has too many signatures.
    """
    if len(data) > limits.note_bytes:
        raise LimitError(f"a signed note is longer than {limits.note_bytes} bytes")
    try:
        content = data.decode("utf-8", errors="strict")
    except UnicodeDecodeError:
        raise UncheckableError("a signed note must be UTF-8") from None
    if _has_control(content):
        raise UncheckableError("a signed note has no control characters but newline")
    text, blank, lines = content.rpartition("\n\n")
    if not blank or not text or not lines.endswith("\n"):
        raise UncheckableError("a signed note has a text, an empty line and signature lines")
    return Note(text + "\n", parse_signature_lines(lines, limits))


def parse_signature_lines(lines: str, limits: Limits = DEFAULT_LIMITS) -> tuple[NoteSignature, ...]:
    """Parse one or more signature lines, each ending in a newline.

    Raises:
        UncheckableError: A line is malformed.
        LimitError: There are too many.
    """
    if not lines.endswith("\n"):
        raise UncheckableError("a signature line ends in a newline")
    rows = lines[:-1].split("\n")
    if len(rows) > limits.note_signatures:
        raise LimitError(f"a signed note has more than {limits.note_signatures} signatures")
    return tuple(_parse_signature_line(row, number) for number, row in enumerate(rows, start=1))


def open_note(
    data: bytes, verifiers: Sequence[NoteVerifier], limits: Limits = DEFAULT_LIMITS
) -> tuple[Note, tuple[NoteVerifier, ...]]:
    """Parse a signed note and check every signature by a known key.

    Args:
        data: The note.
        verifiers: The known keys.
        limits: Bounds.

    Returns:
        The note, and those of `verifiers` that signed it, each once, in the order of the lines.

    Raises:
        TamperedError: A signature by a known key is wrong.
        UncheckableError: The note is malformed, or no known key signed it.
        LimitError: It is too long or has too many signatures.
    """
    note = parse_note(data, limits)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    signed: dict[tuple[str, bytes], NoteVerifier] = {}
    for line in note.signatures:
        verifier = known.get((line.name, line.key_id))
        if verifier is not None:
            verifier.verify(note.text, line.signature)
            signed[line.name, line.key_id] = verifier
    if not signed:
        raise UncheckableError("no known key signed the note")
    return note, tuple(signed.values())


def _parse_signature_line(row: str, number: int) -> NoteSignature:
    name, _, encoded = row.removeprefix(_DASH).partition(" ")
    if not row.startswith(_DASH) or not _is_key_name(name):
        raise UncheckableError(f"signature line {number} is malformed")
    data = parse_base64(encoded, f"the signature in line {number}")
    if len(data) <= _KEY_ID_SIZE:
        raise UncheckableError(f"signature line {number} has no signature")
    return NoteSignature(name, data[:_KEY_ID_SIZE], data[_KEY_ID_SIZE:])


def _check_text(text: str) -> None:
    if not text.endswith("\n") or _has_control(text) or text.startswith("\n") or not _is_encodable(text):
        raise UsageError("the text of a note is UTF-8, ends in a newline and has no other control characters")


def _has_control(text: str) -> bool:
    return any(character < " " and character != "\n" for character in text)


def _is_key_name(name: str) -> bool:
    if not name or not _is_encodable(name):
        return False
    return not any(character.isspace() or character == "+" or character < " " for character in name)


def _is_encodable(text: str) -> bool:
    """Say whether `text` has no lone surrogate, which UTF-8 cannot say."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
