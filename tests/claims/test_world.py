"""The six leaks of the synthetic world, against its truth, with the deliveries themselves in place of the store."""

from __future__ import annotations

import json

import polars as pl
import pytest
from imported_world import WORLD, ImportedWorld
from pyroaring import BitMap

from cloakroom.adapters.evidence.files import DumpFiles
from cloakroom.adapters.evidence.threads import WorkerThreads
from cloakroom.claims.dating import WIDEST
from cloakroom.claims.limits import Limits
from cloakroom.claims.register import RegisteredClaim
from cloakroom.claims.report import ClaimReport, Evidence, PersonInterval, report_document
from cloakroom.claims.statement import Statement, parse_statement
from cloakroom.clock import parse_time, to_microseconds
from cloakroom.flows.incident.check_claim import CheckRequest, Vault, check_claim
from cloakroom.ledger.disclosed import disclosed_by_entries

pytestmark = [pytest.mark.world, pytest.mark.skipif(not WORLD.is_dir(), reason="the synthetic world is absent")]
LEAKS = ["l1", "l2", "l3", "l4", "l5", "l6"]


class Register:
    def __init__(self) -> None:
        self.claims: list[RegisteredClaim] = []

    def add(self, claim: RegisteredClaim) -> None:
        self.claims.append(claim)

    def all(self) -> list[RegisteredClaim]:
        return self.claims


class Nobody:
    def count(self, whole: BitMap, all_proven: BitMap, possible: BitMap, further: int) -> PersonInterval:
        return PersonInterval(min(len(whole), 1), len(all_proven | possible) + further, "not counted in this test")

    def by_country(self, records: BitMap) -> dict[str, int]:
        return {}


@pytest.fixture(scope="module")
def world() -> ImportedWorld:
    return ImportedWorld()


def check(
    world: ImportedWorld, paths, statement: Statement, register: Register, content: str, progress=None
) -> ClaimReport:
    vault = Vault(
        world,
        world,
        world,
        Nobody(),
        Nobody(),
        register,
        lambda forms: [form.encode()[:8].ljust(8) for form in forms],
    )
    request = CheckRequest(
        id=f"00000000-0000-4000-8000-{len(register.claims):012d}", evidence=[Evidence("a", 1, content)],
        statement=statement, by="operator",
        at=to_microseconds(parse_time("2025-07-01T00:00:00Z")), seed=4711,
    )  # fmt: skip
    dump = DumpFiles(paths, skip=frozenset(path / "claim.json" for path in paths))
    return check_claim(request, dump, vault, workers=WorkerThreads(), limits=Limits(), progress=progress)


@pytest.fixture(scope="module")
def reports(world):
    register = Register()
    return {
        leak: report_document(check(world, [WORLD / "leaks" / leak],
                                    parse_statement((WORLD / "leaks" / leak / "claim.json").read_bytes(), leak), register, leak))  # noqa: E501 - data
        for leak in LEAKS
    }  # fmt: skip


def truth(leak: str) -> dict:
    return json.loads((WORLD / "truth" / f"{leak}.json").read_text())


def test_files_and_then_steps_are_told_while_they_last(world) -> None:
    told = []
    check(world, [WORLD / "leaks" / "l1"], parse_statement(b"{}", "none"), Register(), "l1",
          lambda done, what: told.append((done, what)))  # fmt: skip
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert [what for _, what in told[-2:]] == ["dating the rows", "counting the persons behind the records"]
    assert len(told) > 2


def test_an_as_of_curve_ends_when_the_claim_was_checked(reports) -> None:
    curves = [brand["curve"] for found in reports.values() for brand in found["brands"].values()]
    assert max(curve[-1][0] for curve in curves if curve) == "2025-07-01T00:00:00Z"


@pytest.mark.parametrize("leak", LEAKS)
def test_rows_and_addresses_are_counted_exactly(reports, leak) -> None:
    found, true = reports[leak], truth(leak)
    for name in ("rows", "rejected_rows", "emails_distinct", "emails_known", "emails_foreign"):
        assert found[name] == true[name], name
    by_file = {item["path"].partition("/")[2]: item for item in found["files"] if item["rows"]}
    assert {path: item["rows"] for path, item in by_file.items()} == true["rows_by_file"]
    assert {path: item["rejected_rows"] for path, item in by_file.items() if item["rejected_rows"]} == true[
        "broken_by_file"
    ]


@pytest.mark.parametrize("leak", LEAKS)
def test_records_lie_within_what_can_be_proven(reports, leak) -> None:
    for brand, true in truth(leak)["brands"].items():
        found = reports[leak]["brands"].get(brand, {"records": {"proven": 0, "bounded": 0}})["records"]
        assert true["records"]["proven_min"] <= found["proven"] <= true["records"]["proven_max"]
        if true["records"]["bounded"] is not None:
            assert found["bounded"] == true["records"]["bounded"]
    assert set(reports[leak]["brands"]) == set(truth(leak)["brands"])


@pytest.mark.parametrize("leak", LEAKS)
def test_the_fields_are_named(reports, leak) -> None:
    for brand, true in truth(leak)["brands"].items():
        assert set(reports[leak]["brands"][brand]["fields"]) == set(true["fields"])


@pytest.mark.parametrize("leak", LEAKS)
def test_every_as_of_time_lies_in_an_interval_of_three_days_at_most(reports, leak) -> None:
    for brand, true in truth(leak)["brands"].items():
        found = reports[leak]["brands"][brand]["snapshots"]
        assert len(found) == len(true["snapshots"])
        for one, expected in zip(found, true["snapshots"], strict=True):
            start, end = (to_microseconds(parse_time(one[name])) for name in ("from", "to"))
            assert start <= to_microseconds(parse_time(expected["as_of"])) <= end
            assert end - start <= WIDEST
            assert one["share"] == pytest.approx(expected["share"], abs=0.03)


@pytest.mark.parametrize("leak", LEAKS)
def test_the_verdict_is_right(reports, leak) -> None:
    assert reports[leak]["verdict"] == truth(leak)["verdict"]


def test_a_sample_of_an_earlier_dump_is_named_as_such(reports) -> None:
    assert next(one["relation"] for one in reports["l5"]["earlier"]) == "sample"


@pytest.mark.parametrize("leak", LEAKS)
def test_no_value_of_the_dump_is_in_the_report(reports, leak, world) -> None:
    text = json.dumps(
        {name: value for name, value in reports[leak].items() if name != "claimed"}, ensure_ascii=False
    ).lower()
    assert "@" not in text
    phones = world.versions["mobile"].drop_nulls().head(500).to_list()
    assert not any(phone.lower() in text for phone in phones)


def test_what_left_through_a_release_is_attributed_to_it_after_every_disguise(world, tmp_path) -> None:
    live = world.versions.filter((pl.col("brand") == "auberon") & pl.col("valid_to").is_null())
    chosen = live.sample(6000, seed=5)
    others = [live.sample(6000, seed=seed) for seed in range(10, 16)]
    fields = frozenset({"given_name", "family_name", "email", "mobile", "city", "country", "store", "spend_total"})
    at = to_microseconds(parse_time("2025-06-30T00:00:00Z"))
    world.disclosed = [
        disclosed_by_entries(
            "somebody",
            "release",
            dict.fromkeys(fields, "reveal"),
            BitMap(part["ordinal"].to_list()),
            first_at=at,
            last_at=at,
            entries=1,
            release=f"release-{number}",
        )
        for number, part in enumerate([chosen, *others])
    ]
    # Re-sorted, half of the columns dropped, four rows of five removed, re-cased, another dialect.
    leaked = chosen.sample(1200, seed=6, shuffle=True).select(
        pl.col("email").str.to_uppercase().alias("MAIL"), (pl.col("family_name") + " " + pl.col("given_name")).alias("WHO"),  # noqa: E501 - data
        pl.col("mobile").alias("CELL"), pl.col("country").alias("LAND"))  # fmt: skip
    path = tmp_path / "drop.txt"
    path.write_bytes(leaked.write_csv(separator="|").encode("utf-16"))
    report = check(world, [path], Statement(), Register(), "z")
    world.disclosed = []
    assert report.attribution[0].id == "release-0"
    assert report.attribution[0].contained > 0.9
    assert report.verdict.word == "genuine"
