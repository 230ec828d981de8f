"""Which records a row without an id shows: those of which one version agrees with every value shown.

At least two of e-mail, telephone and name must be shown. Among several such records the ones that agree in most of
the other columns are taken, and among those of several brands the brand that the table is about.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl
from pyroaring import BitMap

from cloakroom.claims.values import HELD_EMAILS, HELD_PHONES, VAULT_FIELDS, same_number

_CHAIN_MAX = 60
_KEYS = ("email", "phone", "phone_2", "name")


def proving_pairs(
    shown: pl.DataFrame, pairs: pl.DataFrame, held: pl.DataFrame, *, is_name_partial: bool
) -> pl.DataFrame:
    """Return ``row``, ``ordinal`` and ``score`` of the records that rows prove.

    Args:
        shown: ``row`` and the columns of `values.shown_values`.
        pairs: ``row`` and ``ordinal`` of records that share a key with the row.
        held: The columns of `values.held_values` of those records.
        is_name_partial: Whether the table shows only one part of names.
    """
    if pairs.height == 0 or held.height == 0 or not set(_KEYS) & set(shown.columns):
        return pl.DataFrame(schema={"row": pl.UInt32, "ordinal": pl.Int64, "score": pl.Int64})
    columns = [name for name in shown.columns if name != "row"]
    joined = pairs.join(shown, on="row").join(
        held.select("ordinal", *(pl.col(name).alias(f"held_{name}") for name in held.columns if name not in _TIMES)),
        on="ordinal",
    )
    shows = {name: pl.col(name).fill_null("") != "" for name in _KEYS if name in columns}
    agrees = [~is_shown | _agrees(name, is_name_partial=is_name_partial) for name, is_shown in shows.items()]
    count = sum((is_shown.cast(pl.Int64) for name, is_shown in shows.items() if name != "phone_2"), pl.lit(0))
    others = [name for name in (concept.value for concept in VAULT_FIELDS) if name in columns]
    score = sum(
        (
            ((pl.col(name) == pl.col(f"held_{name}")) & (pl.col(name) != "")).fill_null(value=False).cast(pl.Int64)
            for name in others
        ),
        pl.lit(0),
    )
    return (
        joined.filter(pl.all_horizontal(*agrees) & (count >= 2))
        .select("row", "ordinal", score.cast(pl.Int64).alias("score"))
        .group_by("row", "ordinal")
        .agg(pl.col("score").max())
    )


_TIMES = ("ordinal", "valid_from", "valid_to")


def _agrees(name: str, *, is_name_partial: bool) -> pl.Expr:
    if name in ("phone", "phone_2"):
        return pl.any_horizontal(*(same_number(pl.col(name), pl.col(f"held_{held}")) for held in HELD_PHONES))
    if name == "email":
        return pl.any_horizontal(*(pl.col(name) == pl.col(f"held_{held}") for held in HELD_EMAILS)).fill_null(
            value=False
        )
    return _same_name(is_partial=is_name_partial)


def _same_name(*, is_partial: bool) -> pl.Expr:
    """Return whether a shown name is the held one, with or without what the record holds beside it.

    A record may hold a patronymic or a reading beside the name itself; a row may show these too, or instead.
    """
    equal = (pl.col("name") == pl.col("held_name")).fill_null(value=False)
    shown, base = pl.col("name").str.split(" "), pl.col("held_name").fill_null("").str.split(" ")
    more = pl.col("held_name_more").fill_null("").str.split(" ")
    has_more = pl.col("held_name_more").fill_null("") != ""
    beyond = shown.list.set_difference(base)
    whole = (base.list.set_difference(shown).list.len() == 0) | (shown.list.set_difference(more).list.len() == 0)
    longer = has_more & (beyond.list.set_difference(more).list.len() == 0) & whole
    return equal | longer | (beyond.list.len() == 0) if is_partial else equal | longer


def pairs_by_name(shown: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Return pairs of rows and records that agree in address and name, for addresses too common to pair by alone."""
    if "name" not in shown.columns or "email" not in shown.columns:
        return pl.DataFrame(schema={"row": pl.UInt32, "ordinal": pl.Int64})
    named = shown.filter((pl.col("name") != "") & (pl.col("email") != "")).select("row", "email", "name")
    return named.join(held.select("ordinal", "email", "name").unique(), on=["email", "name"]).select("row", "ordinal")


def best_pairs(proving: pl.DataFrame, brand_names: dict[int, str], counts: Counter[str]) -> pl.DataFrame:
    """Keep for each row the records that agree most, and of several brands the one the table is about.

    Args:
        proving: ``row``, ``ordinal``, ``score`` and ``brand`` (a number).
        brand_names: Names by number.
        counts: Rows of the table by brand so far, where there was no doubt; brought up to date.
    """
    best = proving.filter(pl.col("score") == pl.col("score").max().over("row"))
    spread = pl.col("brand").n_unique().over("row")
    clear = best.filter(spread == 1)
    for number, rows in clear.group_by("brand").agg(pl.col("row").n_unique()).iter_rows():
        counts[brand_names[number]] += rows
    unclear = best.filter(spread > 1)
    if unclear.height == 0:
        return best
    weight = {number: counts[name] for number, name in brand_names.items()}
    weighed = unclear.with_columns(pl.col("brand").cast(pl.Int64).replace_strict(weight, default=0).alias("weight"))
    settled = weighed.filter(pl.col("weight") == pl.col("weight").max().over("row")).drop("weight")
    return pl.concat([clear, settled])


def one_record_each(pairs: pl.DataFrame, taken: BitMap) -> BitMap:
    """Return the records that rows prove when each row shows one record.

    Where several records agree with a row alike, as when a shop entered somebody twice, the row proves one of them;
    which one, nobody can tell. As many records are counted as rows can show at once.

    Args:
        pairs: ``row`` and ``ordinal``.
        taken: Records that earlier rows have taken.
    """
    if pairs["row"].n_unique() == pairs.height:
        return BitMap(pairs["ordinal"].to_numpy().astype(np.uint32))
    choices = pairs.group_by("row").agg(pl.col("ordinal").unique().sort())
    choices = choices.with_columns(pl.col("ordinal").list.len().alias("count"))
    settled = choices.filter(pl.col("count") == 1)["ordinal"].list.first().cast(pl.UInt32)
    chosen = BitMap(settled.to_numpy())
    open_rows = choices.filter(pl.col("count") > 1).sort("count", "row")["ordinal"].to_list()
    free = [
        [ordinal for ordinal in ordinals if ordinal not in chosen and ordinal not in taken] for ordinals in open_rows
    ]
    owners: dict[int, int] = {}
    for row in range(len(free)):
        _place(row, free, owners, set())
    return chosen | BitMap(owners.keys())


def _place(row: int, choices: list[list[int]], owners: dict[int, int], seen: set[int]) -> bool:
    """Give a row one of its records, moving other rows to others of theirs where need be (a maximum matching)."""
    for ordinal in choices[row]:
        if ordinal in seen or len(seen) > _CHAIN_MAX:
            continue
        seen.add(ordinal)
        if ordinal not in owners or _place(owners[ordinal], choices, owners, seen):
            owners[ordinal] = row
            return True
    return False
