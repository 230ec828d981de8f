"""Which fields of ours a dump shows: those whose values are ours, not those whose headers say so.

A field counts where its values agree with our records markedly more often than those of other rows would: a language
agrees by chance in every second row. What we hold nothing of to compare, such as purchases, is taken as it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cloakroom.claims.concepts import REPORTED, Concept

_LEAST_LIFT = 0.2
_LEAST_ROWS = 3
_CONSTANT = 0.98
_AGREES_AS_CONSTANT = 0.9


@dataclass(frozen=True, slots=True)
class FieldAgreement:
    """Frequency with which rows show of a field what our records hold.

    Attributes:
        share: Share of the rows compared that agree with some version.
        chance: Share that would agree if rows and records were shuffled.
        compared: Rows compared.
    """

    share: float
    chance: float
    compared: int

    @property
    def is_ours(self) -> bool:
        """Return whether the values are those of our records."""
        if self.compared < _LEAST_ROWS:
            return self.share > 0
        if self.chance >= _CONSTANT:
            return self.share >= _AGREES_AS_CONSTANT  # All records hold the same: nothing tells more.
        return (self.share - self.chance) / (1 - self.chance) >= _LEAST_LIFT


@dataclass(frozen=True, slots=True)
class Exposure:
    """The fields that a dump shows of one brand's records.

    Attributes:
        fields: Fields whose values are ours, or cannot be compared.
        contradicted: Fields that are filled with something else.
    """

    fields: tuple[str, ...]
    contradicted: tuple[str, ...] = ()


def exposure(shown: Iterable[str], agreements: Mapping[str, FieldAgreement]) -> Exposure:
    """Return which of the fields shown are ours.

    Args:
        shown: Names of the fields that the rows fill, as reported.
        agreements: What was compared, by the names of `values.shown_values`.
    """
    ours: dict[str, bool] = {}
    for name, found in agreements.items():
        field = _reported(name)
        ours[field] = ours.get(field, False) or found.is_ours
    fields = tuple(name for name in shown if ours.get(name, True))
    return Exposure(fields, tuple(name for name in shown if name not in fields))


def _reported(name: str) -> str:
    return REPORTED.get(Concept("phone" if name == "phone_2" else name), name)
