"""Imports one file into a new store and prints the largest resident size of the process, in kilobytes."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from cloakroom.importing import import_file
from cloakroom.settings import Settings
from cloakroom.wiring import initialise

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    home = folder / "home"
    application = initialise(
        Settings(home, sys.argv[2], f"file:{home / 'root.key'}", "test"), folder / "configuration"
    )
    import_file(application, folder / "customers.csv", "pellandre")
    sys.stdout.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
