"""Numbers that are numbers in the file itself, not texts: JSON's and Parquet's.

They know no decimal comma and no grouping, whatever the brand's people write elsewhere. A whole number is written
without a fraction, since systems keep ids and postcodes in columns of floating point; one that is none is missing.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import polars as pl

_EXACT = 2**53
_DIGITS_MAX = 40


class NumberText(str):
    """The text of a number in a JSON file, kept so that 12.10 does not become 12.1000000000000001."""

    __slots__ = ()


def number_text(value: str | float | Decimal, mark: str = ".") -> str | None:
    """Return a number as a text cell would show it, with the decimal mark that the mapping names."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    if number.is_nan():
        return None
    if not number.is_finite() or abs(number.adjusted()) > _DIGITS_MAX:
        return str(value)
    if number == number.to_integral_value():
        return f"{number.to_integral_value():f}"
    return f"{number:f}".replace(".", mark)


def number_expression(column: pl.Expr, dtype: pl.DataType, mark: str = ".") -> pl.Expr:
    """Return the same for a whole column of floating point or decimal numbers."""
    if isinstance(dtype, pl.Decimal):
        bare = column.cast(pl.String).str.replace(r"\.0+$", "")
        return bare.str.replace(".", mark, literal=True)
    number = column.cast(pl.Float64)
    is_whole = (number == number.round()) & (number.abs() < _EXACT)
    fraction = column.cast(pl.String).str.replace(".", mark, literal=True)
    return pl.when(number.is_not_nan()).then(
        pl.when(is_whole).then(number.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(fraction)
    )
