"""Imports one file into a new store and prints the largest resident size of the process, in kilobytes."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import cloakroom.use_cases.records.importing as importing
from cloakroom.adapters.deliveries import Limits, open_delivery
from cloakroom.settings import Settings
from cloakroom.wiring import initialise


def small_batches(path, mapping, group):
    """Read in batches of which many pass even in a small file."""
    return open_delivery(path, mapping, group, limits=Limits(batch_rows=2_000))


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    home = folder / "home"
    application = initialise(
        Settings(home, sys.argv[2], f"file:{home / 'root.key'}", "test"), folder / "configuration"
    )
    importing.open_delivery = small_batches
    importing.import_file(application, folder / "customers.csv", "pellandre")
    sys.stdout.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
