"""Ledgers exported into memory, so that a test can change any file of one. Entries are small and say little."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cloakroom.crypto import SigningKey
from cloakroom.errors import LimitError
from cloakroom.ledger.export_files import set_bundle_path
from cloakroom.ledger.record_sets import encode_set_bundle
from cloakroom.ledger.verification import Inspection, Verification, examine_export
from cloakroom.tlog import ENTRIES, Checkpoint, Ed25519Signer, Tile, TreeState, integrate, sign_checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LOG = Ed25519Signer("ledger.example/log", SigningKey(b"l" * 32))


@dataclass
class Export:
    """An exported ledger in memory."""

    files: dict[str, bytes] = field(default_factory=dict)

    def read(self, path: str, limit_bytes: int) -> bytes | None:
        data = self.files.get(path)
        if data is not None and len(data) > limit_bytes:
            raise LimitError(f"is longer than {limit_bytes} bytes")
        return data

    def paths(self) -> Iterable[str]:
        return list(self.files)

    def changed(self, path: str, content: bytes | None) -> Export:
        files = {**self.files}
        if content is None:
            del files[path]
        else:
            files[path] = content
        return Export(files)

    def flipped(self, path: str, at: int, mask: int) -> Export:
        content = bytearray(self.files[path])
        content[at] ^= mask
        return self.changed(path, bytes(content))


@dataclass
class Inspector:
    """Reads entries as JSON and checks the sets they name; stands in for the ledger's own entry types."""

    seen: list[int] = field(default_factory=list)

    def inspect_entries(self, first: int, entries: Sequence[bytes]) -> Inspection:
        self.seen.extend(range(first, first + len(entries)))
        problems, sets = [], []
        for number, entry in enumerate(entries, start=first):
            try:
                body = json.loads(entry)
            except ValueError:
                problems.append((number, "is no JSON"))
                continue
            if isinstance(body, dict) and "set_sha256" in body:
                sets.append((number, body["set_sha256"]))
        return Inspection(problems, sets)

    def inspect_set(self, number: int, content: bytes) -> str | None:
        return "is odd" if content == b"odd" else None


def build(entries: Sequence[bytes], signer: Ed25519Signer = LOG) -> Export:
    step = integrate(TreeState(), entries)
    note = sign_checkpoint(Checkpoint(signer.name, step.state.size, step.root), signer)
    return Export({**step.files, "checkpoint": note})


def numbered(size: int) -> list[bytes]:
    return [b"%d" % number for number in range(size)]


def examine(export: Export, **options: object) -> Verification:
    return examine_export(export, LOG.key.verifying_key, LOG.name, **options)  # type: ignore[arg-type]


def with_sets(contents: dict[int, bytes], size: int = 300) -> Export:
    """An export of entries some of which name a set."""
    digests = {number: hashlib.sha256(content).hexdigest() for number, content in contents.items()}
    entries = [json.dumps({"set_sha256": digests[n]}).encode() if n in digests else b"{}" for n in range(size)]
    files = dict(build(entries).files)
    for first in range(0, size, 256):
        bundle = Tile(ENTRIES, first // 256, min(256, size - first))
        sets = [contents.get(number) for number in range(*bundle.span)]
        if any(sets):
            files[set_bundle_path(bundle)] = encode_set_bundle(sets)
    return Export(files)
