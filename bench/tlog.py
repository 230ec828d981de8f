"""Measure the transparency log: appending, verifying an export, proving. Each beside something to compare with.

    .venv/bin/python bench/tlog.py [--entries 1000000] [--bytes 500] [--json]

Prints a table, or one JSON object. "hashing alone" is SHA-256 over the same entries and as many inner nodes, in one
loop without any tree: what no implementation in this language can beat.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from cloakroom.adapters.tile_files import TileDirectory
from cloakroom.crypto import SigningKey
from cloakroom.ledger.verification import verify_export
from cloakroom.tlog import (
    Checkpoint,
    Ed25519Signer,
    ProofFile,
    TileHashReader,
    TreeState,
    integrate,
    prove_inclusion,
    restore,
    sign_checkpoint,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOG = Ed25519Signer("bench.example/log", SigningKey(b"b" * 32))
STEP = 10_000


def entry(number: int, size: int) -> bytes:
    head = b'{"at":1795435624000000,"lineage":"anna","n":%d,"noise":"' % number
    noise = sha256(b"%d" % number).hexdigest().encode() * (size // 64 + 1)
    return head + noise[: max(0, size - len(head) - 2)] + b'"}'


def batches(entries: int, size: int) -> Iterator[list[bytes]]:
    for first in range(0, entries, STEP):
        yield [entry(number, size) for number in range(first, min(first + STEP, entries))]


def timed(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def append_all(entries: int, size: int, directory: TileDirectory) -> tuple[float, float, TreeState]:
    """Integrate in steps; return the seconds of mathematics, the seconds of durable files, and the state."""
    state, thinking, writing = TreeState(), 0.0, 0.0
    for batch in batches(entries, size):
        begun = time.perf_counter()
        step = integrate(state, batch)
        note = sign_checkpoint(Checkpoint(LOG.name, step.state.size, step.root), LOG)
        done = time.perf_counter()
        directory.publish(step.files, note)
        writing += time.perf_counter() - done
        thinking += done - begun
        state = step.state
    directory.remove_superseded(state.size)
    return thinking, writing, state


def hash_alone(entries: int, size: int) -> float:
    seconds, node = 0.0, b"\x01" + b"n" * 64
    for batch in batches(entries, size):
        begun = time.perf_counter()
        for item in batch:
            sha256(b"\x00" + item).digest()
        for _ in batch:
            sha256(node).digest()
        seconds += time.perf_counter() - begun
    return seconds


def read_alone(root: Path) -> float:
    def read_all() -> None:
        for path in root.rglob("*"):
            if path.is_file():
                path.read_bytes()

    return timed(read_all)


def prove(directory: TileDirectory, state: TreeState, size: int, count: int) -> list[float]:
    chance = random.Random(7)
    note = directory.read_checkpoint() or b""
    seconds = []
    for _ in range(count):
        number = chance.randrange(state.size)

        def one(number: int = number) -> None:
            proof = prove_inclusion(number, state.size, TileHashReader(directory, state.size))
            ProofFile(number, proof, note, entry(number, size)).verify(LOG.verifier)

        seconds.append(timed(one))
    return sorted(seconds)


def measure(entries: int, size: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "log"
        directory = TileDirectory(root)
        thinking, writing, state = append_all(entries, size, directory)
        steps = [entry(number, size) for number in range(200)]
        small = [timed(lambda: integrate(state, steps)) for _ in range(50)]
        restoring = timed(lambda: restore(state.size, directory))
        verifying = timed(lambda: verify_export(directory, LOG.key.verifying_key, LOG.name))
        proofs = prove(directory, state, size, 200)
        hashing = hash_alone(entries, size)
        reading = read_alone(root)
        stored = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "entries": entries,
        "entry_bytes": size,
        "append_per_s": round(entries / thinking),
        "append_with_durable_files_per_s": round(entries / (thinking + writing)),
        "append_200_ms": round(1000 * sorted(small)[len(small) // 2], 3),
        "restore_ms": round(1000 * restoring, 3),
        "verify_s": round(verifying, 2),
        "verify_per_s": round(entries / verifying),
        "hashing_alone_s": round(hashing, 2),
        "reading_alone_s": round(reading, 2),
        "verify_over_hashing_and_reading": round(verifying / (hashing + reading), 2),
        "proof_ms_p50": round(1000 * proofs[len(proofs) // 2], 3),
        "proof_ms_max": round(1000 * proofs[-1], 3),
        "stored_bytes_over_entries": round(stored / (entries * size), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--bytes", type=int, default=500)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = measure(arguments.entries, arguments.bytes)
    if arguments.json:
        json.dump(result, sys.stdout)
        print()
        return
    for name, value in result.items():
        print(f"{name:34} {value}")


if __name__ == "__main__":
    main()
