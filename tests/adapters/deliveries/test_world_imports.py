"""Every delivery of the synthetic world is read whole."""

import json
import os
from pathlib import Path

import pytest

from cloakroom.adapters.configuration_folder import read_folder
from cloakroom.adapters.deliveries import Limits, open_delivery
from cloakroom.flows.store.configuration import read_configuration

ROOT = Path(__file__).parents[3]
WORLD = Path(os.environ.get("CLOAKROOM_WORLD", ROOT.parent / "shared" / "data" / "world"))
CONFIGURATION = read_configuration(read_folder(ROOT / "examples" / "valmont"))

pytestmark = [
    pytest.mark.world,
    pytest.mark.skipif(not WORLD.is_dir(), reason="the synthetic world is not beside the project"),
]


def deliveries():
    for brand in CONFIGURATION.mappings:
        manifest = json.loads((WORLD / "imports" / brand / "manifest.json").read_text(encoding="utf-8"))
        for file in manifest["files"]:
            yield brand, WORLD / "imports" / brand / file["file"], file["rows"]


def test_rows_and_addresses_agree_with_the_truth_and_nothing_is_refused():
    emails = set()
    versions = 0
    for brand, path, rows in deliveries():
        delivery = open_delivery(path, CONFIGURATION.mappings[brand], CONFIGURATION.group)
        found = 0
        for batch in delivery.batches():
            assert batch.rejected == []
            found += len(batch)
            emails.update(email for email in batch.normal["email"] if email is not None)
        assert found == rows
        versions += found
    truth = json.loads((WORLD / "truth" / "world.json").read_text(encoding="utf-8"))
    assert len(emails) == truth["emails_known"]
    assert versions == truth["versions"]


def test_any_cut_into_batches_gives_the_same_rows():
    for brand, path, _ in deliveries():
        if ".full." not in path.name:
            continue
        whole = open_delivery(path, CONFIGURATION.mappings[brand], CONFIGURATION.group)
        small = open_delivery(path, CONFIGURATION.mappings[brand], CONFIGURATION.group, limits=Limits(batch_rows=777))
        expected = [line for batch in whole.batches() for line in batch.lines]
        parts = list(small.batches())
        assert [line for batch in parts for line in batch.lines] == expected
        resumed = [line for batch in small.batches(skip_rows=parts[9].rows_read) for line in batch.lines]
        assert resumed == expected[parts[9].rows_read :]


def test_records_and_erasures_agree_with_the_truth():
    truth = json.loads((WORLD / "truth" / "world.json").read_text(encoding="utf-8"))
    records = {}
    for brand, path, _ in deliveries():
        for batch in open_delivery(path, CONFIGURATION.mappings[brand], CONFIGURATION.group).batches():
            for identifier, gone in zip(batch.record_ids, batch.deleted, strict=True):
                assert len(identifier) == 18
                records[brand, identifier] = gone
    for brand, figures in truth["by_brand"].items():
        ours = [gone for (owner, _), gone in records.items() if owner == brand]
        assert len(ours) == figures["records"]
        assert sum(ours) == figures["erased"]
