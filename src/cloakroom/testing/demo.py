"""The demonstration: a group is imported, staff work, a thief with a stolen credential is cut off, and counted.

Everything in it is real: files are written and imported, the thief runs in processes of his own against the same
store, and the figures come from the ledger and from the thief's own notes. Nothing here is told beforehand.
"""

from __future__ import annotations

import csv
import itertools
import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pyroaring import BitMap

from cloakroom.flows.records.find import FindRequest, find
from cloakroom.flows.records.reveal import RevealRequest, reveal
from cloakroom.gate.exposure import Bound
from cloakroom.gate.policy import PrincipalKind
from cloakroom.settings import Settings
from cloakroom.testing.group import GroupPlan, World, copy_configuration, write_group
from cloakroom.testing.thief import Haul, Loot, steal
from cloakroom.use_cases.incident.affected import Affected, affected_by
from cloakroom.use_cases.ledger.files import Export, export_ledger, verify_ledger
from cloakroom.use_cases.people import principals
from cloakroom.use_cases.people.exposure import exposure_of
from cloakroom.use_cases.records.importing import import_file
from cloakroom.vault.tokens import RecordReference
from cloakroom.wiring import Application, initialise

THIEF_PROCESSES = 3
STAFF = ("associate-01", "associate-02", "associate-03", "associate-04")
STOLEN = "associate-03"
APPLICATION = "clienteling-app"
STOLEN_TOKENS = 5_000
SEARCHES = 600
CUSTOMERS_SERVED = 6

Narrate = Callable[[str, str], None]
"""Takes a heading and a sentence."""


@dataclass(frozen=True, slots=True)
class Theft:
    """The theft and its loot.

    Attributes:
        principal: Whose credential it was.
        bound: What could be opened at most, stated before.
        opened: Records that he learned anything about, by his own notes.
        values_seen: Records of which he saw values.
        refused: Requests that were refused.
        requests: Requests he made.
        frozen_after_s: Seconds from his first request until the freeze stopped him.
    """

    principal: str
    bound: Bound
    opened: BitMap
    values_seen: BitMap
    refused: int
    requests: int
    frozen_after_s: float | None

    @property
    def ceiling(self) -> int:
        """Records opened or named by searches, at most."""
        return self.bound.records + self.bound.probes


@dataclass(frozen=True, slots=True)
class DemoResult:
    """Everything that the demonstration measured."""

    world: World
    theft: Theft
    affected: Affected
    staff_records: int
    export: Export
    verified_entries: int
    seconds: Mapping[str, float]


def run_demo(settings: Settings, *, records: int, narrate: Narrate) -> DemoResult:
    """Play the demonstration in a new store.

    Args:
        settings: Where to make the store; the folder must not exist.
        records: How many records the group has.
        narrate: Is told what happens.
    """
    seconds: dict[str, float] = {}
    configuration, data = settings.home / "configuration", settings.home / "deliveries"
    with _timed(seconds, "generate"):
        settings.home.mkdir(parents=True)
        copy_configuration(configuration)
        world = write_group(data, GroupPlan(records=records))
    narrate("A group", f"{len(world.records)} brands, {sum(world.records.values()):,} records, written to files.")
    with _timed(seconds, "import"):
        application = initialise(settings, configuration)
        _import(application, data, world)
    narrate("Sealed", f"imported and sealed in {seconds['import']:.1f} s; applications hold tokens from here on.")
    credentials = _enrol(application)
    with _timed(seconds, "staff"):
        staff_records = _work(application, credentials, data, world)
    narrate("Staff at work", f"{len(STAFF)} associates served {staff_records} customers, each opening in the ledger.")
    bound = exposure_of(application, STOLEN).bounds[0]
    narrate(
        "The ceiling, stated before",
        f"if {STOLEN} were stolen now: at most {bound.records} records opened and {bound.probes} named by searches "
        "within ten minutes.",
    )
    began = application.now()
    with _timed(seconds, "theft"):
        theft = _theft(application, credentials[STOLEN], data, world, bound)
    narrate("The theft", _theft_words(theft))
    with _timed(seconds, "affected"):
        found = affected_by(application, lineage=STOLEN, start=began, by="security")
    narrate("Who was affected", f"{len(found.report.records)} records, computed in {seconds['affected']:.1f} s.")
    with _timed(seconds, "ledger"):
        export = export_ledger(application, settings.home / "ledger")
        verification = verify_ledger(settings.home / "ledger", export.key)
    narrate("The ledger", f"{export.size} entries exported and verified from files and the public key alone.")
    application.close()
    return DemoResult(world, theft, found, staff_records, export, verification.entries, seconds)


class _timed:  # noqa: N801 - reads like a word in a with statement
    def __init__(self, seconds: dict[str, float], name: str) -> None:
        self._seconds, self._name = seconds, name

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._seconds[self._name] = time.perf_counter() - self._start


def _import(application: Application, data: Path, world: World) -> None:
    for brand, files in world.files.items():
        for name in files:
            import_file(application, data / name, brand, rejects=application.settings.home / "rejects.jsonl")


def _enrol(application: Application) -> dict[str, Path]:
    """Enrol the application, the staff that works through it, and those who look after it."""
    people = dict.fromkeys(STAFF, "store_associate") | {
        "privacy-officer": "privacy_officer",
        "security": "security_responder",
    }
    principals.enrol(application, APPLICATION, kind=PrincipalKind.APPLICATION, roles=frozenset({"web_shop"}))
    credentials = {}
    for name, role in people.items():
        path = principals.enrol(
            application, name, kind=PrincipalKind.PERSON, roles=frozenset({role}), works_through=APPLICATION
        )
        assert path is not None
        credentials[name] = path
    return credentials


def _work(application: Application, credentials: Mapping[str, Path], data: Path, world: World) -> int:
    """Let each associate find and open a few customers by e-mail; return how many were served."""
    brand = next(iter(world.files))
    addresses = _addresses(data / world.files[brand][0])
    served = 0
    for name in STAFF:
        who = principals.authenticate(application.records, credentials[name], at=application.now())
        codec = application.codec(who.token_scope)
        for number, address in enumerate(itertools.islice(addresses, CUSTOMERS_SERVED)):
            reference = f"APPT-{name[-2:]}{number}"
            search = FindRequest(who.principal, codec, [brand], "email", address, "clienteling", reference=reference)
            answer = find(
                [search],
                gatekeeper=application.gatekeeper,
                catalogue=application.catalogue,
                digests=application.digests,
                index_reader=application.vault,
            )[0]
            tokens = answer.tokens.get(brand, [])[:1]
            if tokens:
                wanted = frozenset({"given_name", "family_name", "phone"})
                request = RevealRequest(who.principal, tokens, codec, wanted, "clienteling", reference)
                opened = reveal(
                    [request],
                    gatekeeper=application.gatekeeper,
                    catalogue=application.catalogue,
                    openers=application.openers,
                )[0]
                served += len(opened.revealed)
    return served


def _theft(application: Application, credential: Path, data: Path, world: World, bound: Bound) -> Theft:
    codec = application.codec(APPLICATION)
    brands = list(world.files)
    number = application.catalogue.brand(brands[0])
    end = min(application.vault.ordinals_end(), STOLEN_TOKENS * 7)
    rows = application.vault.sealed_rows(range(3, end, 7))
    references = [RecordReference(row.brand, row.record.ordinal) for row in rows if row.state == 0]
    loot = Loot(
        credential,
        codec.issue(references[:STOLEN_TOKENS]),
        list(itertools.islice(_addresses(data / world.files[brands[0]][0], skip=200), SEARCHES)),
        [application.catalogue.brand_name(number)],
    )
    started = time.time()
    with ProcessPoolExecutor(THIEF_PROCESSES, multiprocessing.get_context("spawn")) as pool:
        shares = [
            pool.submit(steal, application.settings, application.url, loot, share, THIEF_PROCESSES)
            for share in range(THIEF_PROCESSES)
        ]
        hauls = [share.result() for share in shares]
    return _sum(hauls, application, bound, started)


def _sum(hauls: list[Haul], application: Application, bound: Bound, started: float) -> Theft:
    codec = application.codec(APPLICATION)
    opened = {token for haul in hauls for token in haul.opened}
    found = {token for haul in hauls for token in haul.found}
    frozen = [haul.frozen_at for haul in hauls if haul.frozen_at is not None]
    seen = BitMap(item.ordinal for item in codec.read_all(sorted(opened)))
    return Theft(
        principal=STOLEN,
        bound=bound,
        opened=seen | BitMap(item.ordinal for item in codec.read_all(sorted(found))),
        values_seen=seen,
        refused=sum(haul.refused for haul in hauls),
        requests=sum(haul.requests for haul in hauls),
        frozen_after_s=round(min(frozen) - started, 3) if frozen else None,
    )


def _theft_words(theft: Theft) -> str:
    frozen = "never frozen" if theft.frozen_after_s is None else f"frozen after {theft.frozen_after_s:.1f} s"
    return (
        f"{THIEF_PROCESSES} processes with the stolen credential made {theft.requests} requests: "
        f"{len(theft.values_seen)} records opened, {len(theft.opened)} learned of, {theft.refused} requests refused, "
        f"{frozen}."
    )


def _addresses(path: Path, skip: int = 0) -> Iterator[str]:
    """Yield e-mail addresses out of the delivery of the brand that writes plain CSV."""
    with path.open(encoding="utf-8", newline="") as file:
        emails = (row["email"] for row in csv.DictReader(file))
        yield from itertools.islice((email for email in emails if "@" in email), skip, None)
