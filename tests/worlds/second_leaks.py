"""Alleged dumps of the second group, in many forms, each with the truth about it.

A `Leak` gathers rows from the history, writes them in some form and remembers what a check must find. The columns
are chosen per leak; spelling and headers are those of people who take and sell data, not of the systems.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import py7zr
import xlsxwriter
import zstandard
from second_people import History, Record, Values
from second_systems import COUNTRY_WORDS, row_of

Row = dict[str, str]
Pair = tuple[Record, Values]
FIELDS = {
    "id": "record_id", "name": "name", "given": "name", "family": "name", "email": "email", "mobile": "phone",
    "phone": "phone", "street": "address", "city": "address", "region": "address", "postcode": "address",
    "born": "birth_date", "language": "language", "kind": "kind", "store": "store", "spend": "total_sales",
    "gender": "gender",
}  # fmt: skip


@dataclass
class Truth:
    """What a check must find."""

    rows: int = 0
    rejected: int = 0
    emails: set[str] = field(default_factory=set)
    legible: set[str] = field(default_factory=set)
    records: dict[str, set[str]] = field(default_factory=dict)
    people: set[int] = field(default_factory=set)
    fields: dict[str, set[str]] = field(default_factory=dict)
    moments: dict[str, list[tuple[datetime, int]]] = field(default_factory=dict)
    verdict: str = "genuine"

    def add(self, pairs: Iterable[Pair], columns: Iterable[str], moment: datetime, *, known_ids: bool = True) -> None:
        """Count rows that show records as they stood at a moment."""
        pairs, columns = list(pairs), list(columns)
        for record, values in pairs:
            self.rows += 1
            self.records.setdefault(record.brand, set()).add(record.id)
            if record.person is not None:
                self.people.add(record.person)
            if "email" in columns:
                self.emails.update(typed.normal for typed in values.emails[:1] if typed.normal)
        for brand in {record.brand for record, _ in pairs}:
            shown = self.fields.setdefault(brand, set())
            shown.update(FIELDS[name] for name in columns if name in FIELDS)
            count = sum(record.brand == brand for record, _ in pairs)
            self.moments.setdefault(brand, []).append((moment, count))


def taken(history: History, brand: str, moment: datetime, count: int | None = None, seed: int = 1) -> list[Pair]:
    """Return the records of a brand as they stood at a moment, all or some, in the order of the system."""
    pairs = [(record, values) for record in history.live(brand, moment) if (values := record.at(moment)) is not None]
    return pairs if count is None else random.Random(seed).sample(pairs, min(count, len(pairs)))


def tidy(record: Record, values: Values, dates: str = "%Y-%m-%d") -> Row:
    """Return everything that a row can show, by plain names."""
    amount = values.spend if record.brand == "kaede" else values.spend / 100
    words = COUNTRY_WORDS.get(record.brand, {})
    return {
        "id": record.id, "given": values.given, "family": values.family,
        "name": f"{values.given} {values.family}", "email": values.emails[0].text if values.emails else "",
        "mobile": values.phones[0].text if values.phones else "",
        "phone": values.phones[1].text if len(values.phones) > 1 else "",
        "street": values.street, "city": values.city, "region": values.region, "postcode": values.postcode,
        "country": values.country, "country_name": words.get(values.country, values.country),
        "born": values.born.strftime(dates) if values.born else "", "language": values.language,
        "kind": values.kind, "store": values.store, "spend": f"{amount:.2f}", "gender": values.gender,
    }  # fmt: skip


def system_rows(pairs: Sequence[Pair], moment: datetime) -> list[Row]:
    """Return rows as the brand's own system exports them."""
    return [row_of(record, values, record.modified(moment)) for record, values in pairs]


def columns_of(rows: Iterable[Row], headers: dict[str, str]) -> list[Row]:
    """Keep the columns that `headers` names, under the names that it gives."""
    return [{header: row[name] for name, header in headers.items()} for row in rows]


def foreign(count: int, seed: int = 5) -> list[Row]:
    """Return invented people that no brand knows, as `tidy` returns its rows."""
    pick = random.Random(seed)
    rows = []
    for number in range(count):
        given, family = (
            pick.choice(["Ines", "Otto", "Lia", "Tom"]),
            pick.choice(["Quendel", "Zander", "Ulrich", "Yorke"]),
        )
        row = dict.fromkeys(FIELDS, "") | {"country_name": "", "country": "AT", "given": given, "family": family}
        row |= {
            "name": f"{given} {family}",
            "id": f"99{number:010d}",
            "city": "Linz",
            "spend": f"{pick.random() * 500:.2f}",
        }
        rows.append(
            row | {"email": f"{given}.{family}.{number}@elsewhere.example".lower(), "mobile": f"+43664{number:07d}"}
        )
    return rows


def csv_text(rows: Sequence[Row], delimiter: str = ",", line_end: str = "\n", *, header: bool = True) -> str:
    """Write rows as CSV, quoted where needed."""
    lines = [list(row.values()) for row in rows]
    if header:
        lines.insert(0, list(rows[0]))

    def cell(text: str) -> str:
        needs = any(sign in text for sign in (delimiter, '"', "\n"))
        return '"' + text.replace('"', '""') + '"' if needs else text

    return "".join(delimiter.join(map(cell, line)) + line_end for line in lines)


def _nested(row: Row) -> dict[str, object]:
    nested: dict[str, object] = {}
    for name, value in row.items():
        *path, last = name.split(".")
        inner = nested
        for step in path:
            inner = inner.setdefault(step, {})  # type: ignore[assignment]
        inner[last] = value or None
    return nested


def json_array(rows: Sequence[Row]) -> str:
    """Write an indented array; names with dots become nested objects."""
    return json.dumps({"exported": "yes", "items": [_nested(row) for row in rows]}, ensure_ascii=False, indent=1)


def json_lines(rows: Sequence[Row]) -> str:
    """Write one object a line."""
    return "".join(json.dumps(_nested(row)) + "\n" for row in rows)


def mysql(rows: Sequence[Row], table: str = "customers") -> str:
    """Write a MySQL dump with extended inserts."""

    def literal(text: str) -> str:
        return "NULL" if not text else "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"

    names = ",\n".join(f"  `{name}` varchar(255) DEFAULT NULL" for name in rows[0])
    key = f"KEY `k` (`{next(iter(rows[0]))}`)"
    head = (
        f"-- dump\nDROP TABLE IF EXISTS `{table}`;\nCREATE TABLE `{table}` (\n{names},\n  {key}\n) ENGINE=InnoDB;\n"
    )
    parts = [head]
    for start in range(0, len(rows), 100):
        values = ",".join("(" + ",".join(map(literal, row.values())) + ")" for row in rows[start : start + 100])
        parts.append(f"INSERT INTO `{table}` VALUES {values};\n")
    return "".join(parts)


def postgres_copy(rows: Sequence[Row]) -> str:
    """Write a block of COPY."""
    names = ", ".join(f'"{name}"' for name in rows[0])
    lines = [
        "\t".join(value.replace("\\", "\\\\").replace("\t", "\\t") or "\\N" for value in row.values()) for row in rows
    ]
    return f"SET client_encoding = 'UTF8';\nCOPY crm.clients ({names}) FROM stdin;\n" + "\n".join(lines) + "\n\\.\n\n"


def xlsx(rows: Sequence[Row]) -> bytes:
    """Write a workbook with a title above the table."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet("клиенты")
    for at, line in enumerate([list(rows[0]), *(list(row.values()) for row in rows)]):
        for column, value in enumerate(line):
            if value:
                sheet.write_string(at, column, value)
    book.close()
    return out.getvalue()


def parquet(rows: Sequence[Row]) -> bytes:
    """Write a flat Parquet file."""
    out = io.BytesIO()
    pl.DataFrame(rows).write_parquet(out)
    return out.getvalue()


def bson(rows: Sequence[Row]) -> bytes:
    """Write documents as mongodump does."""
    return b"".join(_document(_nested(row)) for row in rows)


def _document(item: dict[str, object]) -> bytes:
    body = b""
    for name, value in item.items():
        key = name.encode() + b"\0"
        if isinstance(value, str):
            text = value.encode() + b"\0"
            body += b"\x02" + key + struct.pack("<i", len(text)) + text
        elif isinstance(value, dict):
            body += b"\x03" + key + _document(value)
        else:
            body += b"\x0a" + key
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def yaml(rows: Sequence[Row]) -> str:
    """Write a YAML list."""
    return "".join(
        "".join(
            f"{'- ' if at == 0 else '  '}{name}: {json.dumps(value, ensure_ascii=False)}\n"
            for at, (name, value) in enumerate(row.items())
        )
        for row in rows
    )


def xml(rows: Sequence[Row]) -> str:
    """Write an XML document, one element a line."""
    escape = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})
    parts = ['<?xml version="1.0" encoding="UTF-8"?>\n<clients>\n']
    for row in rows:
        leaves = "\n".join(f"  <{name}>{value.translate(escape)}</{name}>" for name, value in row.items())
        parts.append(f"<client>\n{leaves}\n</client>\n")
    return "".join(parts) + "</clients>\n"


def prose(rows: Sequence[Row]) -> str:
    """Write rows as somebody pastes them into a letter."""
    lines = ["Hi, this is what we were sent last night. First few hundred:", ""]
    lines += [f"{row['name']} <{row['email']}>, tel. {row['mobile']}" for row in rows]
    return "\n".join([*lines, "", "There are many more.", "Regards"]) + "\n"


def packed(name: str, data: bytes, *ways: str) -> tuple[str, bytes]:
    """Pack a file into one container after the other."""
    for way in ways:
        out = io.BytesIO()
        if way == "zip":
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(f"a/b/{name}", data)
        elif way == "tar":
            with tarfile.open(fileobj=out, mode="w") as archive:
                member = tarfile.TarInfo(f"./x/{name}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        elif way == "7z":
            with py7zr.SevenZipFile(out, "w") as archive:
                archive.writestr(data, f"in/{name}")
        else:
            squeeze: Callable[[bytes], bytes] = {
                "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress,
                "zst": zstandard.ZstdCompressor().compress,
            }[way]  # fmt: skip
            out.write(squeeze(data))
        name, data = f"{name}.{way}", out.getvalue()
    return name, data


def broken(text: str, every: int) -> tuple[str, list[int]]:
    """Cut every n-th row of a CSV text (quotes left out of consideration); return it and the numbers of the rows."""
    lines = text.split("\n")
    cut = [number for number in range(every, len(lines) - 1, every) if '"' not in lines[number]]
    for number in cut:
        lines[number] = lines[number][: len(lines[number]) // 3].rpartition(",")[0]
    return "\n".join(lines), [number - 1 for number in cut]


def claim(theft: str, rows: int | None = None) -> str:
    """Return what sellers say."""
    return json.dumps(
        {"posted": theft, "seller": "night.jar", "claimed_theft": theft[:7], "claimed_rows": rows, "text": "fresh"}
    )


def day(moment: datetime, days: int = 2) -> str:
    """Return a day after a moment."""
    return f"{moment + timedelta(days=days):%Y-%m-%d}"


def write(folder: Path, name: str, data: bytes | str, theft: str) -> Path:
    """Write a leak with its claim into a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    (folder / "claim.json").write_text(claim(theft), "utf-8")
    return folder
