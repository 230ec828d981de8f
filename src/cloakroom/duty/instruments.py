"""Values of rule files: instruments, rules with their validity, clocks, cases."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import date, datetime

    from cloakroom.duty.expressions import Expression
    from cloakroom.duty.facts import Facts, RiskAssessment

__all__ = [
    "ADDRESSEES",
    "CONFIDENCES",
    "EFFECTS",
    "EVENTS",
    "RECIPIENT_KINDS",
    "RESIDENCE",
    "STATUSES",
    "UNITS",
    "Authority",
    "Clock",
    "Exemption",
    "Instrument",
    "Period",
    "Rule",
    "RuleCase",
    "RuleSet",
]

RESIDENCE: Final = "residence"

CONFIDENCES: Final = {
    "V1": "primary text read",
    "V2": "reputable secondary source read",
    "V3": "background knowledge, not confirmed",
    "X": "sources contradict each other or the fact could not be established",
}
STATUSES: Final = frozenset({"due", "not_due", "conditional", "ask_counsel"})
RECIPIENT_KINDS: Final = frozenset({"authority", "individual", "other"})
ADDRESSEES: Final = frozenset({"named", "one_stop_shop", "each"})
EFFECTS: Final = frozenset({"duty", "none", "voluntary"})
UNITS: Final = frozenset({"hour", "calendar_day", "business_day", "month", "without_undue_delay"})
EVENTS: Final = frozenset({"occurred", "discovered", "aware", "determined", "assessed"})


@dataclass(frozen=True, slots=True)
class Period:
    """An amount of time in a unit; amount None goes with `without_undue_delay`."""

    amount: int | None
    unit: str


@dataclass(frozen=True, slots=True)
class Clock:
    """The event that starts a duty, and the period within which it must be done.

    Attributes:
        start: One of `EVENTS`, or ``duty:<rule id>``: the doing of that duty.
        period: Until the deadline.
        target: A soft aim where the law gives no number, or a shorter one than the deadline.
        wording: The law's own words, such as "as soon as feasible".
        holidays: Country (or country-subdivision) whose holidays count for business days; empty: the jurisdiction's.
    """

    start: str
    period: Period
    target: Period | None = None
    wording: str = ""
    holidays: str = ""


@dataclass(frozen=True, slots=True)
class Exemption:
    """A way out that the law grants; `text` is printed when it applies."""

    text: str
    when: Expression


@dataclass(frozen=True, slots=True)
class Rule:
    """One duty of one instrument in one version. See `docs/reference/rule-files.md` for every key."""

    id: str
    instrument: str
    provision: str
    jurisdiction: str
    residents: frozenset[str]
    excluded: frozenset[str]
    recipient: str
    recipient_kind: str
    addressee: str
    effect: str
    valid_from: date | None
    valid_until: date | None
    pending: bool
    replaces: str
    who: Expression
    when: Expression
    exemptions: tuple[Exemption, ...]
    clock: Clock | None
    after: tuple[str, ...]
    delay: tuple[str, ...]
    extension: str
    content_required: tuple[str, ...]
    content_forbidden: tuple[str, ...]
    channels: tuple[str, ...]
    substitute: str
    languages: tuple[str, ...]
    record: str
    fine: str
    notes: tuple[str, ...]
    source: str
    read: date
    confidence: str
    file: str
    line: int | None

    def in_force(self, day: date) -> bool:
        """Answer whether this version is law on `day`."""
        if self.pending or (self.valid_from is not None and day < self.valid_from):
            return False
        return self.valid_until is None or day < self.valid_until

    def enacted(self) -> Rule:
        """Return a pending rule as if it were law, beside the one that it would replace."""
        return replace(self, pending=False, replaces="")


@dataclass(frozen=True, slots=True)
class Authority:
    """An entry of the address book of authorities under a common law such as the GDPR.

    Attributes:
        place: Country, or country-subdivision where each part of a country has its own.
        address: Where filings are made.
        notes: Printed with duties towards the authority.
        individual_notes: Printed with duties towards residents of the place.
    """

    place: str
    name: str
    channel: str
    address: str
    languages: tuple[str, ...]
    notes: tuple[str, ...]
    individual_notes: tuple[str, ...]
    source: str
    read: date
    confidence: str


@dataclass(frozen=True, slots=True)
class RuleCase:
    """A small world and what one rule must say about it.

    Attributes:
        name: A sentence.
        rule: Id of the rule that is tried.
        facts: The world.
        risks: The assessments that go with it.
        expect: Expected status.
        due_by: Expected deadline: an instant, a local day, or None where the case does not say.
        residents: Expected count, or None.
        recipient: Expected recipient, or empty.
        jurisdiction: Which of the rule's results is meant; empty means all of them.
        done: When duties were done, by duty id.
        file: Where it stands.
        line: Its line.
    """

    name: str
    rule: str
    facts: Facts
    risks: tuple[RiskAssessment, ...]
    expect: str
    due_by: datetime | date | None
    residents: int | None
    recipient: str
    jurisdiction: str
    done: tuple[tuple[str, datetime], ...]
    file: str
    line: int | None


@dataclass(frozen=True, slots=True)
class Instrument:
    """One law with its rules and cases."""

    id: str
    name: str
    rules: tuple[Rule, ...]
    cases: tuple[RuleCase, ...]
    authorities: tuple[Authority, ...]
    file: str

    def with_(
        self, *, rules: tuple[Rule, ...] | None = None, authorities: tuple[Authority, ...] | None = None
    ) -> Instrument:
        """Return a copy with other rules or another address book."""
        return replace(
            self,
            rules=self.rules if rules is None else rules,
            authorities=self.authorities if authorities is None else authorities,
        )


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Instruments that were checked against each other."""

    instruments: tuple[Instrument, ...]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule in every version, pending ones included."""
        return tuple(rule for instrument in self.instruments for rule in instrument.rules)

    @property
    def cases(self) -> tuple[RuleCase, ...]:
        """Every case."""
        return tuple(case for instrument in self.instruments for case in instrument.cases)

    @property
    def authorities(self) -> dict[str, Authority]:
        """The address book by place."""
        return {authority.place: authority for item in self.instruments for authority in item.authorities}
