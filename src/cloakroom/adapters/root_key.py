"""The root key, from the place that a URI names.

- ``file:/path`` — 64 hexadecimal digits in a file of mode 0600; refused when others can read it.
- ``env:NAME``  — 64 hexadecimal digits in an environment variable.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from cloakroom.crypto import KEY_SIZE, random_bytes
from cloakroom.errors import ConflictError, UncheckableError, UsageError
from cloakroom.vault.key_ring import RootKey

_HEX = re.compile(r"[0-9a-f]{64}")


def load_root_key(uri: str) -> RootKey:
    """Return the root key that `uri` names.

    Raises:
        UncheckableError: It is missing, malformed, or readable by others.
        UsageError: The scheme is unknown.
    """
    scheme, _, rest = uri.partition(":")
    if scheme == "file":
        return RootKey(_parse(_read_private_file(Path(rest)), uri))
    if scheme == "env":
        text = os.environ.get(rest)
        if text is None:
            raise UncheckableError(f"the root key is to come from the environment variable {rest}, which is not set")
        return RootKey(_parse(text, uri))
    raise UsageError(f"unknown scheme {scheme!r} of a root key; known: file, env")


def create_root_key(path: Path) -> RootKey:
    """Make a root key file of mode 0600 and return the key.

    Raises:
        ConflictError: The file exists already; it is never overwritten.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    key = random_bytes(KEY_SIZE)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ConflictError(f"{path} exists; a root key is never overwritten") from error
    with os.fdopen(handle, "w") as file:
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return RootKey(key)


def _read_private_file(path: Path) -> str:
    try:
        # Not blocking, so that a pipe in place of a file cannot hold us.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError as error:
        raise UncheckableError(f"the root key file {path} cannot be read: {error.strerror}") from error
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode) or mode & 0o077:
        os.close(handle)
        reason = "is open to others; chmod 600 it" if stat.S_ISREG(mode) else "is not a file"
        raise UncheckableError(f"the root key file {path} {reason}")
    with os.fdopen(handle, encoding="utf-8", errors="replace") as file:
        return file.read(4096)


def _parse(text: str, uri: str) -> bytes:
    if not _HEX.fullmatch(text.strip()):
        raise UncheckableError(f"the root key {uri.partition(':')[0]}: is not 64 hexadecimal digits")
    return bytes.fromhex(text.strip())
