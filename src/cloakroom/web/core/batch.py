"""Requests that are worked off together, and the answers that they have so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cloakroom.web.api.problems import Answer
from cloakroom.web.core.openings import Deliver
from cloakroom.web.core.pending import PendingRequest


@dataclass(frozen=True, slots=True)
class Batch:
    """Requests on their way to answers.

    Attributes:
        items: The requests.
        deliver: Takes the answers that come later.
        answers: The answers so far.
        later: Places of those whose answers come later.
    """

    items: Sequence[PendingRequest]
    deliver: Deliver
    answers: list[Answer | None]
    later: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, items: Sequence[PendingRequest], deliver: Deliver) -> Batch:
        """Return the batch of `items`, without any answer."""
        return cls(items, deliver, [None] * len(items))

    def is_open(self, at: int) -> bool:
        """Answer whether the request at a place has no answer, and none is promised."""
        return self.answers[at] is None and at not in self.later
