"""Record ids that a spreadsheet or a data frame spoilt, so that one id stands for many customers.

Saved once as a number, ``100012000000017`` becomes ``1.00012E+14``, and every customer whose id begins alike becomes
one record with the values of the last; ids of more than 15 digits lose their last ones without a sign. So an import
stops

- where two rows share a shortened id (digits, decimal mark, exponent) and have different e-mail addresses;
- where nothing tells the rows of one id apart by time, and they have three addresses under three names, or four
  addresses. Repeated rows have one address, and a customer who has several has one name;
- where a time tells them apart, as in a file of changes, only if rows of ids with three addresses under three names
  are many: 20 of a block and one in a hundred, or half of it. In a month of changes a customer may marry and change
  the address, and a test account may change every hour, but not one in a hundred of all.

A shortened id by itself is refused with its row: it names nobody.

``100230.0`` is what a column of whole numbers with gaps becomes. Nothing is lost; where all ids at the beginning of a
file look so, they are taken without the fraction, unless the store knows them with it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

import polars as pl

from cloakroom.errors import InputError, Position, Problem
from cloakroom.vault.fields import FieldKind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from cloakroom.vault.mapping import BrandMapping

SHORTENED = r"^\s*['\"=]*[0-9](?:[.,][0-9]+[eE]\+?|[eE]\+)[0-9]{1,3}['\"]*\s*$"
WHOLE = re.compile(r"\s*[0-9]{1,15}\.0\s*")

_CROWD = 3
_MANY = 4
_MANY_ROWS = 20
_MANY_SHARE = 100
_LINES_SHOWN = 5
_NAMES = ("name", "given_name", "family_name")

Texts = list[str | None]


def shortened(texts: pl.Series) -> list[int]:
    """Return the positions of ids whose last digits are lost."""
    return texts.str.contains(SHORTENED).fill_null(value=False).arg_true().to_list()


def without_fractions(texts: pl.Series, name: str, source: str, lines: Sequence[int]) -> pl.Series:
    """Return ids without the fraction of nought that those at the beginning of the file have.

    Raises:
        InputError: One has another fraction, so that they are no whole numbers.
    """
    others = texts.str.contains(r"^\s*[0-9]+\.(?:[0-9]{2,}|[1-9])\s*$").fill_null(value=False).arg_true().to_list()
    if others:
        reason = "has a fraction, while the ids at the beginning of the file are whole numbers written with `.0`"
        raise InputError(Problem(Position(name, lines[others[0]], source), reason))
    return texts.str.replace(r"^(\s*[0-9]+)\.0(\s*)$", "$1$2")


class CrowdedIds:
    """Looks for ids that stand for several customers.

    Args:
        mapping: Says which columns tell people apart, and rows of one record.
        name: Of the file, for messages.
    """

    def __init__(self, mapping: BrandMapping, name: str) -> None:
        self._name = name
        self._source = mapping.record.id
        self._has_times = mapping.record.modified_at is not None
        fields = mapping.fields
        emails = [field.name for field in fields if field.kind is FieldKind.EMAIL]
        self._contacts = emails[:1] or [field.name for field in fields if field.kind is FieldKind.PHONE][:1]
        self._what = "e-mail addresses" if emails else "telephone numbers"
        self._names = [field.name for field in fields if field.name in _NAMES]

    def refuse(
        self,
        ids: Texts,
        rows: Collection[int],
        lines: Sequence[int],
        times: Sequence[int | None],
        columns: Mapping[str, Texts],
    ) -> None:
        """Look at the rows of one block.

        Args:
            ids: Canonical ids.
            rows: Positions to look at: of rows that are taken, or whose id is shortened.
            lines: Where each row begins.
            times: When each row changed.
            columns: Values by field.

        Raises:
            InputError: Ids stand for several customers.
        """
        if not self._contacts or len(set(ids)) == len(ids):
            return
        groups: dict[str, list[int]] = defaultdict(list)
        for at in rows:
            if identifier := ids[at]:
                groups[identifier].append(at)
        crowds: list[int] = []
        for identifier, group in groups.items():
            if len(group) < 2:
                continue
            contacts, names = self._told_apart(group, columns)
            is_ordered = self._has_times and len({times[at] for at in group}) == len(group)
            is_crowd = contacts >= _MANY or min(contacts, names) >= _CROWD
            if contacts > 1 and (re.match(SHORTENED, identifier) or (is_crowd and not is_ordered)):
                self._stop(group, lines)
            if min(contacts, names) >= _CROWD:
                crowds += group
        are_many = len(crowds) >= _MANY_ROWS and len(crowds) * _MANY_SHARE >= len(ids)
        if are_many or len(crowds) * 2 >= len(ids):
            self._stop(crowds, lines)

    def _told_apart(self, group: list[int], columns: Mapping[str, Texts]) -> tuple[int, int]:
        """Return how many different addresses the rows have, and how many names."""
        texts = columns[self._contacts[0]]
        contacts = {text.strip().lower() for at in group if (text := texts[at])}
        names = {" ".join((columns[name][at] or "").strip().casefold() for name in self._names) for at in group}
        return len(contacts), len({name for name in names if name.strip()})

    def _stop(self, group: list[int], lines: Sequence[int]) -> None:
        found = sorted(lines[at] for at in group)
        shown = ", ".join(map(str, found[:_LINES_SHOWN])) + (" …" if len(found) > _LINES_SHOWN else "")
        reason = (
            f"one id stands for several customers: rows with different {self._what} share it (lines {shown}). "
            "Did a spreadsheet shorten the ids? Nothing is taken from here on"
        )
        raise InputError(Problem(Position(self._name, found[0], self._source), reason))
