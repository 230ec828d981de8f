"""Refusing rows with payment data, whichever column hides it, without refusing telephone numbers and ids.

`cloakroom.vault.payment_data` judges a text by itself. Here the column adds what it knows:

- in a telephone column, a text that is a telephone number of the row's country is one;
- an amount is judged by its digits before the decimal mark;
- in a column of identifiers, a bare run of digits may satisfy Luhn's formula by chance (about one in forty of
  random 16-digit numbers). A column of which fewer than a fifth of the bare runs of card length satisfy it holds
  identifiers, a column of which more do holds cards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from cloakroom.canonical.phone import canonical_phone
from cloakroom.vault.fields import FieldKind
from cloakroom.vault.payment_data import SUSPICIOUS, find_payment_data, is_card_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from cloakroom.adapters.deliveries.batches import RawBlock
    from cloakroom.vault.mapping import BrandMapping

_ID_SHARE = 5


def find_rows_with_payment_data(
    block: RawBlock, mapping: BrandMapping, region_of: Callable[[int], str | None]
) -> dict[int, tuple[str | None, str]]:
    """Return the positions of rows to refuse, with source column and reason.

    Args:
        block: Rows as the file shows them, ignored columns included.
        mapping: Says what kind of field a column holds.
        region_of: Country of the national telephone numbers of a row, by position.
    """
    kinds = {column.source: column.field.kind for column in mapping.columns}
    kinds[mapping.record.id] = FieldKind.IDENTIFIER
    found: dict[int, tuple[str | None, str]] = {}
    for source, texts in [*block.columns.items(), (None, pl.Series(block.unmapped, dtype=pl.String))]:
        kind = kinds.get(source or "")
        suspects = texts.str.contains(SUSPICIOUS).arg_true().to_list()
        if not suspects:
            continue
        are_ids = kind is FieldKind.IDENTIFIER and _are_identifiers([texts[at] or "" for at in suspects])
        for at in suspects:
            text = texts[at] or ""
            if at in found or (kind is FieldKind.PHONE and canonical_phone(text, region_of(at)) is not None):
                continue
            if are_ids and text.strip().isdigit():
                continue
            if kind is FieldKind.DECIMAL:
                text = text.partition(mapping.decimal_mark)[0]
            payment = find_payment_data(text)
            if payment is not None:
                found[at] = (source, f"holds a {payment}, which does not belong in a customer system")
    return found


def _are_identifiers(texts: list[str]) -> bool:
    runs = [text.strip() for text in texts if text.strip().isdigit() and text.isascii()]
    return len(runs) >= _ID_SHARE and sum(map(is_card_number, runs)) * _ID_SHARE < len(runs)
