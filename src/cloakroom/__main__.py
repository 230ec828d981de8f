"""``python -m cloakroom``."""

from cloakroom.cli.main import run

run()
