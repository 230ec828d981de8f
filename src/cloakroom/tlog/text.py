"""The small text forms that notes, checkpoints and proofs share: exactly one spelling of each value is accepted."""

from __future__ import annotations

import base64
import binascii

from cloakroom.errors import UncheckableError
from cloakroom.tlog.hashing import HASH_SIZE
from cloakroom.tlog.limits import DEFAULT_LIMITS, Limits


def render_base64(data: bytes) -> str:
    """Render as standard Base 64 with padding (RFC 4648 §4)."""
    return base64.b64encode(data).decode("ascii")


def parse_base64(text: str, what: str) -> bytes:
    """Parse standard Base 64, refusing every spelling but the canonical one.

    Python, like most, ignores stray bits before the padding; then two texts would carry one signature and a flipped
    byte could pass unseen.

    Raises:
        UncheckableError: `text` is not canonical Base 64; the message names `what`.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise UncheckableError(f"{what} is not Base 64") from None
    if render_base64(data) != text:
        raise UncheckableError(f"{what} is not canonical Base 64")
    return data


def parse_hash(text: str, what: str) -> bytes:
    """Parse a SHA-256 hash in Base 64.

    Raises:
        UncheckableError: `text` is not canonical Base 64 of 32 bytes; the message names `what`.
    """
    data = parse_base64(text, what)
    if len(data) != HASH_SIZE:
        raise UncheckableError(f"{what} is not {HASH_SIZE} bytes long")
    return data


def parse_decimal(text: str, what: str, limits: Limits = DEFAULT_LIMITS) -> int:
    """Parse a number of entries in ASCII decimal without leading zeros.

    Raises:
        UncheckableError: `text` is no such number or exceeds `limits.tree_size`; the message names `what`.
    """
    if not (text.isascii() and text.isdigit()) or (len(text) > 1 and text[0] == "0"):
        raise UncheckableError(f"{what} is not a decimal number without leading zeros")
    if len(text) > 19 or int(text) > limits.tree_size:
        raise UncheckableError(f"{what} is larger than any tree")
    return int(text)
