"""The raw text of a file as witness: no address in it gets lost, whatever its reader made of it.

Texts whose reader hands over the piece that rows were cut from are looked at piece by piece (`sizing`). Of all other
texts every block is scanned on its way to the reader; what the reader did not find is known when it has ended.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import polars as pl

from cloakroom.claims.addresses import addresses_of_text
from cloakroom.claims.distinct import DistinctHashes, hashes_of

_SETTLED_BLOCKS = 8
_CUT_MAX = 400


class TextWitness:
    """The addresses of a text that is read block by block. Blocks may pass in another thread than asks."""

    def __init__(self, seed: int) -> None:
        """Take the seed of the hashes by which addresses are compared."""
        self._seed = seed
        self._found = DistinctHashes()
        self._passed: deque[pl.DataFrame] = deque()
        self._open = pl.DataFrame(schema={"key": pl.String, "long": pl.String})
        self._carry = b""

    def passing(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the same blocks of valid UTF-8, and take their addresses in."""
        for block in blocks:
            self._scan(block)
            yield block
        if self._carry:
            self._passed.append(addresses_of_text(self._carry).unique())
            self._carry = b""

    def known(self, keys: pl.Series) -> None:
        """Take in the normal forms of addresses that the reader found."""
        self._found.add(hashes_of(keys, self._seed))
        if len(self._passed) >= _SETTLED_BLOCKS:
            self._settle()

    def missing(self) -> pl.Series:
        """Return the distinct addresses of the blocks that passed which the reader did not find."""
        self._settle()
        return self._open["key"].unique()

    def _scan(self, block: bytes) -> None:
        """Take the addresses of a block in; one that the block cuts is seen with the next."""
        text = self._carry + block
        end = max(text.rfind(b"\n"), text.rfind(b" "), text.rfind(b","), len(text) - _CUT_MAX) + 1
        self._passed.append(addresses_of_text(text[:end]).unique())
        self._carry = text[end:]

    def _settle(self) -> None:
        """Keep of what has passed only what the reader did not find so far."""
        passed = [self._passed.popleft() for _ in range(len(self._passed))]
        found = pl.concat([self._open, *passed]).unique()
        is_new = [self._found.unknown(hashes_of(found[form], self._seed)) for form in ("key", "long")]
        self._open = found.filter(pl.Series(is_new[0] & is_new[1]))
