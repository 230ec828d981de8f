"""All deliveries of the synthetic world load in order, and the counts are those of its truth."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cloakroom.settings import Settings
from cloakroom.use_cases.records.importing import import_file
from cloakroom.wiring import initialise
from spine_world import opened_world

pytestmark = [pytest.mark.world, pytest.mark.slow]
VALMONT = Path(__file__).resolve().parents[2] / "examples" / "valmont"


def test_records_and_erasures_of_each_brand_are_those_of_the_truth(world, empty_database, tmp_path):
    settings = Settings(tmp_path / "home", empty_database, f"file:{tmp_path / 'home' / 'root.key'}", "test")
    application = initialise(settings, VALMONT)
    rejects = tmp_path / "rejects.jsonl"
    for brand in sorted(application.catalogue.brands):
        manifest = json.loads((world / "imports" / brand / "manifest.json").read_text("utf-8"))
        for file in manifest["files"]:
            result = import_file(application, world / "imports" / brand / file["file"], brand, rejects=rejects)
            assert result.rows == file["rows"]
            assert not result.counts["rejected"]
            assert not result.counts["stale"]
    truth = json.loads((world / "truth" / "world.json").read_text("utf-8"))["by_brand"]
    counts = application.vault.counts()
    for brand, figures in truth.items():
        number = application.catalogue.brand(brand)
        assert counts[number, 0] + counts[number, 1] == figures["records"]
        assert counts[number, 1] == figures["erased"]
        assert len(application.facets.values_of(number, "record")["all"]) == figures["records"]
    assert not rejects.exists()
    assert len(opened_world(application)) == sum(figures["records"] - figures["erased"] for figures in truth.values())
    application.close()
