"""Which records a row without an id shows: those of which one version agrees with every value shown.

What a row shows of a record **agrees** with it, **differs** from it, or is **silent**: the row shows nothing, or
something that cannot be compared, such as a name whose letters are all lost. A row proves a record where none of
e-mail, telephone and name differs and two things agree at least: two of these three, or one of them and something
that few people share, the street or the birth date. A name that the address itself tells is no second thing: whoever
has the address has the name; such pairs are **told**. A pair **contradicts** where something differs in every version
of the record from what it holds, and the row does not prove it.

Among several records that a row proves the ones that agree in most of the other columns are taken, and among those
of several brands the brand that the table is about.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import polars as pl
from pyroaring import BitMap

from cloakroom.claims.alike_names import LOST, Likeness, likeness
from cloakroom.claims.concepts import Concept
from cloakroom.claims.row_pairs import is_single, records_of
from cloakroom.claims.values import HELD_EMAILS, HELD_PHONES, VAULT_FIELDS, same_number

_CHAIN_MAX = 60
_KEYS = ("email", "phone", "phone_2", "name")
_KINDS = ("email", "phone", "name")
_DETAILS = (Concept.BIRTH_DATE.value, Concept.STREET.value)
"""What hardly two people share; a city, a language, a shop or an amount of nothing says little."""
_TIMES = ("ordinal", "valid_from", "valid_to")
_TAG = r"^([^+@]+)\+[^@]*@"
_EXACT = 100
"""Worth of a name that is equal letter by letter: more than all other columns together."""
COMPARED = {"row": pl.UInt32, "ordinal": pl.Int64, "proves": pl.Boolean, "told": pl.Boolean,
            "keys": pl.Int64, "agrees": pl.Int64, "differs": pl.Int64, "score": pl.Int64}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Agreement:
    """Pairs of rows and records, by what the rows show of them.

    Attributes:
        proving: ``row``, ``ordinal`` and ``score`` of the pairs that prove.
        told: The same of those that would, were the name not told by the address.
        contradicted: Rows all of whose pairs contradict.
        jumbled: Those of them whose name or number is of other records of ours: they were put together wrongly.
    """

    proving: pl.DataFrame = field(repr=False)
    told: pl.DataFrame = field(repr=False)
    contradicted: pl.Series = field(repr=False)
    jumbled: pl.Series = field(repr=False)


def agreement(compared: pl.DataFrame, shown: pl.DataFrame, held: pl.DataFrame) -> Agreement:
    """Sort out compared pairs; all rows and records are those that were compared."""
    proving, told = (compared.filter(pl.col(which)).select("row", "ordinal", "score") for which in ("proves", "told"))
    peaceful = compared.filter(pl.col("proves") | pl.col("told") | (pl.col("differs") == 0)).select("row").unique()
    contradicted = compared.select("row").unique().join(peaceful, on="row", how="anti")["row"]
    return Agreement(proving, told, contradicted, _jumbled(contradicted, shown, held))


def _jumbled(contradicted: pl.Series, shown: pl.DataFrame, held: pl.DataFrame) -> pl.Series:
    rows = shown.filter(pl.col("row").is_in(contradicted.implode())) if contradicted.len() else shown.clear()
    email = _is_held(rows, held, "email", HELD_EMAILS)
    phone = _is_held(rows, held, "phone", HELD_PHONES) | _is_held(rows, held, "phone_2", HELD_PHONES)
    # A number by itself may be the very key by which the row was found.
    return rows.filter(_has_held_words(rows, held) | (email & phone))["row"]


def _has_held_words(rows: pl.DataFrame, held: pl.DataFrame) -> pl.Expr:
    """Return whether all words of a shown name are words of names that records hold."""
    if "name" not in rows.columns or "name" not in held.columns:
        return pl.lit(value=False)
    words = held["name"].cast(pl.String).drop_nulls().str.split(" ").explode().unique().implode()
    shown = pl.col("name").fill_null("")
    return (shown != "") & (shown.str.split(" ").list.set_difference(pl.lit(words)).list.len() == 0)


def _is_held(rows: pl.DataFrame, held: pl.DataFrame, column: str, sources: tuple[str, ...]) -> pl.Expr:
    """Return whether what rows show in a column is what any record holds."""
    known = [
        pl.col(column).is_in(held[source].cast(pl.String).drop_nulls().unique().implode()) & (pl.col(column) != "")
        for source in sources
        if column in rows.columns and source in held.columns
    ]
    return pl.any_horizontal(*known, pl.lit(value=False)).fill_null(value=False)


def compare(shown: pl.DataFrame, pairs: pl.DataFrame, held: pl.DataFrame, *, is_name_partial: bool) -> pl.DataFrame:
    """Return what rows say of the records that they are paired with, the best of all versions (`COMPARED`).

    ``keys`` counts what agrees of e-mail and telephone, ``agrees`` what agrees of these, name and details;
    ``differs`` counts what the version holds otherwise, ``score`` how many of all columns are equal.

    Args:
        shown: ``row`` and the columns of `values.shown_values`; ``told`` and ``cut`` of `values.name_marks`, if any.
        pairs: ``row`` and ``ordinal``.
        held: The columns of `values.held_values` of those records.
        is_name_partial: Whether the table shows only one part of names.
    """
    if pairs.height == 0 or held.height == 0 or not {*_KEYS, *_DETAILS} & set(shown.columns):
        return pl.DataFrame(schema=COMPARED)
    joined = pairs.join(shown, on="row").join(
        held.select("ordinal", *(pl.col(name).alias(f"held_{name}") for name in held.columns if name not in _TIMES)),
        on="ordinal",
    )
    joined = _with_names(joined, is_partial=is_name_partial)
    columns = [name for name in shown.columns if name in (*_KEYS, *VAULT_FIELDS, "told")]
    joined = joined.with_columns(*_states(columns))
    told = pl.col("told").fill_null(value=False) if "told" in columns else pl.lit(value=False)
    names, others = pl.col("name agrees"), pl.col("email agrees") + pl.col("phone agrees")
    details = pl.sum_horizontal(pl.col(f"{name} agrees") for name in _DETAILS)
    is_unhindered = (pl.col("email unlike") + pl.col("phone unlike") + pl.col("name unlike")) == 0
    agrees = others + names + details
    evidence = agrees - names * told.cast(pl.Int64)
    version = joined.select(
        "row", "ordinal",
        (is_unhindered & (others + names > 0) & (evidence >= 2)).alias("proves"),
        (is_unhindered & (others == 1) & (names == 1) & told & (evidence == 1)).alias("told"),
        others.alias("keys"), agrees.alias("agrees"),
        pl.sum_horizontal(pl.col(f"{name} differs") for name in (*_KINDS, *_DETAILS)).alias("differs"),
        (_score(columns) + pl.when(pl.col("name equal")).then(_EXACT).otherwise(0)).cast(pl.Int64).alias("score"),
    )  # fmt: skip
    proving = pl.col("score").filter(pl.col("proves") | pl.col("told")).max()
    return version.group_by("row", "ordinal").agg(
        pl.col("proves").any(), pl.col("told").any() & ~pl.col("proves").any(), pl.col("keys", "agrees").max(),
        pl.col("differs").min(), proving.fill_null(pl.col("score").max()).alias("score"),
    )  # fmt: skip


def _states(columns: list[str]) -> list[pl.Expr]:
    """Return for each thing compared three numbers: whether it agrees, is unlike what is held, and differs from it.

    What a version does not hold is unlike what is shown, but does not differ from it.
    """
    found: list[pl.Expr] = []
    held = {"email": HELD_EMAILS, "phone": HELD_PHONES, "name": ("name",)}
    for name in (*_KINDS, *_DETAILS):
        if name not in columns and (name != "phone" or "phone_2" not in columns):
            found += [pl.lit(0, pl.Int64).alias(f"{name} {what}") for what in ("agrees", "unlike", "differs")]
            continue
        shows, agrees = _shown_and_equal(name, columns)
        is_held = pl.any_horizontal(*(pl.col(f"held_{one}").fill_null("") != "" for one in held.get(name, (name,))))
        found += [
            (shows & agrees).cast(pl.Int64).alias(f"{name} agrees"),
            (shows & ~agrees).cast(pl.Int64).alias(f"{name} unlike"),
            (shows & ~agrees & is_held).cast(pl.Int64).alias(f"{name} differs"),
        ]
    return found


def _shown_and_equal(name: str, columns: list[str]) -> tuple[pl.Expr, pl.Expr]:
    if name == "phone":
        numbers = [column for column in ("phone", "phone_2") if column in columns]
        shows = [pl.col(column).fill_null("") != "" for column in numbers]
        equal = [
            pl.any_horizontal(*(same_number(pl.col(column), pl.col(f"held_{held}")) for held in HELD_PHONES))
            for column in numbers
        ]
        return pl.any_horizontal(*shows), pl.all_horizontal(
            *(~is_shown | is_equal for is_shown, is_equal in zip(shows, equal, strict=True))
        )
    if name == "email":
        return pl.col("email").fill_null("") != "", pl.any_horizontal(
            *(same_mailbox(pl.col("email"), pl.col(f"held_{held}")) for held in HELD_EMAILS)
        )
    if name == "name":
        return pl.col("name likeness") != Likeness.SILENT, pl.col("name likeness") == Likeness.AGREES
    return pl.col(name).fill_null("") != "", (pl.col(name) == pl.col(f"held_{name}")).fill_null(value=False)


def same_mailbox(shown: pl.Expr, held: pl.Expr) -> pl.Expr:
    """Return whether a shown address is the held one, with or without what follows a plus in either."""
    shown, held = shown.cast(pl.String), held.cast(pl.String)
    return (shown == held).fill_null(value=False) | (
        shown.str.replace(_TAG, "${1}@") == held.str.replace(_TAG, "${1}@")
    ).fill_null(value=False)


def _score(columns: list[str]) -> pl.Expr:
    others = [name for name in (concept.value for concept in VAULT_FIELDS) if name in columns]
    equal = [
        ((pl.col(name) == pl.col(f"held_{name}")) & (pl.col(name) != "")).fill_null(value=False) for name in others
    ]
    return pl.sum_horizontal(pl.lit(0), *equal)


def _with_names(joined: pl.DataFrame, *, is_partial: bool) -> pl.DataFrame:
    """Add ``name equal`` and ``name likeness``: equal letter by letter, with what is held beside it, or alike."""
    if "name" not in joined.columns:
        return joined.with_columns(
            pl.lit(value=False).alias("name equal"), pl.lit(Likeness.SILENT, pl.Int64).alias("name likeness")
        )
    shown = pl.col("name").fill_null("")
    is_cut = pl.col("cut") if "cut" in joined.columns else pl.lit(value=False)
    if "held_name_in_ascii" not in joined.columns:
        joined = joined.with_columns(pl.lit("").alias("held_name_in_ascii"))
    joined = joined.with_columns(
        ((shown == pl.col("held_name").fill_null("")) & (shown != "")).alias("name equal"),
        pl.when(shown.str.replace_all(f"[{LOST} ]", "") == "").then(int(Likeness.SILENT))
        .when(_same_name(is_partial=is_partial)).then(int(Likeness.AGREES))
        .otherwise(None).cast(pl.Int64).alias("name likeness"),
        is_cut.fill_null(value=False).alias("cut"),
    )  # fmt: skip
    unequal = joined.filter(pl.col("name likeness").is_null())
    columns = ["name", "held_name", "held_name_more", "held_name_in_ascii", "cut"]
    distinct = unequal.select(columns).unique()
    found = [
        int(likeness(name, held or "", more or "", is_cut=cut, is_part=is_partial, in_ascii=ascii_ or ""))
        for name, held, more, ascii_, cut in distinct.iter_rows()
    ]
    alike = distinct.with_columns(pl.Series("found", found, dtype=pl.Int64))
    return joined.join(alike, on=columns, how="left", nulls_equal=True, maintain_order="left").with_columns(
        pl.col("name likeness").fill_null(pl.col("found"))
    )


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


class RecordChoices:
    """The records that rows prove when each row shows one record.

    Where several records agree with a row alike, as when a shop entered somebody twice, the row proves one of them;
    which one, nobody can tell. As many records are counted as all rows can show at once (a maximum matching), so that
    it does not matter in what order or in what pieces the rows come.
    """

    def __init__(self) -> None:
        """Begin without rows."""
        self._settled = BitMap()
        self._open: dict[tuple[int, ...], int] = {}

    def add(self, pairs: pl.DataFrame) -> None:
        """Take rows in.

        Args:
            pairs: ``row`` and ``ordinal``, all pairs of each row.
        """
        single = is_single(pairs)
        self._settled |= records_of(pairs.filter(pl.Series(single)))
        if single.all():
            return
        choices = pairs.filter(pl.Series(~single)).group_by("row").agg(pl.col("ordinal").unique().sort())
        for ordinals, rows in choices["ordinal"].value_counts().iter_rows():
            chosen = tuple(ordinals)
            # More rows than records cannot show more of them.
            self._open[chosen] = min(self._open.get(chosen, 0) + rows, len(chosen))

    def chosen(self, taken: BitMap | None = None) -> BitMap:
        """Return the records; those that are `taken` by other rows are left to them."""
        others = self._settled | (taken or BitMap())
        free = [
            [ordinal for ordinal in ordinals if ordinal not in others]
            for ordinals, rows in sorted(self._open.items(), key=lambda item: (len(item[0]), item[0]))
            for _ in range(rows)
        ]
        owners: dict[int, int] = {}
        for row in range(len(free)):
            _place(row, free, owners, set())
        return self._settled | BitMap(owners.keys())


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
