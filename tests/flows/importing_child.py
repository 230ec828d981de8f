"""Imports files of one brand and is killed from outside; run as a process of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cloakroom.use_cases.records.importing as importing
from cloakroom.adapters.deliveries import Limits, open_delivery
from cloakroom.settings import Settings
from cloakroom.wiring import open_application


def small_batches(path, mapping, group):
    """Read in batches small enough that a small file has many."""
    return open_delivery(path, mapping, group, limits=Limits(batch_rows=16))


def main(plan):
    settings = Settings(Path(plan["home"]), plan["url"], plan["root_key"], "importer")
    application = open_application(settings)
    importing.open_delivery = small_batches
    sys.stdout.write("began\n")
    sys.stdout.flush()
    for brand, path in plan["files"]:
        importing.import_file(application, Path(path), brand)
    application.close()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
