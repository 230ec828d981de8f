"""The severity method, read from its file: classes, steps, levels, bands and override rules.

The file is data only. Loading is strict and collects every mistake: an unknown key, class, trait or effect, a rule
without source, two rules of one id, bands that do not rise, are refused with file and line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cloakroom.duty.instruments import CONFIDENCES
from cloakroom.duty.severity.conditions import Condition, parse_condition
from cloakroom.errors import RuleError
from cloakroom.toml import parse_document
from cloakroom.vocabulary import DATA_ELEMENTS

if TYPE_CHECKING:
    from cloakroom.toml import Table

__all__ = ["Band", "Method", "OverrideRule", "Rule", "parse_method"]

EFFECTS: Final = frozenset({"authority", "document", "lower", "persons"})
ELEMENTS: Final = frozenset({"availability", "confidentiality", "integrity", "malice"})
_CONFIDENCES: Final = frozenset({*CONFIDENCES, "own"})


@dataclass(frozen=True, slots=True)
class Rule:
    """Something that happens `when` a condition holds.

    Attributes:
        id: Name in the file.
        element: Data class, element of the circumstances, `ei` or `likelihood`.
        value: What it sets or adds, in hundredths (steps of a scale for likelihood).
        reason: Why, in words.
        source: Where it comes from.
        when: Its condition.
        words: Word for the value, where there is one.
    """

    id: str
    element: str
    value: int
    reason: str
    source: str
    when: Condition
    words: str = ""


@dataclass(frozen=True, slots=True)
class DataClass:
    """A class of data elements with the base score of its data processing context."""

    id: str
    title: str
    base: int
    elements: frozenset[str]
    source: str


@dataclass(frozen=True, slots=True)
class Band:
    """A range of the number, from `start` (hundredths) up to the next band, and what it usually calls for."""

    id: str
    start: int
    authority: bool
    persons: bool
    consequence: str
    impact: int
    impact_words: str


@dataclass(frozen=True, slots=True)
class OverrideRule:
    """A rule beside the number."""

    id: str
    title: str
    effect: str
    reason: str
    source: str
    confidence: str
    when: Condition
    unless: Condition | None


@dataclass(frozen=True, slots=True)
class Method:
    """Weights, rules and bands of one version; its `name` goes into every result."""

    id: str
    version: str
    title: str
    source: str
    confidence: str
    classes: tuple[DataClass, ...]
    trades: dict[str, frozenset[str]]
    steps: tuple[Rule, ...]
    ease: tuple[Rule, ...]
    circumstances: tuple[Rule, ...]
    bands: tuple[Band, ...]
    overrides: tuple[OverrideRule, ...]
    likelihoods: tuple[Rule, ...]

    @property
    def name(self) -> str:
        """Id and version in one word."""
        return f"{self.id}/{self.version}"

    def band(self, score: int) -> Band:
        """Return the band of a score in hundredths."""
        return max((band for band in self.bands if band.start <= score), key=lambda band: band.start)


def parse_method(text: str, source: str) -> Method:
    """Read a method file.

    Raises:
        RuleError: With every mistake and its line.
        InputError: The text is not TOML.
    """
    root = parse_document(text, source)
    head = root.table("method")
    if head is None:
        raise RuleError.at(source, "the table [method] is missing")
    classes = tuple(_class(table) for table in root.tables("class"))
    trades = {table.text("id"): _traits(table) for table in root.tables("trade")}
    known = frozenset(data_class.id for data_class in classes)
    method = Method(
        id=head.text("id"),
        version=head.text("version"),
        title=head.text("title"),
        source=head.text("source"),
        confidence=head.text("confidence", choices=_CONFIDENCES),
        classes=classes,
        trades=trades,
        steps=tuple(_step(table, known) for table in root.tables("step")),
        ease=tuple(_rule(table, "ei") for table in root.tables("ease")),
        circumstances=tuple(_circumstance(table) for table in root.tables("circumstance")),
        bands=_bands(root),
        overrides=tuple(_override(table) for table in root.tables("override")),
        likelihoods=tuple(_likelihood(table) for table in root.tables("likelihood")),
    )
    head.day("read")
    head.close()
    _check_whole(root, method)
    root.close()
    root.check()
    return method


def _class(table: Table) -> DataClass:
    data_class = DataClass(
        id=table.text("id"),
        title=table.text("title"),
        base=table.number("base", least=100),
        elements=frozenset(table.texts("elements", required=True, choices=DATA_ELEMENTS)),
        source=table.text("source"),
    )
    table.close()
    return data_class


def _traits(table: Table) -> frozenset[str]:
    traits = frozenset(table.texts("traits"))
    table.text("source")
    table.close()
    return traits


def _signed(table: Table, key: str) -> int:
    value = table.take(key, int, "a whole number")
    if value is None and not table.has(key):
        table.report(key, "is missing")
    return value or 0


def _step(table: Table, classes: frozenset[str]) -> Rule:
    rule = Rule(
        id=table.text("id"),
        element=table.text("class", choices=classes),
        value=_signed(table, "change"),
        reason=table.text("reason"),
        source=table.text("source"),
        when=parse_condition(table.table("when")),
    )
    table.text("confidence", choices=_CONFIDENCES)
    table.close()
    return rule


def _rule(table: Table, element: str) -> Rule:
    rule = Rule(
        id=table.text("id"),
        element=element,
        value=table.number("value", least=25),
        reason=table.text("reason"),
        source=table.text("source"),
        when=parse_condition(table.table("when")),
    )
    table.close()
    return rule


def _circumstance(table: Table) -> Rule:
    return _rule(table, table.text("element", choices=ELEMENTS))


def _likelihood(table: Table) -> Rule:
    words = table.text("words")
    rule = Rule(
        id=f"likelihood-{words.replace(' ', '-')}",
        element="likelihood",
        value=table.number("value"),
        reason=table.text("reason"),
        source="",
        when=parse_condition(table.table("when")),
        words=words,
    )
    table.close()
    return rule


def _bands(root: Table) -> tuple[Band, ...]:
    impacts: dict[str, tuple[int, str]] = {}
    for table in root.tables("impact"):
        impacts[table.text("band")] = (table.number("value"), table.text("words"))
        table.close()
    bands = []
    for table in root.tables("band"):
        name = table.text("id")
        value, words = impacts.get(name, (0, ""))
        if not words:
            table.report("id", "has no [[impact]]")
        bands.append(
            Band(
                id=name,
                start=table.number("from"),
                authority=table.flag("authority", default=False),
                persons=table.flag("persons", default=False),
                consequence=table.text("consequence"),
                impact=value,
                impact_words=words,
            )
        )
        table.close()
    return tuple(bands)


def _override(table: Table) -> OverrideRule:
    unless = table.table("except")
    rule = OverrideRule(
        id=table.text("id"),
        title=table.text("title"),
        effect=table.text("effect", choices=EFFECTS),
        reason=table.text("reason"),
        source=table.text("source"),
        confidence=table.text("confidence", choices=_CONFIDENCES),
        when=parse_condition(table.table("when")),
        unless=None if unless is None else parse_condition(unless),
    )
    table.close()
    return rule


def _check_whole(root: Table, method: Method) -> None:
    """Check what only the whole file shows."""
    covered = [element for data_class in method.classes for element in data_class.elements]
    if sorted(covered) != sorted(DATA_ELEMENTS):
        root.report("class", "the classes must hold every data element exactly once")
    starts = [band.start for band in method.bands]
    if not starts or starts[0] != 0 or starts != sorted(set(starts)):
        root.report("band", "bands must start at 0 and rise")
    ids = [rule.id for rule in (*method.steps, *method.ease, *method.circumstances)]
    ids += [override.id for override in method.overrides]
    if len(set(ids)) < len(ids):
        root.report("step", "two rules have the same id")
    if not method.likelihoods or method.likelihoods[-1].when != Condition():
        root.report("likelihood", "the last one must hold always")
