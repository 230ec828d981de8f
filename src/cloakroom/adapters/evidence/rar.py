"""The form of a rar archive, which is named and not read: whether it is encrypted, or one of several parts."""

from __future__ import annotations

_RAR_5 = b"Rar!\x1a\x07\x01\x00"
_RAR_4_FLAGS = slice(10, 12)
_ENCRYPTED_4, _VOLUME_4 = 0x80, 1
_ENCRYPTION_5, _MAIN_5 = 4, 1
_EXTRA_AREA, _VOLUME_5 = 1, 1


def rar_form(head: bytes) -> str:
    """Return what kind of rar archive begins with these bytes (RAR 5.0 archive format; technote.txt of RAR 4)."""
    is_encrypted, is_part = _of_rar_5(head) if head.startswith(_RAR_5) else _of_rar_4(head)
    form = "an encrypted rar archive" if is_encrypted else "a rar archive"
    return f"{form}, one of several parts" if is_part else form


def _of_rar_4(head: bytes) -> tuple[bool, bool]:
    flags = int.from_bytes(head[_RAR_4_FLAGS], "little")
    return bool(flags & _ENCRYPTED_4), bool(flags & _VOLUME_4)


def _of_rar_5(head: bytes) -> tuple[bool, bool]:
    at = len(_RAR_5) + 4
    _, at = _number(head, at)
    kind, at = _number(head, at)
    flags, at = _number(head, at)
    if kind != _MAIN_5:
        return kind == _ENCRYPTION_5, False
    if flags & _EXTRA_AREA:
        _, at = _number(head, at)
    archive_flags, _ = _number(head, at)
    return False, bool(archive_flags & _VOLUME_5)


def _number(head: bytes, at: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, the lowest first, and the place behind it."""
    number = shift = 0
    for byte in head[at : at + 10]:
        number |= (byte & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if byte < 0x80:
            break
    return number, at
