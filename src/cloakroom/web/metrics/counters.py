"""Counters in the text format of Prometheus. They name endpoints, codes and nothing else: no principal, no brand."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
REQUESTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class _Histogram:
    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def render(self, name: str, labels: str) -> list[str]:
        lines, running = [], 0
        for bound, count in zip((*self.bounds, "+Inf"), self.counts, strict=True):
            running += count
            lines.append(f'{name}_bucket{{{labels}{"," if labels else ""}le="{bound}"}} {running}')
        own = f"{{{labels}}}" if labels else ""
        return [*lines, f"{name}_sum{own} {self.total:.6f}", f"{name}_count{own} {running}"]


class Metrics:
    """Counters of what one process has done. Safe for use by several threads."""

    def __init__(self) -> None:
        """Start at zero."""
        self._lock = threading.Lock()
        self._answers: Counter[tuple[str, int, str]] = Counter()
        self._seconds: dict[str, _Histogram] = {}
        self._batch = _Histogram(tuple(float(bound) for bound in REQUESTS))
        self._wait = _Histogram(SECONDS)
        self._gauges: dict[str, Callable[[], float]] = {}

    def answered(self, endpoint: str, status: int, code: str, seconds: float) -> None:
        """Count an answer."""
        with self._lock:
            self._answers[endpoint, status, code] += 1
            histogram = self._seconds.get(endpoint)
            if histogram is None:
                histogram = self._seconds[endpoint] = _Histogram(SECONDS)
            histogram.add(seconds)

    def batch(self, size: int, waited_s: float) -> None:
        """Count a batch."""
        with self._lock:
            self._batch.add(size)
            self._wait.add(waited_s)

    def gauge(self, name: str, value: Callable[[], float]) -> None:
        """Show what `value` returns whenever somebody looks."""
        self._gauges[name] = value

    def counts(self) -> Mapping[tuple[str, int, str], int]:
        """Return the number of answers by (endpoint, status, code)."""
        with self._lock:
            return dict(self._answers)

    def render(self) -> str:
        """Return the text that Prometheus reads."""
        lines = ["# TYPE cloakroom_answers_total counter"]
        with self._lock:
            for (endpoint, status, code), count in sorted(self._answers.items()):
                labels = f'endpoint="{endpoint}",status="{status}",code="{code}"'
                lines.append(f"cloakroom_answers_total{{{labels}}} {count}")
            lines.append("# TYPE cloakroom_answer_seconds histogram")
            for endpoint, histogram in sorted(self._seconds.items()):
                lines += histogram.render("cloakroom_answer_seconds", f'endpoint="{endpoint}"')
            lines.append("# TYPE cloakroom_batch_requests histogram")
            lines += self._batch.render("cloakroom_batch_requests", "")
            lines.append("# TYPE cloakroom_wait_seconds histogram")
            lines += self._wait.render("cloakroom_wait_seconds", "")
        for name, value in sorted(self._gauges.items()):
            lines += [f"# TYPE cloakroom_{name} gauge", f"cloakroom_{name} {value():g}"]
        return "\n".join(lines) + "\n"
