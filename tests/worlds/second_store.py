"""A store of the second group, filled and asked through the command line as a stranger would."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from second_people import History
from second_systems import write_deliveries

from cloakroom.cli.main import main

CONFIGURATION = Path(__file__).parent / "second_group"


@dataclass(frozen=True)
class SecondStore:
    """The store, the history behind it, and what each import said.

    Attributes:
        home: Folder of the store.
        history: The truth.
        files: Rows written of each delivery, by brand, in order.
        imports: What the program said of each delivery, by brand, in order.
    """

    home: Path
    history: History
    files: dict[str, list[int]]
    imports: dict[str, list[dict[str, Any]]]

    def ask(self, *arguments: object) -> Any:
        """Run a command and return its JSON document."""
        return run(self.home, *arguments)


def run(home: Path, *arguments: object) -> Any:
    """Run a command in this process and return its JSON document."""
    out, problems = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(problems):
        code = main([*map(str, arguments), "--home", str(home), "--json"])
    assert code == 0, problems.getvalue() + out.getvalue()
    return json.loads(out.getvalue())


def make_store(folder: Path, history: History) -> SecondStore:
    """Write the deliveries, make a store and import everything, in order."""
    home = folder / "home"
    run(home, "init", "--config", CONFIGURATION)
    written = write_deliveries(history, folder / "deliveries")
    imports = {
        brand: run(home, "import", *[path for path, _ in files], "--brand", brand) for brand, files in written.items()
    }
    counts = {brand: [count for _, count in files] for brand, files in written.items()}
    return SecondStore(home, history, counts, imports)
