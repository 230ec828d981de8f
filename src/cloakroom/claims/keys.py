"""Normal forms of whole columns at once: e-mail addresses, telephone numbers, record ids.

The forms are those of `cloakroom.canonical`. What almost every value looks like is settled by one vectorised pattern
that accepts only values whose normal form is evident; the rest goes to `canonical`, each distinct value once.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
import polars as pl
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

from cloakroom.canonical.email import canonical_emails
from cloakroom.canonical.phone import canonical_phones, is_region
from cloakroom.canonical.phone_spellings import WHOLE_NUMBER
from cloakroom.canonical.salesforce_ids import long_ids

_SEPARATORS = "[ .()/\u00a0-]+"
_PUBLIC_LOCAL = re.compile(r"[a-z0-9](?:[a-z0-9_+.-]{0,62}[a-z0-9])?")
_PUBLIC_DOMAIN = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)+")
_REGIONS_MAX = 40
_LIBRARY_MAX = 20_000
_BEGINNING_DIGITS = 4
_BEGINNINGS = 10**_BEGINNING_DIGITS
_DIGITS_MAX = 19  # Longer than numbers are; what has as many is left to the library, and fits into 64 bits.
_SCALES = np.array([10 ** max(digits - _BEGINNING_DIGITS, 0) for digits in range(_DIGITS_MAX + 1)], np.uint64)
_SURE, _DOUBTFUL = 1, 2
_USUAL_REGIONS = (
    "IT",
    "FR",
    "GB",
    "US",
    "DE",
    "JP",
    "KR",
    "ES",
    "CN",
    "NL",
    "CH",
    "HK",
    "AE",
    "AU",
    "SA",
    "SG",
    "BR",
    "TR",
    "MX",
    "BE",
    "AT",
    "PT",
    "IN",
)


@lru_cache(maxsize=1)
def top_level_domains() -> frozenset[str]:
    """Return IANA's list of top-level domains, version 2026100300."""
    text = files("cloakroom.claims").joinpath("tlds.json").read_text("utf-8")
    return frozenset(json.loads(text))


@lru_cache(maxsize=1)
def _plain_email() -> str:
    """Return the pattern of addresses that are their own normal form and valid under the public rule too."""
    endings = "|".join(sorted(name for name in top_level_domains() if name.isalpha()))
    label = "[a-z0-9]+(?:-[a-z0-9]+)*"
    return rf"^[a-z0-9]+(?:[._+-][a-z0-9]+)*@(?:{label}\.)+(?:{endings})$"


def email_keys(values: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return the normal form of each address, null where there is none, and whether the public rule finds it too.

    The public rule is that of the extractor whose counts the press quotes (HaveIBeenPwned/EmailAddressExtractor):
    ASCII only, a local part of letters, digits and ``_-+.`` that begins and ends with a letter or digit, no two
    dots, a domain without two signs in a row, a top-level domain of IANA's list, none beginning with ``xn--``.
    """
    pattern = _plain_email()
    plain = (values.str.contains(pattern) & (values.str.len_bytes() <= 64)).fill_null(value=False)
    if plain.all():
        return values, plain
    odd = ~plain & (values != "").fill_null(value=False)
    folded = values
    if odd.any():  # Most addresses are written in their normal form; only the others are worth the work.
        places = odd.arg_true()
        lower = values.filter(odd).str.strip_chars().str.to_lowercase()
        is_plain = lower.str.contains(pattern) & (lower.str.len_bytes() <= 64)
        folded = values.clone().scatter(places, lower)
        plain = plain.clone().scatter(places, is_plain)
    rest = values.filter(~plain & folded.is_not_null() & (folded != "")).unique()
    if rest.len() == 0:
        return pl.select(pl.when(plain).then(folded)).to_series(), plain
    forms = canonical_emails(rest.to_list())
    ours = pl.Series(forms, dtype=pl.String)
    public = pl.Series([form is not None and in_public_form(form) for form in forms], dtype=pl.Boolean)
    mapped = values.replace_strict(rest, ours, default=None, return_dtype=pl.String)
    known = values.replace_strict(rest, public, default=False, return_dtype=pl.Boolean)
    return folded.zip_with(plain, mapped), plain | known.fill_null(value=False)


def in_public_form(address: str) -> bool:
    """Return whether the public extraction rule finds this address, given in its normal form."""
    local, _, domain = address.rpartition("@")
    return (
        len(address) <= 255
        and _PUBLIC_LOCAL.fullmatch(local) is not None
        and ".." not in local
        and _PUBLIC_DOMAIN.fullmatch(domain) is not None
        and domain.rpartition(".")[2] in top_level_domains()
        and not any(label.startswith("xn--") for label in domain.split("."))
    )


def phone_keys(values: pl.Series, countries: pl.Series) -> pl.Series:
    """Return each number as E.164, null where it is none.

    Args:
        values: Numbers as written.
        countries: ISO 3166 code of the country whose national form each number may have, or null.
    """
    rows = pl.DataFrame({"row": pl.arange(0, values.len(), eager=True, dtype=pl.UInt32)})
    return rows.join(phone_pairs(values, countries), on="row", how="left", maintain_order="left")["key"]


def phone_pairs(values: pl.Series, countries: pl.Series) -> pl.DataFrame:
    """Return ``row`` and ``key``, the E.164 form, of each number that is one, in no particular order."""
    is_done = _is_international(values)  # As written: most carry no separators.
    if is_done.all():
        return pl.DataFrame({"row": pl.arange(0, values.len(), eager=True, dtype=pl.UInt32), "key": values})
    found = [pl.DataFrame({"row": is_done.arg_true(), "key": values.filter(is_done)})]
    rows = (~is_done & (values != "")).fill_null(value=False).arg_true()
    texts = values.gather(rows).str.replace(WHOLE_NUMBER, "$1$2")
    rest = pl.DataFrame({"row": rows, "text": texts, "bare": _bare(texts), "country": countries.gather(rows)})
    is_done = _is_international(rest["bare"])
    found.append(rest.filter(is_done).select("row", pl.col("bare").alias("key")))
    others = rest.filter(~is_done & (rest["bare"] != "")).partition_by("country", as_dict=True, maintain_order=False)
    found.extend(_national(part, str(code[0]) if code[0] else None) for code, part in others.items())
    return pl.concat(found)


def _is_international(values: pl.Series) -> pl.Series:
    """Return for each number whether it is in E.164 form already, beyond doubt."""
    numbers = values.cast(pl.UInt64, strict=False).fill_null(0).to_numpy()
    digits = (values.str.len_bytes().fill_null(0).to_numpy().astype(np.int64) - 1).clip(0, _DIGITS_MAX)
    # A number with zeros in front is smaller than its length says, and begins like none.
    beginnings = (numbers // _SCALES.take(digits)).astype(np.int64)
    beginnings[beginnings >= _BEGINNINGS] = 0  # Longer than any telephone number.
    kinds = _beginnings().take(digits * _BEGINNINGS + beginnings)
    has_sign = values.str.starts_with("+").fill_null(value=False)
    is_form = has_sign & pl.Series(kinds == _SURE)
    is_doubtful = kinds == _DOUBTFUL
    if not is_doubtful.any():
        return is_form
    places = (has_sign & pl.Series(is_doubtful)).arg_true()
    return is_form.scatter(places, ~values.gather(places).str.contains(_trunks()))


def _bare(values: pl.Series) -> pl.Series:
    """Return the numbers without separators; most have none but blanks, which come off much faster."""
    bare = values.str.replace_all(" ", "", literal=True)
    others = bare.str.contains(_SEPARATORS).fill_null(value=False)
    if not others.any():
        return bare
    if 4 * int(others.sum()) > others.len():
        return bare.str.replace_all(_SEPARATORS, "")
    return bare.scatter(others.arg_true(), bare.filter(others).str.replace_all(_SEPARATORS, ""))


def narrow_digits(values: pl.Series) -> pl.Series:
    """Return numbers with the wide digits and signs of East Asia in their common form."""
    is_wide = (values.str.len_bytes() > values.str.len_chars()).fill_null(value=False)
    if not is_wide.any():
        return values
    narrow = [unicodedata.normalize("NFKC", text) for text in values.filter(is_wide).to_list()]
    return values.scatter(is_wide.arg_true(), pl.Series(narrow, dtype=pl.String))


def possible_numbers(values: pl.Series, keys: pl.Series, regions: Sequence[str] = ()) -> pl.DataFrame:
    """Return what national numbers without a country may be in the countries that the column speaks of.

    Args:
        values: Numbers as written.
        keys: Their E.164 forms where these are known; the countries are taken from them.
        regions: Further countries that they may be of.

    Returns:
        ``row`` and ``key``, several for one row.
    """
    values = narrow_digits(values).str.replace(WHOLE_NUMBER, "$1$2")
    bare = values.str.replace_all(_SEPARATORS, "")
    is_open = (keys.is_null() & bare.str.contains(r"^[0-9]{7,15}$")).fill_null(value=False)
    if not is_open.any():
        return pl.DataFrame(schema={"row": pl.UInt32, "key": pl.String})
    rows = pl.DataFrame({"row": is_open.arg_true(), "text": values.filter(is_open), "bare": bare.filter(is_open)})
    parts = [
        (_by_plan(rows, plan) if plan.is_literal or rows.height > _LIBRARY_MAX else _national(rows, region)).select(
            "row", "key"
        )
        for region in dict.fromkeys((*_regions_of(keys), *regions))
        if (plan := _plan(region))
    ]
    abroad = rows.filter(pl.col("bare").str.starts_with("00"))  # The international prefix of most countries.
    dialled = abroad.select(pl.lit("+") + pl.col("bare").str.slice(2)).to_series()
    further = phone_pairs(dialled, pl.Series([None] * dialled.len(), dtype=pl.String))
    parts.append(further.select(abroad["row"].gather(further["row"]).alias("row"), "key"))
    return pl.concat(parts).drop_nulls().unique()


def _regions_of(keys: pl.Series) -> list[str]:
    """Return the countries of at least one number in five hundred; a usual list where there are no numbers."""
    starts = keys.drop_nulls().str.slice(1, 3).value_counts()
    counts: dict[str, int] = {}
    for digits, count in starts.iter_rows():
        for size in (1, 2, 3):
            if regions := COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:size])):
                counts[regions[0]] = counts.get(regions[0], 0) + count
                break
    total = sum(counts.values())
    often = [region for region, count in sorted(counts.items(), key=lambda item: -item[1]) if count * 500 >= total]
    return often[:_REGIONS_MAX] if total >= _REGIONS_MAX else list(_USUAL_REGIONS)


def _by_plan(part: pl.DataFrame, plan: _Plan) -> pl.DataFrame:
    """Add the E.164 form, as ``key``, of those numbers that are national numbers of a plan beyond doubt."""
    bare = pl.col("bare")
    bare = pl.when(~bare.str.contains(plan.abroad)).then(bare) if plan.abroad else bare
    rest = bare.str.slice(len(plan.trunk))
    if plan.prefix is None:
        has_trunk, has_none = pl.lit(value=False), pl.lit(value=True)
    elif plan.is_literal:
        has_trunk = bare.str.starts_with(plan.trunk)
        has_none = ~has_trunk
    else:
        prefix = bare.str.extract(plan.prefix, 0).fill_null("")
        has_trunk, has_none = prefix == plan.trunk, prefix == ""
    number = pl.when(has_trunk).then(rest).when(has_none).then(bare)
    fits = number.str.contains(plan.general) & number.str.len_bytes().is_in(plan.lengths)
    return part.with_columns(pl.when(fits).then(pl.lit(plan.code) + number).alias("key"))


def _national(part: pl.DataFrame, region: str | None) -> pl.DataFrame:
    """Return row and E.164 form of the numbers of one country."""
    known = region if region is not None and is_region(region) else None
    plan = _plan(known) if known else None
    keyed = _by_plan(part, plan) if plan is not None else part.with_columns(pl.lit(None, pl.String).alias("key"))
    done = keyed.filter(pl.col("key").is_not_null()).select("row", "key")
    rest = keyed.filter(pl.col("key").is_null()).select("row", "text")
    if rest.height == 0:
        return done
    unique = rest["text"].unique()
    forms = pl.DataFrame(
        {
            "text": unique,
            "key": pl.Series(canonical_phones(unique.to_list(), [known] * unique.len()), dtype=pl.String),
        }
    )
    further = rest.join(forms.drop_nulls(), on="text").select("row", "key")
    return pl.concat([done, further])


def _at_start(pattern: str) -> str:
    return "^(?:" + pattern.replace(r"\d", "[0-9]") + ")"


@dataclass(frozen=True, slots=True)
class _Calling:
    """A country calling code: how long the numbers under it are, and what dialling inside puts before them."""

    code: str
    trunk: str | None
    lengths: frozenset[int]

    @property
    def has_simple_trunk(self) -> bool:
        """Return whether at most one digit, always the same, stands before a number dialled inside."""
        return self.trunk is None or (len(self.trunk) == 1 and self.trunk.isdigit())


@lru_cache(maxsize=1)
def _callings() -> tuple[_Calling, ...]:
    """Return all country calling codes."""
    found = []
    for code, regions in COUNTRY_CODE_TO_REGION_CODE.items():
        metadata = PhoneMetadata.metadata_for_region(regions[0], None)
        if metadata is None or metadata.general_desc is None:
            continue
        lengths = set(metadata.general_desc.possible_length) - set(metadata.general_desc.possible_length_local_only)
        trunk = metadata.national_prefix_for_parsing
        found.append(_Calling(str(code), trunk, frozenset(length for length in lengths if length > 5)))
    return tuple(found)


@lru_cache(maxsize=1)
def _beginnings() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return what numbers are, by the count of digits times `_BEGINNINGS` plus the first four of them.

    Those that are sure are E.164 beyond doubt. Doubtful ones are so unless they fit `_trunks`: numbers that go on
    with a trunk prefix are left to the library, since people write ``+44 (0)20``.
    """
    kinds = np.zeros((_DIGITS_MAX + 1, _BEGINNINGS), np.uint8)
    for calling in _callings():
        unknown = _BEGINNING_DIGITS - len(calling.code)
        first = int(calling.code) * 10**unknown
        beginnings = [
            number for number in range(first, first + 10**unknown)
            if not calling.has_simple_trunk or str(number)[len(calling.code)] != calling.trunk
        ]  # fmt: skip
        for length in calling.lengths:
            if len(calling.code) + length < _DIGITS_MAX:
                kinds[len(calling.code) + length, beginnings] = _SURE if calling.has_simple_trunk else _DOUBTFUL
    return kinds.reshape(-1)


@lru_cache(maxsize=1)
def _trunks() -> str:
    """Return a pattern of numbers that go on with a trunk prefix of more than one digit."""
    parts = [f"{one.code}(?:{one.trunk})" for one in _callings() if not one.has_simple_trunk]
    return rf"^\+(?:{'|'.join(parts)})".replace(r"\d", "[0-9]")


@dataclass(frozen=True, slots=True)
class _Plan:
    """A numbering plan as patterns: how numbers look, what may stand before them, how long they are."""

    code: str
    trunk: str
    prefix: str | None
    is_literal: bool
    general: str
    abroad: str | None
    lengths: list[int]


@lru_cache(maxsize=512)
def _plan(region: str) -> _Plan | None:
    metadata = PhoneMetadata.metadata_for_region(region, None)
    if metadata is None or metadata.general_desc is None or not metadata.general_desc.national_number_pattern:
        return None
    regions = COUNTRY_CODE_TO_REGION_CODE.get(metadata.country_code or 0)
    main = PhoneMetadata.metadata_for_region(regions[0], None) if regions else None
    if main is None or main.general_desc is None:
        return None
    prefix = metadata.national_prefix_for_parsing
    lengths = set(metadata.general_desc.possible_length) - set(metadata.general_desc.possible_length_local_only)
    lengths &= set(main.general_desc.possible_length) - set(main.general_desc.possible_length_local_only)
    general = metadata.general_desc.national_number_pattern.replace(r"\d", "[0-9]")
    abroad = metadata.international_prefix
    return _Plan(
        code=f"+{metadata.country_code}",
        trunk=metadata.national_prefix or "",
        prefix=_at_start(prefix) if prefix else None,
        is_literal=prefix is not None and prefix == metadata.national_prefix,
        general=f"^(?:{general})$",
        abroad=_at_start(abroad) if abroad else None,
        lengths=sorted(length for length in lengths if length >= 5),
    )


def id_keys(values: pl.Series) -> pl.Series:
    """Return each record id in one form: Salesforce ids with 18 characters and their case restored, others trimmed.

    The last three of 18 characters say which of the first 15 are capitals (Salesforce, "ID field type"); they undo a
    change of letter case, and are computed for ids of 15.
    """
    bare = values.str.strip_chars()
    bare = pl.select(pl.when(bare != "").then(bare)).to_series()
    is_id = bare.str.contains(r"^[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?$").fill_null(value=False)
    is_id &= bare.str.contains(r"[A-Za-z]").fill_null(value=False)
    if not bool(is_id.any()):
        return bare
    chosen = bare.filter(is_id)
    unique = chosen.unique()
    forms = pl.Series(long_ids(unique.to_list()), dtype=pl.String)
    if unique.len() == bare.len() and bool(is_id.all()):
        return pl.Series(long_ids(bare.to_list()), dtype=pl.String)
    return bare.replace_strict(unique, forms, default=bare, return_dtype=pl.String)
