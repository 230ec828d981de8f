"""Where documents of a case are kept: the smallest set of questions that filings and assessments ask."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Shelf"]


class Shelf(Protocol):
    """Keeps documents that are never changed.

    Once `put` has returned, the document is durable. A path holds one content for ever.
    """

    def put(self, path: str, data: bytes) -> str:
        """Keep a document and return its SHA-256 in hex; keeping the same content again is no error.

        Raises:
            ConflictError: The path already holds something else.
            UsageError: The path leads outside, or is not a plain name.
        """
        ...

    def get(self, path: str) -> bytes:
        """Return a document.

        Raises:
            StoreError: There is none.
            TamperedError: It is not what was kept.
        """
        ...

    def names(self, prefix: str) -> tuple[str, ...]:
        """Return the paths that start with `prefix`, sorted."""
        ...
