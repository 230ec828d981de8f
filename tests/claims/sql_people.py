"""People in SQL: the same few, as texts of either family of dialects and as lists of values."""

from __future__ import annotations

from collections.abc import Callable

from memory_dump import open_bytes

Person = tuple[str, str, str, str]
LISTED = "id, name, mail, note"
PEOPLE: list[Person] = [
    (str(1000 + n), f"Ada {n} O'Neil", f"ada.{n}@example.org", f"said; 'so' ({n}),\n-- no /* remark */ \"here\"")
    for n in range(6)
]


def doubled(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def slashed(text: str) -> str:
    for sign, escape in (("\\", "\\\\"), ("'", "\\'"), ('"', '\\"'), ("\n", "\\n")):
        text = text.replace(sign, escape)
    return f"'{text}'"


def values(person: Person, quoted: Callable[[str], str] = doubled) -> str:
    return ", ".join(map(quoted, person))


def rows(quoted: Callable[[str], str] = doubled, between: str = ",\n", row: str = "({})") -> str:
    return between.join(row.format(values(person, quoted)) for person in PEOPLE)


def each(statement: Callable[[Person], str]) -> str:
    return "".join(map(statement, PEOPLE))


def into(listed: str) -> str:
    return f"INSERT INTO c ({LISTED}) VALUES ({listed})"


def read(text: str) -> tuple[str, list[tuple[str | None, ...]], int]:
    reading = open_bytes(text.encode())
    batches = list(reading.batches)
    found = [row for batch in batches for row in batch.whole().rows()]
    return reading.format, found, sum(batch.rejected for batch in batches)
