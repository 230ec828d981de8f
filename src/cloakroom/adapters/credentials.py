"""Private keys of principals that were enrolled on this machine, in files of mode 0600."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cloakroom.crypto import SigningKey
from cloakroom.errors import ConflictError, UncheckableError, UsageError


@dataclass(frozen=True, slots=True)
class PrivateCredential:
    """A credential with its private half.

    Attributes:
        id: Id of the credential.
        principal: Whose it is.
        key: The private key.
    """

    id: str
    principal: str
    key: SigningKey


def write_credential(path: Path, credential: PrivateCredential) -> None:
    """Write a new credential file of mode 0600.

    Raises:
        ConflictError: The file exists already.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    document = {
        "credential": credential.id,
        "principal": credential.principal,
        "private_key": credential.key.seed.hex(),
    }
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ConflictError(f"{path} exists already") from error
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(document) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_credential(path: Path) -> PrivateCredential:
    """Read a credential file.

    Raises:
        UncheckableError: It is missing, open to others, or malformed.
    """
    try:
        # Not blocking, so that a pipe in place of a file cannot hold us.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError as error:
        raise UncheckableError(f"the credential {path} cannot be read: {error.strerror}") from error
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode) or mode & 0o077:
        os.close(handle)
        reason = "is open to others; chmod 600 it" if stat.S_ISREG(mode) else "is not a file"
        raise UncheckableError(f"the credential {path} {reason}")
    with os.fdopen(handle, "rb") as file:
        data = file.read(4096)
    try:
        document = msgspec.json.decode(data, type=dict[str, str])
        return PrivateCredential(
            document["credential"], document["principal"], SigningKey(bytes.fromhex(document["private_key"]))
        )
    except (msgspec.DecodeError, KeyError, ValueError, UsageError) as error:
        raise UncheckableError(f"{path} is no credential file") from error
