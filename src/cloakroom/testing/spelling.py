"""Spell rows of the invented world as a shop would type them: the columns of a delivery, with all its mess.

Letter case, stray spaces, plus tags, typing errors, swapped first and last name, diacritics dropped, native or Latin
script, telephone numbers in national and international spelling, internationalised mail domains in Unicode or A-label
form. How a record is spelled depends only on the record (its `style` bits), so an unchanged value looks the same in
every version.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from cloakroom.testing.atlas import Atlas
from cloakroom.testing.people import EMAIL, KINDS, PHONE, TEST, Holdings, Population

if TYPE_CHECKING:
    from cloakroom.testing.people import Flags, Integers

__all__ = ["BrandHabits", "spell_records"]

DOMAIN_NAMES = pl.Series(
    [
        "example.com",
        "example.org",
        "example.net",
        "posta.example",
        "courriel.example",
        "mailbox.example",
        "web-post.example",
        "bücherpost.example",
    ]
)
A_LABEL = "xn--bcherpost-q9a.example"


@dataclass(frozen=True, slots=True)
class BrandHabits:
    """The way in which one brand's system holds things.

    Attributes:
        code: Three letters that begin its shops' codes.
        domain: The brand's own mail domain, for placeholder and test addresses.
        store_phone: The head shop's number, E.164, which staff type when a customer gives none.
        code_page: Whether the system only knows code page 1252.
    """

    code: str
    domain: str
    store_phone: str
    code_page: bool


@dataclass(frozen=True, slots=True)
class _Desk:
    """The state while rows are spelled: who they are about, and how each is habitually written."""

    atlas: Atlas
    population: Population
    person: Integers
    style: np.ndarray[Any, np.dtype[np.uint64]]
    habits: BrandHabits

    def bits(self, shift: int, width: int) -> Integers:
        return ((self.style >> np.uint64(shift)) & np.uint64((1 << width) - 1)).astype(np.int64)


def spell_records(
    atlas: Atlas, population: Population, holdings: Holdings, rows: Integers, habits: BrandHabits
) -> pl.DataFrame:
    """Return the delivered columns of `rows`, in the order given.

    Columns: given, family, email, phone, mobile, street, city, region, postcode, country, born (date or null),
    language, kind, store, spend (cents). Empty values are null.
    """
    person = holdings.person[rows]
    desk = _Desk(atlas, population, person, holdings.style[rows], habits)
    kind = holdings.kind[rows]
    country = population.country[person]
    columns = {
        **_spell_names(desk),
        "email": _spell_emails(desk, holdings.email[rows]),
        "phone": _spell_phones(desk, holdings.phone[rows], way=desk.bits(20, 3)),
        "mobile": _spell_phones(desk, holdings.mobile[rows], way=desk.bits(26, 3)),
        **_spell_addresses(desk, holdings.residence[rows]),
        "country": atlas.countries["code"].gather(country),
        "born": _masked(pl.Series(population.born[person].astype(np.int32)).cast(pl.Date), holdings.with_birth[rows]),
        "language": atlas.languages.gather(population.language[person]),
        "kind": pl.Series(KINDS).gather(kind),
        "store": _spell_stores(atlas, country, holdings.store[rows], habits),
        "spend": pl.Series(holdings.spend[rows]),
    }
    frame = pl.DataFrame(columns)
    tests = kind == TEST
    return _spell_tests(frame, tests, habits) if tests.any() else frame


def _masked(column: pl.Series, keep: Flags) -> pl.Series:
    return pl.select(pl.when(pl.Series(keep)).then(column)).to_series()


def _spell_names(desk: _Desk) -> dict[str, pl.Series]:
    """Script by three bits, diacritics by three, case by four, spaces by five, typing error and swap by six each."""
    atlas, population, person, habits = desk.atlas, desk.population, desk.person, desk.habits
    frame = pl.DataFrame(
        {
            "script": desk.bits(0, 3),
            "marks": desk.bits(3, 3),
            "case": desk.bits(6, 4),
            "space": desk.bits(10, 5),
            "slip": desk.bits(32, 6),
            "swap": desk.bits(38, 6),
        }
    )
    for part, pool, row in (("given", atlas.given, population.given), ("family", atlas.family, population.family)):
        number = row[person]
        proper = pool.narrow if habits.code_page else pool.latin
        native = proper if habits.code_page else pool.native
        frame = frame.with_columns(
            pl.when(pl.col("script") < 5)
            .then(native.gather(number))
            .when(pl.col("marks") == 0)
            .then(pool.plain.gather(number))
            .otherwise(proper.gather(number))
            .alias(part)
        )
    slipped = pl.col("family").str.slice(0, 2) + pl.col("family").str.slice(3)
    long_enough = (pl.col("slip") == 0) & (pl.col("family").str.len_chars() > 5)
    frame = frame.with_columns(pl.when(long_enough).then(slipped).otherwise(pl.col("family")).alias("family"))
    for part in ("given", "family"):
        name = pl.col(part)
        frame = frame.with_columns(
            pl.when(pl.col("case") == 0)
            .then(name.str.to_uppercase())
            .when(pl.col("case") == 1)
            .then(name.str.to_lowercase())
            .otherwise(name)
            .alias(part)
        )
    spaced = pl.when(pl.col("space") == 0).then(" " + pl.col("given")).when(pl.col("space") == 1)
    frame = frame.with_columns(spaced.then(pl.col("given") + "  ").otherwise(pl.col("given")).alias("given"))
    swapped = pl.col("swap") == 0
    frame = frame.select(
        pl.when(swapped).then(pl.col("family")).otherwise(pl.col("given")).alias("given"),
        pl.when(swapped).then(pl.col("given")).otherwise(pl.col("family")).alias("family"),
    )
    return {"given": frame["given"], "family": frame["family"]}


def _spell_emails(desk: _Desk, slot: Integers) -> pl.Series:
    atlas, population, person, habits = desk.atlas, desk.population, desk.person, desk.habits
    owner = population.mailbox[person]
    second = (slot == EMAIL["second"]).astype(np.int64)
    frame = pl.DataFrame(
        {
            "slot": slot,
            "given": atlas.given.local.gather(population.given[owner]),
            "family": atlas.family.local.gather(population.family[owner]),
            "number": pl.Series(population.first + owner).cast(pl.String),
            "pattern": population.pattern[second, owner],
            "domain": DOMAIN_NAMES.gather(population.domain[second, owner]),
            "mess": desk.bits(44, 6),
        }
    )
    given, family, number, mess = pl.col("given"), pl.col("family"), pl.col("number"), pl.col("mess")
    domain = pl.when((mess % 2) == 0).then(pl.col("domain").str.replace("bücherpost.example", A_LABEL, literal=True))
    local = (
        pl.when(pl.col("pattern") == 0)
        .then(given + "." + family + number)
        .when(pl.col("pattern") == 1)
        .then(given.str.slice(0, 1) + family + number)
        .when(pl.col("pattern") == 2)
        .then(family + "_" + given + number)
        .when(pl.col("pattern") == 3)
        .then(given + number)
        .when(pl.col("pattern") == 4)
        .then(family + number + "-2")
        .otherwise(given.str.slice(0, 1) + number + "." + family)
    )
    local = pl.when(mess == 7).then(local + "+news").otherwise(local)
    address = local + "@" + domain.otherwise(pl.col("domain"))
    spelled = (
        pl.when(mess == 1)
        .then(address.str.to_uppercase())
        .when(mess == 2)
        .then(" " + address)
        .when(mess == 3)
        .then(address + " ")
        .otherwise(address)
    )
    return frame.select(
        pl.when(pl.col("slot") == EMAIL["none"])
        .then(None)
        .when(pl.col("slot") == EMAIL["placeholder"])
        .then(pl.lit(f"noemail@{habits.domain}"))
        .when(pl.col("slot") == EMAIL["shared"])
        .then(pl.lit("na@example.com"))
        .otherwise(spelled)
        .alias("email")
    ).to_series()


def _spell_phones(desk: _Desk, slot: Integers, *, way: Integers) -> pl.Series:
    """E.164, international with spaces, with 00 where that country dials it, or national in three ways."""
    atlas, population, person, habits = desk.atlas, desk.population, desk.person, desk.habits
    owner = population.number[person]
    second = (slot == PHONE["second"]).astype(np.int64)
    countries = atlas.countries[population.country[owner]]
    digits = pl.Series(population.digits[second, owner]).cast(pl.String).str.zfill(8)
    frame = countries.with_columns(
        (atlas.prefixes.gather(population.prefix[second, owner]) + _tail(digits, countries["digits"])).alias(
            "number"
        ),
        pl.Series("slot", slot),
        pl.Series("way", way),
    )
    number, spelling = pl.col("number"), pl.col("way")
    spaced = number.str.slice(0, 3) + " " + number.str.slice(3, 3) + " " + number.str.slice(6)
    dashed = number.str.slice(0, 3) + "-" + number.str.slice(3)
    spelled = (
        pl.when(spelling < 2)
        .then("+" + pl.col("calling") + number)
        .when(spelling == 2)
        .then("+" + pl.col("calling") + " " + spaced)
        .when((spelling == 3) & (pl.col("idd") != ""))
        .then(pl.col("idd") + pl.col("calling") + " " + spaced)
        .when(spelling == 4)
        .then(pl.col("trunk") + spaced)
        .when(spelling == 5)
        .then(pl.col("trunk") + dashed)
        .otherwise(pl.col("trunk") + number)
    )
    return frame.select(
        pl.when(pl.col("slot") == PHONE["none"])
        .then(None)
        .when(pl.col("slot") == PHONE["store"])
        .then(pl.lit(habits.store_phone))
        .otherwise(spelled)
        .alias("phone")
    ).to_series()


def _tail(digits: pl.Series, wanted: pl.Series) -> pl.Series:
    frame = pl.DataFrame({"digits": digits, "wanted": wanted})
    return frame.select(pl.col("digits").str.slice(0, pl.col("wanted"))).to_series()


def _spell_addresses(desk: _Desk, residence: Integers) -> dict[str, pl.Series]:
    atlas, population, person, habits = desk.atlas, desk.population, desk.person, desk.habits
    slot = np.minimum(residence, 1)
    places = atlas.places[population.place[slot, person]]
    streets = atlas.streets[population.street[slot, person]]
    frame = pl.DataFrame(
        {
            "given": pl.Series(residence != 2),
            "extra": desk.bits(50, 6),
            "native": pl.Series(desk.bits(0, 3) < 5),
            "number": pl.Series(population.house[slot, person]).cast(pl.String),
            "street": streets["street_narrow" if habits.code_page else "street"],
            "city": places["city_narrow" if habits.code_page else "city"],
            "city_native": places["city_narrow" if habits.code_page else "city_native"],
            "region": places["subdivision"],
        }
    ).with_columns(atlas.countries["number_first"].gather(population.country[person]).alias("number_first"))
    line = (
        pl.when(pl.col("number_first"))
        .then(pl.col("number") + " " + pl.col("street"))
        .otherwise(pl.col("street") + " " + pl.col("number"))
    )
    extra = pl.col("extra")
    street = (
        pl.when(extra == 0)
        .then(line + ', "2nd floor"')
        .when(extra == 1)
        .then(line + "\nc/o reception; left door")
        .when(extra < 8)
        .then(line + ", " + (extra + 1).cast(pl.String))
        .otherwise(line)
    )
    present = pl.col("given")
    city = pl.when(pl.col("native")).then(pl.col("city_native")).otherwise(pl.col("city"))
    spelled = frame.select(
        pl.when(present).then(street).alias("street"),
        pl.when(present).then(city).alias("city"),
        pl.when(present & (pl.col("region") != "")).then(pl.col("region")).alias("region"),
    )
    postcodes = atlas.postcodes.gather(population.postcode[slot, person])
    return {
        "street": spelled["street"],
        "city": spelled["city"],
        "region": spelled["region"],
        "postcode": _masked(postcodes, residence != 2),
    }


def _spell_stores(atlas: Atlas, country: Integers, store: Integers, habits: BrandHabits) -> pl.Series:
    frame = pl.DataFrame({"country": atlas.countries["code"].gather(country), "store": store})
    shop = f"{habits.code}-" + pl.col("country") + "-0" + pl.col("store").cast(pl.String)
    return frame.select(pl.when(pl.col("store") == 0).then(pl.lit(f"{habits.code}-WEB")).otherwise(shop)).to_series()


def _spell_tests(
    frame: pl.DataFrame, tests: np.ndarray[Any, np.dtype[np.bool_]], habits: BrandHabits
) -> pl.DataFrame:
    test = pl.Series(tests)
    return frame.with_columns(
        pl.when(test).then(pl.lit("TEST")).otherwise(pl.col("given")).alias("given"),
        pl.when(test).then(pl.lit("TEST")).otherwise(pl.col("family")).alias("family"),
        pl.when(test).then(pl.lit(f"test@{habits.domain}")).otherwise(pl.col("email")).alias("email"),
        pl.when(test).then(pl.lit("customer")).otherwise(pl.col("kind")).alias("kind"),
    )
