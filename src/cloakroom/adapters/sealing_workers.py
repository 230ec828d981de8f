"""Worker processes that seal new records. Started fresh, never forked, so that they hold no key they did not need."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager

from cloakroom.adapters.postgres.copy_rows import NewRowEncoder
from cloakroom.flows.records.import_ports import Encode, NewRows
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vault.key_ring import KeyRing
from cloakroom.vault.rows import RowBlock

SMALL_FILE_BYTES = 4 * 2**20
"""Below this size starting processes costs more than it saves."""

_encoder: NewRowEncoder | None = None


def _start(ring: KeyRing, catalogue: Catalogue, brand: int) -> None:
    global _encoder  # noqa: PLW0603 - a worker process has one job
    _encoder = NewRowEncoder(ring, catalogue, brand)


def _encode(block: RowBlock, ordinals: Sequence[int]) -> NewRows:
    assert _encoder is not None
    return _encoder.encode(block, ordinals)


@contextmanager
def sealing_workers(ring: KeyRing, catalogue: Catalogue, brand: int, file_bytes: int) -> Iterator[Encode]:
    """Give a function that seals and encodes new records of one brand, in other processes where that pays.

    Args:
        ring: The keys.
        catalogue: The numbers.
        brand: Number of the brand.
        file_bytes: Size of the delivery.
    """
    workers = os.cpu_count() or 1
    if file_bytes < SMALL_FILE_BYTES or workers == 1:
        encoder = NewRowEncoder(ring, catalogue, brand)

        def here(block: RowBlock, ordinals: Sequence[int]) -> Future[NewRows]:
            done: Future[NewRows] = Future()
            done.set_result(encoder.encode(block, ordinals))
            return done

        yield here
        return
    with ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=_start, initargs=(ring, catalogue, brand)
    ) as pool:

        def elsewhere(block: RowBlock, ordinals: Sequence[int]) -> Future[NewRows]:
            return pool.submit(_encode, block, ordinals)

        yield elsewhere
