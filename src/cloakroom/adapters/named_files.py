"""Files that people name: read within a limit, written whole, with errors that say which file it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloakroom.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_file", "read_text_file", "write_file"]


def read_file(path: Path, *, bytes_max: int) -> bytes:
    """Return the content of a file.

    Raises:
        InputError: It cannot be read, or is larger than `bytes_max`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(bytes_max + 1)
    except OSError as error:
        raise InputError.at(str(path), f"cannot be read: {error.strerror}") from error
    if len(data) > bytes_max:
        raise InputError.at(str(path), f"is larger than {bytes_max} bytes")
    return data


def read_text_file(path: Path, *, bytes_max: int) -> str:
    """Return the content of a file as text.

    Raises:
        InputError: It cannot be read, is larger than `bytes_max`, or is not UTF-8.
    """
    data = read_file(path, bytes_max=bytes_max)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError.at(str(path), "is not UTF-8 text", line=line) from None


def write_file(path: Path, data: bytes) -> None:
    """Write a file, in place of what it held.

    Raises:
        InputError: It cannot be written.
    """
    try:
        path.write_bytes(data)
    except OSError as error:
        raise InputError.at(str(path), f"cannot be written: {error.strerror}") from error
