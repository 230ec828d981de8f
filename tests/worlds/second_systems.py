"""How the four systems of the second group write their deliveries, as a mapping can describe it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard
from second_people import BEGIN, BRANDS, END, MONTHS, History, Record, Values

_TOKYO, _MOSCOW, _NEW_YORK = ZoneInfo("Asia/Tokyo"), ZoneInfo("Europe/Moscow"), ZoneInfo("America/New_York")
COUNTRY_WORDS = {
    "ryabina": {"RU": "Россия", "KZ": "Казахстан", "BY": "Беларусь", "DE": "Германия"},
    "larkspur": {"US": "United States", "CA": "Canada", "GB": "United Kingdom"},
    "brzask": {"PL": "Polska", "CZ": "Česko", "DE": "Deutschland", "CH": "Schweiz"},
}


def _phone(values: Values, place: int) -> str:
    return values.phones[place].text if len(values.phones) > place else ""


def _email(values: Values, place: int = 0) -> str:
    return values.emails[place].text if len(values.emails) > place else ""


def kaede(record: Record, values: Values, modified: datetime) -> dict[str, str]:
    """One row of the Japanese system."""
    male = {"male": "男", "female": "女", "unknown": "不明", "": ""}
    return {
        "顧客番号": record.id, "氏名": f"{values.family}\u3000{values.given}", "フリガナ": "",
        "性別": male[values.gender],
        "生年月日": values.born.strftime("%Y/%m/%d") if values.born else "",
        "メールアドレス": _email(values) or "未登録",
        "電話番号": _phone(values, 1), "携帯電話": _phone(values, 0), "郵便番号": values.postcode,
        "都道府県": values.region, "市区町村": values.city, "番地": values.street,
        "会員区分": "受取人" if values.kind == "recipient" else "購入者", "店舗": values.store,
        "累計購入額": f"{values.spend:,}", "登録日": record.created.astimezone(_TOKYO).strftime("%Y/%m/%d"),
        "担当": "佐々木", "更新日時": modified.astimezone(_TOKYO).strftime("%Y/%m/%d %H:%M:%S"), "状態": "有効",
    }  # fmt: skip


def ryabina(record: Record, values: Values, modified: datetime) -> dict[str, str]:
    """One row of the Russian system."""
    amount = f"{values.spend // 100:,}".replace(",", "\u00a0") + f",{values.spend % 100:02d}"
    language = {"ru": "русский", "kk": "казахский", "de": "немецкий"}
    return {
        "Код": record.id, "Фамилия": values.family, "Имя": values.given, "Отчество": values.middle,
        "Пол": {"male": "М", "female": "Ж"}.get(values.gender, ""),
        "Дата рождения": values.born.strftime("%d.%m.%Y") if values.born else "нет", "Эл. почта": _email(values),
        "Телефон": _phone(values, 1), "Мобильный": _phone(values, 0), "Доп. телефон": _phone(values, 2),
        "Индекс": values.postcode, "Область": values.region, "Город": values.city, "Адрес": values.street,
        "Страна": COUNTRY_WORDS["ryabina"].get(values.country, ""), "Язык": language.get(values.language, "русский"),
        "Магазин": values.store, "Сумма покупок": amount,
        "Создан": record.created.astimezone(_MOSCOW).strftime("%d.%m.%Y"),
        "Изменён": modified.astimezone(_MOSCOW).strftime("%d.%m.%Y %H:%M:%S"), "Удалён": "",
    }  # fmt: skip


def larkspur(record: Record, values: Values, modified: datetime) -> dict[str, str]:
    """One row of the American system."""
    hour = modified.astimezone(_NEW_YORK)
    return {
        "Customer #": record.id[:15], "First": values.given, "Last": values.family, "Email Address": _email(values),
        "Home Phone": _phone(values, 1), "Cell Phone": _phone(values, 0), "Work Phone": _phone(values, 2),
        "Address 1": values.street, "Address 2": "", "City": values.city, "State": values.region,
        "ZIP": values.postcode, "Country": COUNTRY_WORDS["larkspur"].get(values.country, ""),
        "DOB": f"{values.born.month}/{values.born.day}/{values.born.year}" if values.born else "N/A",
        "Preferred Language": {"en": "English", "fr": "French"}.get(values.language, "English"),
        "Customer Type": "Gift Recipient" if values.kind == "recipient" else "Buyer", "Home Store": values.store,
        "Lifetime Spend": f"{values.spend // 100:,}.{values.spend % 100:02d}", "Loyalty Tier": "3", "Rep Notes": "",
        "Member Since": record.created.astimezone(_NEW_YORK).strftime("%m/%d/%Y"),
        "Last Updated": f"{hour.month}/{hour.day}/{hour.year} {hour.strftime('%I:%M:%S %p')}",
        "Record Status": "Active",
    }  # fmt: skip


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp()) * 1000


def brzask(record: Record, values: Values | None, modified: datetime) -> dict[str, object]:
    """One object of the Polish system."""
    if values is None:
        return {"key": int(record.id), "changed": _milliseconds(modified), "status": {"removed": True}}
    role = {"customer": "kupujący", "recipient": "obdarowany"}[values.kind]
    return {
        "key": int(record.id),
        "person": {"first": values.given, "last": values.family, "born": values.born},
        "contact": {
            "emails": [typed.text for typed in values.emails],
            "phones": [{"type": "m", "number": typed.text} for typed in values.phones[:2]],
        },
        "home": {"street": values.street, "zip": values.postcode, "town": values.city,
                 "land": COUNTRY_WORDS["brzask"].get(values.country)},
        "lang": values.language, "role": role, "shop": values.store,
        "stats": {"spent": values.spend / 100, "since": _milliseconds(record.created)},
        "tags": ["a", "b"], "meta": {"v": 1}, "changed": _milliseconds(modified), "status": {"removed": False},
    }  # fmt: skip


_FLAGS = {"kaede": ("状態", "退会"), "ryabina": ("Удалён", "да"), "larkspur": ("Record Status", "Purged")}
ROWS: dict[str, Callable[[Record, Values, datetime], dict[str, str]]] = {
    "kaede": kaede, "ryabina": ryabina, "larkspur": larkspur,
}  # fmt: skip


def row_of(record: Record, state: Values | None, modified: datetime) -> dict[str, str]:
    """Return a row of one of the three systems that write tables; a deleted record shows id, time and flag alone."""
    if state is not None:
        return ROWS[record.brand](record, state, modified)
    shown = dict.fromkeys(ROWS[record.brand](record, Values("", ""), modified), "")
    whole = ROWS[record.brand](record, Values("", ""), modified)
    flag, word = _FLAGS[record.brand]
    time = {"kaede": "更新日時", "ryabina": "Изменён", "larkspur": "Last Updated"}[record.brand]
    first = next(iter(shown))
    return shown | {first: whole[first], time: whole[time], flag: word}


def delimited(rows: list[dict[str, str]], delimiter: str, line_end: str, *, quotes: bool) -> str:
    """Write rows as delimited text with a header."""
    lines = [list(rows[0]), *(list(row.values()) for row in rows)]

    def cell(text: str) -> str:
        if quotes and any(sign in text for sign in (delimiter, '"', "\n", "\r")):
            return '"' + text.replace('"', '""') + '"'
        return text

    return "".join(delimiter.join(map(cell, line)) + line_end for line in lines)


ENCODED: dict[str, Callable[[list[dict[str, str]]], bytes]] = {
    "kaede": lambda rows: delimited(rows, "\t", "\r\n", quotes=True).encode("cp932"),
    "ryabina": lambda rows: delimited(rows, "|", "\n", quotes=False).encode("koi8-r"),
    "larkspur": lambda rows: delimited(rows, ",", "\r\n", quotes=True).encode("utf-16"),
}


def _parquet(objects: list[dict[str, object]]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(objects), out, row_group_size=500)
    return out.getvalue()


def _json_lines(objects: list[dict[str, object]]) -> bytes:
    lines = [json.dumps(item, ensure_ascii=False, default=str) for item in objects]
    return zstandard.ZstdCompressor().compress(("\n".join(lines) + "\n").encode())


def months() -> list[tuple[datetime, datetime]]:
    """Return the beginning and the end of each month of deltas."""
    ends = [datetime(BEGIN.year, BEGIN.month + number, 1, tzinfo=UTC) for number in range(1, MONTHS + 1)]
    return list(zip([BEGIN, *ends[:-1]], ends, strict=True))


def write_deliveries(history: History, folder: Path) -> dict[str, list[tuple[Path, int]]]:
    """Write every delivery, in order; return each with its number of rows."""
    assert months()[-1][1] == END
    written: dict[str, list[tuple[Path, int]]] = {}
    for brand in BRANDS:
        (folder / brand).mkdir(parents=True, exist_ok=True)
        whole = [(record, record.at(BEGIN), record.modified(BEGIN)) for record in history.live(brand, BEGIN)]
        parts = [("full", whole)]
        for start, end in months():
            changes = [
                (record, state, moment)
                for record in history.of(brand)
                for moment, state in zip(record.times, record.states, strict=True)
                if start <= moment < end and moment > BEGIN
            ]
            parts.append((f"{end:%Y-%m-%d}.delta", sorted(changes, key=lambda change: change[2])))
        written[brand] = [_write(folder / brand, brand, name, rows) for name, rows in parts]
    return written


def _write(
    folder: Path, brand: str, name: str, rows: list[tuple[Record, Values | None, datetime]]
) -> tuple[Path, int]:
    if brand == "brzask":
        objects = [brzask(*row) for row in rows]
        path = folder / (f"{name}.parquet" if name == "full" else f"{name}.jsonl.zst")
        path.write_bytes(_parquet(objects) if name == "full" else _json_lines(objects))
    else:
        path = folder / f"{name}.txt"
        path.write_bytes(ENCODED[brand]([row_of(*row) for row in rows]))
    return path, len(rows)


def stored_texts(record: Record, values: Values) -> dict[str, str]:
    """Return what the store must hold of a state, by field: what the systems' spellings stand for."""
    brand = record.brand
    amount = values.spend if brand == "kaede" else values.spend / 100
    zone = {"kaede": _TOKYO, "ryabina": _MOSCOW, "larkspur": _NEW_YORK}.get(brand)
    created = record.created.replace(microsecond=0)
    if zone is not None:  # The system shows a day only: its first moment there.
        created = created.astimezone(zone).replace(hour=0, minute=0, second=0).astimezone(UTC)
    found = {
        "customer_number": record.id,
        "email": _email(values),
        "mobile": _phone(values, 0),
        "phone": _phone(values, 1),
        "street": values.street,
        "city": values.city,
        "region": values.region if brand != "brzask" else "",
        "postcode": values.postcode,
        "birth_date": values.born.isoformat() if values.born else "",
        "store": values.store,
        "spend_total": f"{amount:.2f}".rstrip("0").rstrip("."),
        "created_at": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if brand == "kaede":
        found |= {"name": f"{values.family}\u3000{values.given}", "gender": values.gender, "kind": values.kind}
        return {name: text for name, text in found.items() if text}
    found |= {"given_name": values.given, "family_name": values.family, "country": values.country}
    found |= {"language": _LANGUAGES[brand](values.language)}
    if brand == "ryabina":
        found |= {"middle_name": values.middle, "gender": values.gender.replace("unknown", "")}
    if brand == "brzask":
        found["email_other"] = _email(values, 1)
    else:
        found["phone_other"] = _phone(values, 2)
    if brand != "ryabina":
        found["kind"] = values.kind
    return {name: text for name, text in found.items() if text}


_LANGUAGES: dict[str, Callable[[str], str]] = {
    "ryabina": lambda code: code if code in ("ru", "kk", "de") else "ru",
    "larkspur": lambda code: code if code in ("en", "fr") else "en",
    "brzask": lambda code: code,
}
