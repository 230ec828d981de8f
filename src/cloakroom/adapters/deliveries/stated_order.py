"""Finding out that a file is written the other way round than its mapping says: days for months, commas for points.

03/04/2025 is a day under either order, and 1.234 an amount under either mark; only the other rows tell. A file in
which several values can be read the other way alone, and none the stated way alone, is refused as a whole: row by
row, half of it would be rejected and the other half taken wrongly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from cloakroom.adapters.deliveries.times import TimeReader
from cloakroom.adapters.deliveries.values import read_amount
from cloakroom.vault.fields import FieldKind

if TYPE_CHECKING:
    from cloakroom.vault.mapping import BrandMapping, ColumnMapping

_LEAST = 3
_OTHER_ORDER = {"dmy": "mdy", "mdy": "dmy"}
_OTHER_MARK = {".": ",", ",": "."}
Read = Callable[[str], object]


def reading_otherwise(column: ColumnMapping, mapping: BrandMapping) -> tuple[Read, str] | None:
    """Return how a column would be read the other way round, and what to say of it; None where there is none."""
    if column.field.kind in {FieldKind.DATE, FieldKind.TIMESTAMP}:
        return time_read_otherwise(column.format, mapping)
    if column.field.kind is not FieldKind.DECIMAL:
        return None
    mark = _OTHER_MARK[mapping.decimal_mark]

    def read(text: str) -> str | None:
        return read_amount(text, mark, mapping.decimal_mark)

    return read, f"with decimal mark `{mark}`, but {mapping.source} says `{mapping.decimal_mark}`"


def time_read_otherwise(form: str, mapping: BrandMapping) -> tuple[Read, str] | None:
    """Return the same for a column of times."""
    other = _OTHER_ORDER.get(form)
    if other is None:
        return None
    return TimeReader(other, mapping.timezone).time, f"as {other}, but {mapping.source} says {form}"


def is_other_way(read: Read, unread: Sequence[str], taken: Sequence[str]) -> bool:
    """Return whether values are written the other way round.

    Args:
        read: Reads a value the other way.
        unread: Values that cannot be read as stated.
        taken: Values that can.
    """
    telling = 0
    for text in unread:
        telling += read(text) is not None
        if telling >= _LEAST:
            return all(read(text) is not None for text in dict.fromkeys(taken))
    return False
