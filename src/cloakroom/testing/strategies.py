"""Hypothesis strategies for what customers' systems hold: names, addresses, telephone numbers, records, untidy CSV.

The only module that needs hypothesis, which is not a dependency of the product. Everything drawn is invented.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field

from hypothesis import strategies as st

from cloakroom.testing.atlas import load_atlas

__all__ = ["CsvText", "csv_texts", "emails", "names", "phones", "record_sets", "records", "untidy"]

_DOMAINS = (
    "example.com",
    "example.org",
    "example.net",
    "posta.example",
    "bücherpost.example",
    "xn--bcherpost-q9a.example",
)
_LOCAL_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789._-+'"
_ORDINAL_MAX = 2**32 - 1


@dataclass(frozen=True, slots=True)
class CsvText:
    """A CSV file as bytes, and what a reader must find in it.

    Attributes:
        data: The bytes.
        rows: Header and rows as written.
        encoding: Of the bytes.
        delimiter: Between fields.
    """

    data: bytes = field(repr=False)
    rows: tuple[tuple[str, ...], ...]
    encoding: str
    delimiter: str


def untidy(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Type `values` as people do: another letter case, stray spaces."""
    spaces = st.sampled_from(["", "", "", " ", "  ", "\t", "\u00a0"])
    cases = st.sampled_from([str, str, str.upper, str.lower, str.title])
    return st.builds(lambda value, case, before, after: before + case(value) + after, values, cases, spaces, spaces)


def names() -> st.SearchStrategy[tuple[str, str]]:
    """Return given and family names, in native or Latin script, with or without diacritics, of one culture."""
    atlas = load_atlas()

    def of_culture(culture: int) -> st.SearchStrategy[tuple[str, str]]:
        parts = []
        for pool in (atlas.given, atlas.family):
            first, count = int(pool.first[culture]), int(pool.count[culture])
            column = st.sampled_from([pool.native, pool.latin, pool.plain])
            row = st.integers(first, first + count - 1)
            parts.append(st.builds(lambda series, number: str(series[number]), column, row))
        return st.tuples(*parts)

    return st.integers(0, len(atlas.given.first) - 1).flatmap(of_culture)


def emails() -> st.SearchStrategy[str]:
    """Return addresses at reserved domains: dots, tags, apostrophes, capitals, Unicode and A-label domains."""
    middle = st.text(_LOCAL_LETTERS, max_size=20)
    edge = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=3)
    local = st.builds(lambda start, inner, end: start + inner.replace("..", ".") + end, edge, middle, edge)
    address = st.builds(lambda name, domain: f"{name}@{domain}", local, st.sampled_from(_DOMAINS))
    return st.one_of(address, address.map(str.upper), address.map(lambda text: f" {text} "))


def phones() -> st.SearchStrategy[tuple[str, str, str]]:
    """Return (spelling, country, E.164) of mobile numbers, written in national or international form."""
    atlas = load_atlas()

    def of_country(number: int) -> st.SearchStrategy[tuple[str, str, str]]:
        row = atlas.countries.row(number, named=True)
        first, count = int(atlas.prefix_rows[0][number]), int(atlas.prefix_rows[1][number])
        prefix = st.sampled_from(atlas.prefixes[first : first + count].to_list())
        digits = st.text("0123456789", min_size=row["digits"], max_size=row["digits"])
        whole = st.builds(str.__add__, prefix, digits)
        ways = [f"+{row['calling']}", f"+{row['calling']} ", row["trunk"]]
        if row["idd"]:
            ways.append(row["idd"] + row["calling"])
        separators = st.sampled_from(["", " ", "-", "."])
        return st.builds(
            lambda national, way, sign: (
                way + national[:3] + sign + national[3:],
                row["code"],
                f"+{row['calling']}{national}",
            ),
            whole,
            st.sampled_from(ways),
            separators,
        )

    return st.integers(0, len(atlas.weights) - 1).flatmap(of_country)


def records() -> st.SearchStrategy[dict[str, str | None]]:
    """Return records by field name, values untidy or missing."""
    plain = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=30)

    def build(
        name: tuple[str, str], phone: tuple[str, str, str], email: str | None, street: str, cents: int
    ) -> dict[str, str | None]:
        return {
            "given_name": name[0],
            "family_name": name[1],
            "email": email,
            "mobile": phone[0],
            "country": phone[1],
            "street": street or None,
            "spend_total": f"{cents // 100}.{cents % 100:02d}",
        }

    return st.builds(build, names(), phones(), st.none() | emails(), plain, st.integers(0, 10_000_000))


def record_sets(*, ordinals_max: int = 200) -> st.SearchStrategy[frozenset[int]]:
    """Return sets of record ordinals: small and dense, sometimes with the largest that exist."""
    small = st.integers(0, ordinals_max)
    return st.frozensets(st.one_of(small, small, small, st.integers(_ORDINAL_MAX - 3, _ORDINAL_MAX)), max_size=60)


def csv_texts(*, columns_max: int = 6, rows_max: int = 12) -> st.SearchStrategy[CsvText]:
    """Return well-formed CSV in many dialects: delimiters, encodings, line ends, quotes, line feeds inside values."""
    encodings = st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"])
    return st.builds(
        _write_csv,
        st.data(),
        encodings,
        st.sampled_from([",", ";", "\t", "|"]),
        st.sampled_from(["\n", "\r\n"]),
        size=st.tuples(st.integers(1, columns_max), st.integers(0, rows_max)),
    )


def _write_csv(
    data: st.DataObject, encoding: str, delimiter: str, line_end: str, *, size: tuple[int, int]
) -> CsvText:
    columns, rows = size
    codec = "cp1252" if encoding == "cp1252" else "utf-8"
    letters = st.characters(codec=codec, exclude_categories=("Cc", "Cs")) | st.sampled_from("\",;\t'|")
    value = st.one_of(st.text(letters, max_size=12), st.sampled_from(['a "quoted" word', "two\nlines", "", " "]))
    header = tuple(f"column {number}" for number in range(columns))
    body = [tuple(data.draw(value) for _ in range(columns)) for _ in range(rows)]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerows([header, *body])
    return CsvText(text.getvalue().encode(encoding), (header, *body), encoding, delimiter)
