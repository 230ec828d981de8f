"""Another world, written from the reference pages alone: every count, every version, and dumps of many forms.

The group, its history and its systems are in `second_people`, `second_systems` and `second_group/`; the dumps in
`second_leaks`. The truth comes from the generator and never from the program.
"""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime

import pytest
from second_leaks import (
    Truth,
    broken,
    bson,
    columns_of,
    csv_text,
    foreign,
    json_array,
    json_lines,
    mysql,
    packed,
    parquet,
    postgres_copy,
    prose,
    system_rows,
    taken,
    tidy,
    write,
    xlsx,
    xml,
    yaml,
)
from second_leaks import day as day_after
from second_people import BEGIN, BRANDS, History
from second_store import SecondStore, make_store
from second_systems import ENCODED, stored_texts

from cloakroom.clock import to_microseconds
from cloakroom.settings import load_settings
from cloakroom.vault.opening import BrandOpener
from cloakroom.wiring import open_application
from stores import create_database, database, made_once

EARLY = datetime(2024, 2, 14, 10, 30, tzinfo=UTC)
MIDDLE = datetime(2024, 4, 2, 3, 0, tzinfo=UTC)
LATE = datetime(2024, 5, 9, 18, 5, tzinfo=UTC)
DAYS = 86_400
FULL = {
    "id": "customer_id", "given": "first_name", "family": "last_name", "email": "email", "mobile": "mobile",
    "phone": "phone", "street": "street", "city": "city", "postcode": "zip", "country": "country", "born": "dob",
    "store": "store", "spend": "total_spent",
}  # fmt: skip
NESTED = {
    "id": "id", "given": "name.first", "family": "name.last", "email": "contact.email", "mobile": "contact.mobile",
    "city": "address.city", "born": "birthDate", "spend": "totals.lifetime_spend",
}  # fmt: skip


@pytest.fixture(scope="module")
def second(postgres_server, run_folder):
    """The second group's store: imported once for all workers, a copy of its database for each."""

    def make(folder):
        url = create_database(postgres_server)
        patch.setenv("CLOAKROOM_DATABASE_URL", url)
        return url, make_store(folder, History(persons=700, changes=9))

    with pytest.MonkeyPatch.context() as patch:
        template, made = made_once(run_folder, "second_group", make)
        with database(postgres_server, template) as url:
            patch.setenv("CLOAKROOM_DATABASE_URL", url)
            yield made


def test_every_row_of_every_delivery_is_taken(second: SecondStore) -> None:
    for brand in BRANDS:
        assert [one["rows"] for one in second.imports[brand]] == second.files[brand]
        assert not any(one.get("rejected") or one.get("stale") for one in second.imports[brand])
        known = len(second.history.of(brand))
        assert sum(one.get("created", 0) for one in second.imports[brand]) == known


def test_every_version_of_every_record_is_held_as_it_was(second: SecondStore) -> None:
    held: dict[tuple[str, str], list[tuple[int, int | None, dict[str, str]]]] = {}
    application = open_application(load_settings(second.home))
    names = {number: name for name, number in application.catalogue.fields.items()}
    numbers: dict = {}
    for name, number in application.catalogue.fields.items():
        numbers.setdefault(application.catalogue.envelope_class(name), []).append(number)
    every = range(application.vault.ordinals_end())
    rows = [*application.vault.sealed_versions(every)]
    rows += [(row, None) for row in application.vault.sealed_rows(every) if row.state == 0]
    for row, until in rows:
        present = {kind: some for kind, some in numbers.items() if row.record.envelopes[kind - 1] is not None}
        opened = BrandOpener(application.ring, row.brand).open(row.record, row.keys, present)
        texts = {names[number]: text.decode() for number, text in opened.items()}
        brand = application.catalogue.brand_name(row.brand)
        held.setdefault((brand, texts["customer_number"]), []).append((row.valid_from, until, texts))
    application.close()
    expected = {
        (record.brand, record.id): _versions(record) for brand in BRANDS for record in second.history.of(brand)
    }
    assert {key: sorted(found, key=lambda one: one[0]) for key, found in held.items()} == expected


def _versions(record) -> list[tuple[int, int | None, dict[str, str]]]:
    """Return the states that the deliveries show; one that repeats the state before is none of its own."""
    found: list[tuple[int, int | None, dict[str, str]]] = []
    ends = [to_microseconds(moment) for moment in record.times[1:]] + [None]
    for start, end, state in zip(record.times, ends, record.states, strict=True):
        if state is None or (end is not None and end <= to_microseconds(BEGIN)):
            continue
        texts = stored_texts(record, state)
        if found and found[-1][1] == to_microseconds(start) and found[-1][2] == texts:
            found[-1] = (found[-1][0], end, texts)
        else:
            found.append((to_microseconds(start), end, texts))
    return found


def test_a_customer_is_found_by_every_spelling_shown_and_counted_as_affected(second: SecondStore) -> None:
    credential = second.ask("principal", "add", "vera", "--role", "store_associate")["credential_file"]
    asked = ("--as", credential, "--purpose", "clienteling", "--reference", "A-17")
    found = set()
    for brand in BRANDS:
        record = next(
            record for record in second.history.of(brand)
            if (state := record.states[-1]) and state.emails and state.phones and record.person is not None
        )  # fmt: skip
        state = record.states[-1]
        by_email = second.ask("find", state.emails[0].normal, "--brand", brand, *asked)
        by_phone = second.ask("find", state.phones[0].normal, "--by", "phone", "--brand", brand, *asked)
        by_id = second.ask("find", record.id, "--by", "customer_number", "--brand", brand, *asked)
        tokens = set(by_id["tokens"][brand])
        assert len(tokens) == 1
        assert tokens <= set(by_email["tokens"][brand])
        assert tokens <= set(by_phone["tokens"][brand])
        found |= {*tokens, *by_email["tokens"][brand], *by_phone["tokens"][brand]}
        shown = second.ask("reveal", *tokens, "--field", "birth_date", "--field", "spend_total", *asked)
        wanted = stored_texts(record, state)
        fields = shown["records"][0]["fields"]
        assert fields["spend_total"] == wanted["spend_total"]
        assert fields.get("birth_date") == wanted.get("birth_date")
    affected = second.ask("affected", "vera")
    assert affected["records"] == len(found)


class Dump:
    """One alleged dump being made: its rows, its truth, and where it lies."""

    def __init__(self, second: SecondStore, folder) -> None:
        self.history, self.folder, self.truth = second.history, folder, Truth()
        self.moment = MIDDLE

    def rows(self, brand, moment, headers, *, count=None, seed=1, dates="%Y-%m-%d"):
        """Take rows of a brand and count them as shown whole."""
        pairs = taken(self.history, brand, moment, count, seed)
        self.truth.add(pairs, headers, moment)
        self.moment = max(moment, self.moment) if self.truth.moments else moment
        return columns_of([tidy(*pair, dates) for pair in pairs], headers)

    def put(self, name, data, *, theft=None):
        """Write the dump; return its folder and its truth."""
        return write(self.folder, name, data, theft or day_after(self.moment)), self.truth


def system_export(brand, moment, fields):
    def make(dump: Dump):
        pairs = taken(dump.history, brand, moment)
        dump.truth.add(pairs, fields, moment)
        return dump.put("export", ENCODED[brand](system_rows(pairs, moment)), theft=day_after(moment))

    return make


def plain(brand, moment, headers, writer, name, *ways, encoding="utf-8", dates="%Y-%m-%d"):
    def make(dump: Dump):
        data = writer(dump.rows(brand, moment, headers, dates=dates))
        data = data.encode(encoding) if isinstance(data, str) else data
        return dump.put(*packed(name, data, *ways), theft=day_after(moment))

    return make


def mixed(dump: Dump):
    """Two brands of two dates, foreign rows, broken lines, one container inside another."""
    pairs = taken(dump.history, "kaede", EARLY)
    text, cut = broken(csv_text(columns_of([tidy(*pair) for pair in pairs], FULL)), 40)
    dump.truth.add([pair for at, pair in enumerate(pairs) if at not in set(cut)], FULL, EARLY)
    strangers = columns_of(foreign(60), FULL)
    rows = [*dump.rows("brzask", LATE, FULL), *strangers]
    random.Random(3).shuffle(rows)
    truth = dump.truth
    truth.rows, truth.rejected, truth.verdict = truth.rows + len(strangers), len(cut), "mixed"
    truth.emails |= {row["email"] for row in strangers}
    folder, _ = dump.put("one.csv", text, theft=day_after(LATE))
    name, data = packed("two.csv", csv_text(rows, ";").encode("utf-8-sig"), "7z", "zip")
    (folder / name).write_bytes(data)
    (folder / "readme.txt").write_text("enjoy, write to us on the board")
    return folder, truth


def recycled(dump: Dump):
    headers = {"id": "id", "email": "email", "name": "name", "mobile": "phone"}
    rows = dump.rows("ryabina", EARLY, headers)
    dump.truth.verdict = "recycled"
    return dump.put("fresh.csv", csv_text(rows), theft=day_after(EARLY, 90))


def strangers(dump: Dump):
    rows = foreign(1500, 9)
    known = [values.emails[0] for _, values in taken(dump.history, "larkspur", MIDDLE, 80) if values.emails]
    known = [typed for typed in known if not typed.normal.startswith("none@")][:30]
    for place, typed in enumerate(known):
        rows[place * 11]["email"] = typed.text
    taken_over = {row["email"] for row in rows if row["email"].endswith("@elsewhere.example")}
    dump.truth = Truth(rows=1500, verdict="foreign", emails=taken_over | {typed.normal for typed in known})
    return dump.put("vip.csv", csv_text(columns_of(rows, {"name": "Name", "email": "Email", "spend": "Spend"})))


def two_dates(dump: Dump):
    rows = [*dump.rows("larkspur", EARLY, FULL, count=140), *dump.rows("larkspur", LATE, FULL, count=140, seed=2)]
    return dump.put("full.csv", csv_text(rows), theft=day_after(LATE))


def three_encodings(dump: Dump):
    first, second = dump.rows("ryabina", LATE, FULL), dump.rows("brzask", LATE, FULL)
    parts = [csv_text(first[:60], ";").encode(), csv_text(first[60:], ";", header=False).encode("cp1251")]
    return dump.put("all.csv", b"".join([*parts, csv_text(second, ";").encode("cp1250")]), theft=day_after(LATE))


def letter(dump: Dump):
    headers = {"name": "name", "email": "email", "mobile": "mobile"}
    pairs = [pair for pair in taken(dump.history, "larkspur", MIDDLE) if pair[1].emails and pair[1].phones]
    dump.truth.add(pairs, headers, MIDDLE)
    return dump.put("mail.txt", prose(columns_of([tidy(*pair) for pair in pairs], headers)))


def ids_in_capitals(dump: Dump):
    headers = {"id": "ID", "email": "MAIL", "name": "WHO", "spend": "TOTAL"}
    rows = [{name: text.upper() for name, text in row.items()} for row in dump.rows("larkspur", MIDDLE, headers)]
    return dump.put("upper.csv", csv_text(rows))


_KAEDE = ["id", "name", "gender", "born", "email", "phone", "region", "kind", "store", "spend"]
_RYABINA = ["id", "name", "gender", "born", "email", "phone", "city", "language", "store", "spend"]
LEAKS = {
    "Windows Japanese, as the system writes": system_export("kaede", EARLY, _KAEDE),
    "KOI8-R, as the system writes": system_export("ryabina", LATE, _RYABINA),
    "a wrapped JSON array": plain("brzask", LATE, NESTED, json_array, "a.json"),
    "JSON lines in four containers": plain("ryabina", LATE, NESTED, json_lines, "a.jsonl", "zst", "tar", "gz", "zip"),
    "MySQL, dates of another order": plain("larkspur", MIDDLE, FULL, mysql, "d.sql", dates="%m/%d/%Y"),
    "COPY in 7z": plain("brzask", EARLY, FULL, postgres_copy, "d.sql", "7z"),
    "a workbook with Russian headers": plain("ryabina", LATE, {
        "id": "Код клиента", "family": "Фамилия", "given": "Имя", "email": "Почта", "mobile": "Мобильный телефон",
        "city": "Город", "born": "Дата рождения", "spend": "Сумма"}, xlsx, "k.xlsx", dates="%d.%m.%Y"),
    "Parquet": plain("larkspur", MIDDLE, FULL, parquet, "p.parquet"),
    "BSON": plain("kaede", EARLY, NESTED, bson, "clients.bson"),
    "YAML": plain("brzask", EARLY, FULL, yaml, "y.yml"),
    "XML in xz": plain("ryabina", LATE, FULL, xml, "y.xml", "xz"),
    "Chinese headers in GB18030": plain("kaede", EARLY, {
        "id": "会员号", "name": "姓名", "email": "邮箱", "mobile": "手机", "city": "城市", "born": "生日",
        "spend": "消费总额"}, csv_text, "c.csv", encoding="gb18030"),
    "UTF-16 without a mark": plain("larkspur", MIDDLE, FULL, csv_text, "t.csv", encoding="utf-16-be"),
    "ids that prove nothing by themselves": plain("brzask", LATE, {
        "id": "customer_id", "spend": "total_spent", "city": "city"}, csv_text, "i.csv"),
    "dates in words": plain("brzask", LATE, {"id": "id", "email": "mail", "name": "name", "born": "born"}, csv_text,
                            "m.csv", dates="%d %b %Y"),
    "ids in capitals": ids_in_capitals, "a letter": letter, "two dates in one file": two_dates,
    "three encodings in one file": three_encodings, "mixed": mixed, "recycled": recycled, "strangers": strangers,
}  # fmt: skip


SLOW = {"MySQL, dates of another order", "COPY in 7z", "BSON", "XML in xz", "Parquet", "dates in words", "YAML",
        "KOI8-R, as the system writes", "UTF-16 without a mark", "a wrapped JSON array"}  # fmt: skip


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in LEAKS]
)
def test_a_dump_is_sized_matched_dated_and_judged_as_it_is(second: SecondStore, tmp_path, name) -> None:
    folder, truth = LEAKS[name](Dump(second, tmp_path / "leak"))
    files = [path for path in sorted(folder.iterdir()) if path.name != "claim.json"]
    found = second.ask("claim", "check", *files, "--claim", folder / "claim.json")
    known = second.history.known_emails()
    counts = {
        "rows": truth.rows, "rejected_rows": truth.rejected, "emails_distinct": len(truth.emails),
        "emails_known": len(truth.emails & known), "emails_foreign": len(truth.emails - known),
    }  # fmt: skip
    assert {key: found[key] for key in counts} == counts
    assert found["verdict"] == truth.verdict
    proven = {brand: one["records"]["proven"] for brand, one in found["brands"].items() if one["records"]["proven"]}
    assert _is_within(proven, truth)
    for brand, moments in truth.moments.items():
        assert set(found["brands"][brand]["fields"]) == truth.fields[brand]
        _check_snapshots(found["brands"][brand]["snapshots"], moments)
    persons = found["persons"]
    assert persons["lower"] <= len(truth.people) <= persons["upper"]
    assert persons["upper"] - persons["lower"] <= 0.05 * len(truth.people)


def _is_within(proven: dict[str, int], truth: Truth) -> bool:
    """Broken lines may still show their records, or not."""
    whole = {brand: len(records) for brand, records in truth.records.items()}
    return proven.keys() == whole.keys() and all(
        whole[brand] <= count <= whole[brand] + truth.rejected for brand, count in proven.items()
    )


def _check_snapshots(found, moments) -> None:
    assert len(found) == len(moments)
    total = sum(count for _, count in moments)
    for one, (moment, count) in zip(found, sorted(moments), strict=True):
        start, end = (datetime.fromisoformat(one[name]) for name in ("from", "to"))
        assert start <= moment <= end
        assert (end - start).total_seconds() <= 3 * DAYS
        assert one["share"] == pytest.approx(count / total, abs=0.06)


def test_nothing_of_a_claim_is_missing_that_was_promised(second: SecondStore, tmp_path) -> None:
    folder, _ = LEAKS["Parquet"](Dump(second, tmp_path / "leak"))
    found = second.ask("claim", "check", folder)
    promised = {
        "rows", "rejected_rows", "emails_distinct", "emails_known", "emails_foreign", "brands", "persons", "verdict",
        "attribution", "files",
    }  # fmt: skip
    assert promised <= set(found)
    assert {"records", "fields", "snapshots"} <= set(found["brands"]["larkspur"])
    assert {"path", "format", "encoding", "rows", "rejected_rows"} <= set(found["files"][0])
    assert "@" not in json.dumps(found["brands"])
