"""A worker process that computes link digests of many keys. Started fresh, never forked; it holds one key.

Whatever becomes of it, the digests are computed: where it dies, as for want of memory, they are computed here.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

import polars as pl

from cloakroom.vault.blind_index import LinkDigests

LinkDigester = Callable[[int, int, pl.Series], Callable[[], bytes]]
"""Takes the number of the kind of index, that of the scope, and normal forms; gives what waits for their digests,
which are those of `LinkDigests.digest`."""

WORTH_SENDING = 5_000
"""Fewer keys than these are digested here: sooner done than sent."""

_digests: LinkDigests | None = None


def _start(key: bytes) -> None:
    global _digests  # noqa: PLW0603 - a worker process has one job
    _digests = LinkDigests(key)


def _digest(kind: int, scope: int, normal_forms: pl.Series) -> bytes:
    assert _digests is not None
    return _digests.digest(kind, scope, normal_forms.to_list())


@contextmanager
def link_digest_worker(key: bytes) -> Iterator[LinkDigester]:
    """Give a function that computes link digests, in another process where that pays; it starts at the first need.

    Args:
        key: The group's link key.
    """
    digests_here = LinkDigests(key)
    is_alone = (os.cpu_count() or 1) == 1
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, initializer=_start, initargs=(key,)) as pool:

        def digest(kind: int, scope: int, normal_forms: pl.Series) -> Callable[[], bytes]:
            def here() -> bytes:
                return digests_here.digest(kind, scope, normal_forms.to_list())

            if is_alone or normal_forms.len() < WORTH_SENDING:
                return here
            try:
                coming = pool.submit(_digest, kind, scope, normal_forms)
            except BrokenProcessPool:
                return here

            def elsewhere() -> bytes:
                try:
                    return coming.result()
                except BrokenProcessPool:
                    return here()

            return elsewhere

        yield digest
