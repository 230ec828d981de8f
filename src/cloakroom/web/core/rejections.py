"""Requests that were rejected before anybody knew who they were from: counted, and entered once a second.

A request with a wrong signature proves nothing about the lineage that it names, so these entries are the system's
own; they name the credential only where it exists. A flood becomes one entry for each second, credential and code.
"""

from __future__ import annotations

from collections import Counter

from cloakroom.flows.ledger.entry_writing import EntryWriter
from cloakroom.flows.ledger.ports import PreparedEntry
from cloakroom.vocabulary import Operation

MAX_KINDS = 200


class RejectionCounts:
    """Counts of turned-away requests by (who, code, operation)."""

    def __init__(self) -> None:
        """Start with none."""
        self._counts: Counter[tuple[str, str, Operation]] = Counter()

    def add(self, code: str, name: str = "", operation: Operation = Operation.REQUEST, count: int = 1) -> None:
        """Count; beyond `MAX_KINDS` kinds in a second without names.

        Args:
            code: Why they were rejected.
            name: The credential, or the passkey or provider of a sign-in, where it exists.
            operation: What was rejected.
            count: How many they were.
        """
        place = (name, code, operation)
        if place not in self._counts and len(self._counts) >= MAX_KINDS:
            place = ("", code, operation)
        self._counts[place] += count

    def __bool__(self) -> bool:
        return bool(self._counts)

    def take(self, entries: EntryWriter) -> list[PreparedEntry]:
        """Return the entries of what was counted, and begin anew."""
        counts, self._counts = self._counts, Counter()
        return [
            entries.prepare(
                lineage="system",
                operation=operation,
                permitted=False,
                reason=code,
                detail={"by" if operation is Operation.SIGN_IN else "credential": name} if name else {},
                count=count,
            )
            for (name, code, operation), count in sorted(counts.items())
        ]
