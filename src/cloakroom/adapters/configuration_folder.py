"""Reads a configuration folder from disk."""

from __future__ import annotations

from pathlib import Path

from cloakroom.errors import InputError, LimitError

MAX_FILE_BYTES = 4 * 2**20
MAX_FILES = 1_000


def read_folder(folder: Path) -> dict[str, str]:
    """Return the text of every TOML file below `folder`, by its path relative to it.

    Raises:
        InputError: No such folder, or a file is not UTF-8.
        LimitError: Too many or too large files.
    """
    if not folder.is_dir():
        raise InputError.at(str(folder), "is not a folder")
    paths = sorted(path for path in folder.rglob("*.toml") if path.is_file())
    if len(paths) > MAX_FILES:
        raise LimitError(f"{folder}: more than {MAX_FILES} files")
    texts: dict[str, str] = {}
    for path in paths:
        name = path.relative_to(folder).as_posix()
        data = path.read_bytes()
        if len(data) > MAX_FILE_BYTES:
            raise LimitError(f"{name}: larger than {MAX_FILE_BYTES} bytes")
        try:
            texts[name] = data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise InputError.at(name, "not UTF-8", line=line) from error
    return texts
