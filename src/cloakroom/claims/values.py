"""Normal forms of field values for comparison: what a different spelling of the same value has in common.

A null stands for a column that a table does not have, an empty text for a value that it shows as missing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache

import polars as pl

from cloakroom.canonical.name import fold_name
from cloakroom.canonical.phone_spellings import WHOLE_NUMBER
from cloakroom.claims.addresses import addresses_in
from cloakroom.claims.alike_names import LOST, MARKS, is_told
from cloakroom.claims.concepts import Concept, Recognised
from cloakroom.claims.country_names import country_of
from cloakroom.claims.dates import date_reader
from cloakroom.claims.double_encoding import undo_double_encoding
from cloakroom.claims.keys import email_keys, narrow_digits, phone_keys
from cloakroom.claims.tables import share_of

VAULT_FIELDS: Mapping[Concept, tuple[str, ...]] = {
    Concept.STREET: ("street",),
    Concept.CITY: ("city",),
    Concept.REGION: ("region",),
    Concept.POSTCODE: ("postcode",),
    Concept.COUNTRY: ("country",),
    Concept.BIRTH_DATE: ("birth_date",),
    Concept.LANGUAGE: ("language",),
    Concept.KIND: ("kind",),
    Concept.STORE: ("store",),
    Concept.TOTAL_SALES: ("spend_total",),
    Concept.GENDER: ("gender",),
}
"""Fields of the vault whose values a column of each meaning can be compared with, one to one."""

OPENED = ("given_name", "family_name", "name", "email", "phone", "mobile",
          *dict.fromkeys(field for fields in VAULT_FIELDS.values() for field in fields))  # fmt: skip
HELD_PHONES = ("phone", "mobile", "phone_3", "phone_4")
HELD_EMAILS = ("email", "email_2")
LOOSE_DIGITS = 7
_LEAST_CUT = 7
_LEAST_LEFT = 4
_EXPONENT = r"[0-9][eE]\+?[0-9]"
NAMES = (Concept.NAME, Concept.GIVEN_NAME, Concept.FAMILY_NAME)
_MISSING = frozenset(["", "null", "none", "n/a", "na", "nan", "-", "\\n"])


def shown_values(frame: pl.DataFrame, recognised: Recognised, country: pl.Series, today: date) -> pl.DataFrame:
    """Return what each row shows, one column for each meaning that can be compared, in comparison form.

    Args:
        frame: The rows.
        recognised: The meaning of their columns.
        country: ISO 3166 code of each row's country, or null.
        today: The day after which no two-digit year lies.
    """
    shown: dict[str, pl.Series] = {}
    if recognised.columns(*NAMES):
        shown["name"] = shown_names(frame, recognised)
    emails = recognised.columns(Concept.EMAIL)
    if emails:
        shown["email"] = shown_addresses(frame[emails[0]])
    for number, column in enumerate(recognised.columns(Concept.PHONE)[:2]):
        shown["phone" if number == 0 else "phone_2"] = _numbers(frame[column], country)
    for concept in VAULT_FIELDS:
        columns = recognised.columns(concept)
        if columns:
            shown[concept.value] = comparable(concept, frame[columns[0]], today)
    return pl.DataFrame(shown)


def shown_addresses(values: pl.Series) -> pl.Series:
    """Return the normal form of the address that each cell shows, the first of several; empty where there is none."""
    keys, _ = email_keys(values)
    odd = keys.is_null() & (values.str.len_bytes() > 0).fill_null(value=False)
    if not odd.any():
        return keys.fill_null("")
    rows = odd.arg_true()
    finds = addresses_in(values.gather(rows), is_column=True).unique("row", keep="first", maintain_order=True)
    return keys.scatter(rows.gather(finds["row"]), finds["key"]).fill_null("") if finds.height else keys.fill_null("")


def _numbers(values: pl.Series, country: pl.Series) -> pl.Series:
    """Return E.164 forms; a national number of an unknown country becomes ``~`` and its digits, no leading zero."""
    keys = phone_keys(values, country)
    written = narrow_digits(values).fill_null("").str.replace(WHOLE_NUMBER, "$1$2")
    # Of a number with an exponent the last digits are lost, so that it says nothing.
    whole = written.to_frame("number").select(pl.when(~pl.col("number").str.contains(_EXPONENT)).then("number"))
    digits = whole.to_series().fill_null("").str.replace_all(r"[^0-9]", "").str.strip_chars_start("0")
    loose = pl.select(
        pl.when(digits.str.len_bytes() >= LOOSE_DIGITS).then("~" + digits).otherwise(pl.lit(""))
    ).to_series()
    return keys.fill_null(loose) if keys.null_count() else keys


def same_number(shown: pl.Expr, held: pl.Expr) -> pl.Expr:
    """Return whether a shown number is a held one; either of an unknown country is compared by its last digits.

    Its first one or two may be what is dialled inside the country alone, such as Russia's 8.
    """
    ends = [
        (shown.str.len_bytes() > LOOSE_DIGITS + left_out) & held.str.ends_with(shown.str.slice(1 + left_out))
        for left_out in (0, 1, 2)
    ]
    other_ends = [
        (held.str.len_bytes() > LOOSE_DIGITS + left_out) & shown.str.ends_with(held.str.slice(1 + left_out))
        for left_out in (0, 1, 2)
    ]
    loose = shown.str.starts_with("~") & pl.any_horizontal(*ends)
    other_loose = held.str.starts_with("~") & pl.any_horizontal(*other_ends)
    return ((shown == held) | loose | other_loose).fill_null(value=False)


def held_values(versions: pl.DataFrame, today: date) -> pl.DataFrame:
    """Return opened versions in the same comparison forms, numbers and addresses of all their fields side by side.

    Args:
        versions: As `ports.History` gives them.
        today: The day after which no two-digit year lies.
    """
    held: dict[str, pl.Series] = {name: versions[name] for name in ("ordinal", "valid_from", "valid_to")}
    nothing = _nothing(versions.height)
    texts = {name: versions[name] for name in OPENED if name in versions.columns}
    names = [texts[name] for name in ("given_name", "family_name", "name") if name in texts]
    held["name"] = folded_names(names) if names else nothing
    held["name_in_ascii"] = _names_in_ascii(names) if names else nothing
    held["name_more"] = folded_names([versions["name_more"]]) if "name_more" in versions.columns else nothing
    country = versions["phone_region"] if "phone_region" in versions.columns else texts.get("country", nothing)
    codes = _mapped(country, lambda text: country_of(text) or "")
    codes = pl.select(pl.when(codes != "").then(codes)).to_series() if codes.len() else codes
    for name in HELD_EMAILS:
        held[name] = email_keys(versions[name])[0].fill_null("") if name in versions.columns else nothing
    for name in HELD_PHONES:
        held[name] = _numbers(versions[name], codes) if name in versions.columns else nothing
    for concept, fields in VAULT_FIELDS.items():
        present = [texts[name] for name in fields if name in texts]
        held[concept.value] = comparable(concept, present[0], today) if present else nothing
    return pl.DataFrame(held)


def _nothing(height: int) -> pl.Series:
    return pl.Series([None] * height, dtype=pl.String)


def shown_names(frame: pl.DataFrame, recognised: Recognised) -> pl.Series:
    """Return the comparison form of the name in each row.

    A column with whole names beside those with their parts says the same once more: it counts where the parts are
    empty.
    """
    parts = [frame[column] for column in recognised.columns(Concept.GIVEN_NAME, Concept.FAMILY_NAME)]
    whole = [frame[column] for column in recognised.columns(Concept.NAME)]
    if not whole or not recognised.columns(Concept.GIVEN_NAME) or not recognised.columns(Concept.FAMILY_NAME):
        return folded_names([frame[column] for column in recognised.columns(*NAMES)])
    names = pl.DataFrame({"parts": folded_names(parts), "whole": folded_names(whole)})
    return names.select(pl.when(pl.col("parts") != "").then("parts").otherwise("whole")).to_series()


def folded_names(columns: list[pl.Series]) -> pl.Series:
    """Return the comparison form of the names in several columns taken together."""
    joined = (
        pl.DataFrame({str(number): column for number, column in enumerate(columns)})
        .select(pl.concat_str(pl.all().fill_null(""), separator=" "))
        .to_series()
    )
    return _mapped(joined, _folded_name)


def _names_in_ascii(columns: list[pl.Series]) -> pl.Series:
    """Return names without their letters beyond ASCII, in two spellings; empty where nothing is gone."""
    names = pl.DataFrame({str(number): column for number, column in enumerate(columns)}).select(
        pl.concat_str(pl.all().fill_null(""), separator=" ")
    )
    return _mapped(names.to_series(), _in_ascii)


def _in_ascii(text: str) -> str:
    if text.isascii():
        return ""
    # With the letters under accents, or without them.
    spellings = (unicodedata.normalize(form, text).encode("ascii", "ignore").decode() for form in ("NFKD", "NFC"))
    return "|".join(left for left in dict.fromkeys(map(fold_name, spellings)) if len(left) > _LEAST_LEFT)


def _folded_name(text: str) -> str:
    written = undo_double_encoding(text)
    for mark in MARKS:
        written = written.replace(mark, LOST)
    return fold_name(written)


def name_marks(frame: pl.DataFrame, recognised: Recognised, emails: pl.Series) -> pl.DataFrame:
    """Return for each row whether its address tells its name (``told``), and whether that may be cut off (``cut``).

    Args:
        frame: The rows.
        recognised: The meaning of their columns.
        emails: The address that each row shows, in normal form.
    """
    columns = recognised.columns(*NAMES)
    if not columns:
        return pl.DataFrame({"told": [False] * frame.height, "cut": [False] * frame.height})
    whole = frame.select(pl.concat_str(pl.col(columns).fill_null(""), separator=" ").str.to_lowercase())
    names = pl.DataFrame({"name": whole.to_series(), "email": emails})
    distinct = names.filter(pl.col("email") != "").unique()
    told = [is_told(undo_double_encoding(name), email) for name, email in distinct.iter_rows()]
    marks = names.join(
        distinct.with_columns(pl.Series("told", told, dtype=pl.Boolean)), on=["name", "email"], how="left",
        maintain_order="left",
    ).select(pl.col("told").fill_null(value=False))  # fmt: skip
    lengths = frame.select(pl.col(columns).fill_null("").str.len_chars())
    cut = lengths.select(pl.any_horizontal((pl.all() == pl.all().max()) & (pl.all() > _LEAST_CUT)).alias("cut"))
    return marks.with_columns(cut.to_series())


def comparable(concept: Concept, values: pl.Series, today: date) -> pl.Series:
    """Return values of one meaning in comparison form; what is missing becomes an empty text.

    Args:
        concept: The meaning.
        values: One column.
        today: The day after which no two-digit year lies.
    """
    if concept is Concept.TOTAL_SALES:
        return _amounts(values)
    if concept is Concept.BIRTH_DATE:
        return _dates(values, today)
    if concept is Concept.COUNTRY:
        return _mapped(values, lambda text: country_of(text) or plain(text))
    if concept is Concept.POSTCODE:
        return _mapped(values, lambda text: re.sub(r"[\s-]+", "", plain(text)))
    return _mapped(values, plain)


def _mapped(values: pl.Series, form: Callable[[str], str]) -> pl.Series:
    """Apply `form` to each distinct value once."""
    unique = values.drop_nulls().unique()
    if unique.len() == 0:
        return values.fill_null("")
    forms = pl.Series([form(text) for text in unique.to_list()], dtype=pl.String)
    return values.replace_strict(unique, forms, default="", return_dtype=pl.String).fill_null("")


@lru_cache(maxsize=100_000)
def plain(text: str) -> str:
    """Return the comparison form of a text: letter case, width and blanks make no difference; empty if missing."""
    folded = " ".join(unicodedata.normalize("NFKC", undo_double_encoding(text[:2000])).casefold().split())
    return "" if folded in _MISSING else folded


def _amounts(values: pl.Series) -> pl.Series:
    """Return amounts as cents; the decimal sign is settled for the whole column."""
    bare = values.fill_null("").str.replace_all(r"[^0-9.,-]", "")
    is_comma = share_of(bare.str.contains(r",\d{1,2}$")) > share_of(bare.str.contains(r"\.\d{1,2}$"))
    thousands, decimal = (r"\.", ",") if is_comma else (",", ".")
    plain = bare.str.replace_all(thousands, "").str.replace(decimal, ".", literal=True)
    cents = (plain.cast(pl.Float64, strict=False) * 100).round().cast(pl.Int64, strict=False)
    return cents.cast(pl.String).fill_null("")


def _dates(values: pl.Series, today: date) -> pl.Series:
    """Return dates in ISO form, other texts folded."""
    read = date_reader(values, today)
    return _mapped(values, lambda text: read(text) or plain(text))
