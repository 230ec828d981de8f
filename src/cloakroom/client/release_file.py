"""Fetches the file of a release part by part, and goes on where an earlier attempt ended."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from cloakroom.client.results import Run
from cloakroom.errors import UncheckableError


def download(part: Callable[[int], bytes], run: Run, target: Path) -> None:
    """Write the file; it appears under its name when it is whole.

    Args:
        part: Fetches the part of a number, from 0; every part but the last has the size of the first.
        run: The finished run.
        target: Where the file goes.

    Raises:
        UncheckableError: What came does not have the SHA-256 that the service names.
    """
    partial = target.with_name(f"{target.name}.part")
    first = part(0)
    with partial.open("ab") as file:
        have = min(file.tell() // len(first), run.parts)
        file.truncate(have * len(first))
        for number in range(have, run.parts):
            file.write(first if number == 0 else part(number))
    with partial.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != run.file_sha256:
        partial.unlink()
        raise UncheckableError("the file that came is not the one that the service names; download it again")
    partial.replace(target)
