"""Learn what a column means where its header does not say: which field of our own records it equals.

Rows that share a key with a record are laid beside that record's values. A column that equals a field in most rows is
that field, whatever it is called and in whatever language, header or none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from cloakroom.claims.concepts import Concept, Recognised
from cloakroom.claims.keys import id_keys
from cloakroom.claims.ports import CustomerIndex
from cloakroom.claims.sizing import KeyedRows
from cloakroom.claims.tables import share_of
from cloakroom.claims.values import NAMES, VAULT_FIELDS, comparable, folded_names, plain

_LEAST_SHARE = 0.5
_LEAST_ROWS = 8
ROWS_LOOKED_AT = 400
_IDS_LOOKED_AT = 200
_ID_DIGITS_MAX = 12
COLUMNS_LOOKED_AT = 60
"""Columns of unknown meaning that are compared or looked up; a table may have thousands."""
_ROWS_OF_WIDE = 40
_PROMISING = 0.25
_LEAST_DIGITS = 3
_DAY = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b")


def unknown_columns(recognised: Recognised) -> list[str]:
    """Return the columns whose meaning is not known."""
    return recognised.columns(Concept.OTHER)


@dataclass(frozen=True, slots=True)
class IdSpelling:
    """The spelling under which the ids of a column are those of our records: as they are, in one case, with zeros.

    Attributes:
        case: ``lower`` or ``upper``, or empty.
        width: Digits to fill with zeros on the left, or 0.
    """

    case: str = ""
    width: int = 0

    def of(self, values: pl.Expr) -> pl.Expr:
        """Return the ids so written."""
        if self.width:
            bare = values.str.strip_chars()
            return pl.when(bare != "").then(bare.str.zfill(self.width)).otherwise(values)
        return getattr(values.str, f"to_{self.case}case")() if self.case else values


def possible_id_columns(keyed: KeyedRows) -> list[str]:
    """Return the columns that hold record ids, or may although nothing says so: nearly every value is another one."""
    found = keyed.recognised.columns(Concept.RECORD_ID)
    for column in unknown_columns(keyed.recognised):
        values = keyed.frame[column].head(_IDS_LOOKED_AT)
        filled = values.filter((values.str.strip_chars() != "").fill_null(value=False))
        if filled.len() >= _LEAST_ROWS and filled.n_unique() > 0.9 * filled.len() and 2 * filled.len() > values.len():
            found.append(column)
            if len(found) >= COLUMNS_LOOKED_AT:  # Each of them is looked up.
                break
    return found


def spelling_of_ids(values: pl.Series, index: CustomerIndex) -> IdSpelling | None:
    """Return the spelling under which most of a column's values are ids of ours; None for none.

    Spreadsheets drop zeros on the left, sellers change letter cases.
    """
    sample = values.head(_IDS_LOOKED_AT).drop_nulls().str.strip_chars()
    sample = sample.filter(sample != "").unique()
    if sample.len() == 0:
        return None
    spellings = [IdSpelling()]
    if sample.str.contains(r"^[0-9]+$").all():
        longest = int(sample.str.len_bytes().max() or 0)  # type: ignore[arg-type]
        spellings += [IdSpelling(width=width) for width in range(longest, _ID_DIGITS_MAX + 1)]
    elif sample.str.contains(r"\p{L}").any():
        spellings += [IdSpelling("lower"), IdSpelling("upper")]
    for spelling in spellings:
        asked = id_keys(pl.select(spelling.of(pl.lit(sample))).to_series()).drop_nulls().unique()
        found = index.look_up("customer_number", asked)()
        if 2 * np.unique(found.positions).size > asked.len():
            return spelling
    return None


def learn_columns(
    frame: pl.DataFrame, recognised: Recognised, pairs: pl.DataFrame, held: pl.DataFrame, today: date
) -> Recognised:
    """Return the meanings with those that the values give away.

    Args:
        frame: The rows.
        recognised: What is known of the columns.
        pairs: ``row`` and ``ordinal`` of records that share a key with a row.
        held: `values.held_values` of the records.
        today: The day after which no two-digit year lies.
    """
    meanings = dict(recognised.by_column)
    present = set(meanings.values())
    rows = pairs["row"].unique().sort()
    part = frame[rows].with_columns(rows.alias("row of pair"))
    for column in _promising(part, unknown_columns(recognised), held):
        best = (Concept.OTHER, _LEAST_SHARE)
        for concept in [concept for concept in VAULT_FIELDS if concept not in present]:
            share = _equal_share(
                part.select("row of pair", value=comparable(concept, part[column], today)), pairs, held, concept.value
            )
            best = max(best, (concept, share), key=lambda item: item[1])
        if not present.intersection(NAMES):
            values = part.select("row of pair", value=folded_names([part[column]]))
            whole = _equal_share(values, pairs, held, "name")
            part_share = _equal_share(values, pairs, held, "name", is_part=True)
            best = max(best, (Concept.NAME, whole), (Concept.GIVEN_NAME, part_share), key=lambda item: item[1])
        if best[0] is not Concept.OTHER:
            meanings[column] = best[0]
    return Recognised(meanings)


def _promising(part: pl.DataFrame, columns: list[str], held: pl.DataFrame) -> list[str]:
    """Return the columns worth comparing: all, or of a table with very many those that look most like ours."""
    if len(columns) <= COLUMNS_LOOKED_AT:
        return columns
    names = [name for name in ("name", *(concept.value for concept in VAULT_FIELDS)) if name in held.columns]
    values = {text for name in names for text in held[name].drop_nulls().unique().to_list() if text}
    words = (
        {word for text in held["name"].drop_nulls().to_list() for word in text.split()} if "name" in names else set()
    )
    sample = part.head(_ROWS_OF_WIDE)
    shares = [(_resemblance(sample[column].to_list(), values, words), column) for column in columns]
    best = sorted((one for one in shares if one[0] >= _PROMISING), key=lambda one: -one[0])[:COLUMNS_LOOKED_AT]
    chosen = {column for _, column in best}
    return [column for column in columns if column in chosen]


def _resemblance(texts: Sequence[str | None], values: Set[str], words: Set[str]) -> float:
    """Return how many texts are values of ours in a plain spelling, or words of names, or look like a day."""
    filled = [plain(text) for text in texts if text and text.strip()]
    found = sum(
        text in values
        or text.partition(" ")[0] in words
        or (len(text) > _LEAST_DIGITS and re.sub(r"\D", "", text) in values)
        or _DAY.match(text) is not None
        for text in filled
    )
    return found / max(len(filled), 1)


def _equal_share(
    values: pl.DataFrame, pairs: pl.DataFrame, held: pl.DataFrame, name: str, *, is_part: bool = False
) -> float:
    """Return the share of filled rows whose value some version of a paired record has."""
    if name not in held.columns:
        return 0.0
    known = held.select("ordinal", pl.col(name).alias("held")).filter(pl.col("held").fill_null("") != "").unique()
    if known["held"].n_unique() < 2:
        return 0.0
    filled = values.filter(pl.col("value").fill_null("") != "")
    equal = pl.col("value") == pl.col("held")
    if is_part:
        equal = pl.col("value").str.split(" ").list.set_difference(pl.col("held").str.split(" ")).list.len() == 0
    compared = (
        filled.join(pairs.select(pl.col("row").alias("row of pair"), "ordinal"), on="row of pair")
        .join(known, on="ordinal")
        .select("row of pair", equal.alias("equal"))
        .group_by("row of pair")
        .agg(pl.col("equal").any())
    )
    return share_of(compared["equal"]) if compared.height >= _LEAST_ROWS else 0.0
