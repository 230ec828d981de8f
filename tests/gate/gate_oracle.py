"""A slow, obvious reference for budgets: keeps every event and counts from scratch."""

from __future__ import annotations

from cloakroom.gate.budget import Draw, Renewed
from cloakroom.gate.policy import Budget, WindowName


class Reference:
    """What a lineage has opened, by looking at every event each time, with windows exact to the microsecond."""

    def __init__(self) -> None:
        self.events: list[tuple[int, Draw | Renewed]] = []

    def apply(self, at: int, event: Draw | Renewed) -> None:
        last = self.events[-1][0] if self.events else 0
        self.events.append((max(at, last), event))

    def counts(self, at: int, budget: Budget, extra: Draw | None = None) -> dict[tuple[str, str], int]:
        """Return every count at `at`, with `extra` added; brands as ``brand NAME``."""
        found: dict[tuple[str, str], int] = {}
        for window in budget.windows:
            sets: dict[str, set[int]] = {"records": set(), **{kind.value: set() for kind in window.classes}}
            probes = 0
            events = [*self.events, *([(at, extra)] if extra else [])]
            for when, event in events:
                if isinstance(event, Renewed):
                    if window.name is WindowName.LIFETIME:
                        sets = {key: set() for key in sets}
                        probes = 0
                    continue
                if window.length is not None and at - when > window.length:
                    continue
                sets["records"] |= set(event.records)
                if event.records:
                    sets.setdefault(f"brand {event.brand}", set()).update(event.records)
                for kind, records in event.sets.items():
                    if kind.value in sets:
                        sets[kind.value] |= set(records)
                probes += event.probes
            found |= {(window.name.value, key): len(held) for key, held in sets.items()}
            found[window.name.value, "probes"] = probes
        return found
