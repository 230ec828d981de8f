"""Places of rows in XML: the element that stands for a person.

The values by which a person can be found lie somewhere inside of the row. From there outwards, the row is the first
element that holds more than one value, and every element around it that holds no other person.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from cloakroom.claims.readers.loose import loose_finds
from cloakroom.claims.readers.xml_events import Elements

_TEXT_MAX = 65536
_SINGLE = 1.5
_NEARLY_ALL = 0.9
_OF_PERSON = 3
_DOCUMENT = 3
_SHARE_OF_SIDE = 0.05


@dataclass(frozen=True, slots=True)
class RowElement:
    """An element that is a row.

    Attributes:
        path: The names of the elements around it and its own, each after a ``/``.
        is_mixed: Whether most of these elements show nobody, so that it must be looked which ones are people.
    """

    path: str
    is_mixed: bool


@dataclass(slots=True)
class _Shape:
    """Counts of the beginning of a document, by path."""

    elements: Counter[str] = field(default_factory=Counter)
    values: Counter[str] = field(default_factory=Counter)
    people: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    holders: Counter[tuple[str, int]] = field(default_factory=Counter)
    last: dict[tuple[str, int], int] = field(default_factory=dict)

    def look_at(self, text: str) -> None:
        """Count what stands in a text."""
        elements = Elements()
        numbers: list[int] = []
        count = 0
        for kind, name, value in elements.events(text):
            if kind == "open":
                count += 1
                numbers.append(count)
                self.elements[elements.path] += 1
            elif kind == "close":
                numbers.pop()
            else:
                for element in elements.open:
                    self.values[element.path] += 1
                if found := loose_finds(value[:_TEXT_MAX]):
                    self._person(f"{elements.path}>{name}", found, numbers)

    def _person(self, leaf: str, found: dict[str, str], numbers: list[int]) -> None:
        self.people[leaf].add(next(iter(found.values())))
        for depth, number in enumerate(numbers):
            if self.last.get((leaf, depth)) != number:
                self.last[leaf, depth] = number
                self.holders[leaf, depth] += 1

    def row_of(self, leaf: str) -> RowElement:
        """Return the row in which the values of a path lie."""
        names = leaf.partition(">")[0].split("/")[1:]
        paths = ["/" + "/".join(names[: depth + 1]) for depth in range(len(names))]
        each = [self.values[path] / max(self.elements[path], 1) for path in paths]
        if len(self.people[leaf]) <= _DOCUMENT and self.holders[leaf, 0] == 1 == self.holders[leaf, len(names) - 1]:
            return RowElement(paths[0], is_mixed=False)
        at = next((depth for depth in reversed(range(len(paths))) if each[depth] > _SINGLE), len(paths) - 1)
        if self.holders[leaf, at] < 2 <= self.holders[leaf, len(paths) - 1]:
            at = len(paths) - 1
        while at > 0 and self._goes_on(leaf, at, each, paths):
            at -= 1
        return RowElement(paths[at], self.holders[leaf, at] < self.elements[paths[at]] / 2)

    def _goes_on(self, leaf: str, at: int, each: list[float], paths: list[str]) -> bool:
        inner, outer = self.holders[leaf, at], self.holders[leaf, at - 1]
        if outer < 2:
            return False
        if outer >= _NEARLY_ALL * inner:
            return True
        beside = each[at - 1] - each[at] * self.elements[paths[at]] / self.elements[paths[at - 1]]
        return inner <= _OF_PERSON * outer and beside >= _OF_PERSON


def row_elements(text: str) -> list[RowElement]:
    """Return the elements that are rows in a document that begins with `text`, none inside of another."""
    shape = _Shape()
    shape.look_at(text)
    leaves = sorted(shape.people, key=lambda leaf: -len(shape.people[leaf]))
    rows: list[RowElement] = []
    for leaf in leaves:
        if len(shape.people[leaf]) < _SHARE_OF_SIDE * len(shape.people[leaves[0]]):
            break
        row = shape.row_of(leaf)
        if not any(_is_inside(row.path, other.path) or _is_inside(other.path, row.path) for other in rows):
            rows.append(row)
    return rows or _repeated(shape)


def _repeated(shape: _Shape) -> list[RowElement]:
    """Return the element that holds most values of those that come again, where nobody is shown."""
    several = [path for path, count in shape.elements.items() if count > 1 and shape.values[path] > _SINGLE * count]
    outermost = next(iter(shape.elements), "")
    return [RowElement(max(several, key=lambda path: shape.values[path], default=outermost), is_mixed=False)]


def _is_inside(path: str, other: str) -> bool:
    return path == other or path.startswith(other + "/")
