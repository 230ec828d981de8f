"""Settings: where a store lies and how to reach it, from the command line and the environment, nothing else."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

DATABASE_VARIABLE = "CLOAKROOM_DATABASE_URL"
ROOT_KEY_VARIABLE = "CLOAKROOM_ROOT_KEY"
HOME_VARIABLE = "CLOAKROOM_HOME"


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one process.

    Attributes:
        home: The store's folder: root key, credentials, and the database unless one's own is named.
        database_url: Address of one's own PostgreSQL, or None for the one that comes along.
        root_key: URI of the root key.
        node: Name of this node in entries.
    """

    home: Path
    database_url: str | None
    root_key: str
    node: str

    @property
    def database_directory(self) -> Path:
        """Data directory of the server that comes along."""
        return self.home / "database"

    @property
    def root_key_path(self) -> Path:
        """File of the root key that `init` makes."""
        return self.home / "root.key"

    @property
    def credentials(self) -> Path:
        """Folder of the private keys of principals enrolled here."""
        return self.home / "credentials"


def load_settings(home: Path | None = None, node: str = "cli") -> Settings:
    """Return the settings that the environment gives.

    Args:
        home: The store's folder; ``CLOAKROOM_HOME`` or ``.cloakroom`` unless told.
        node: Name of this node in entries.
    """
    folder = (home or Path(os.environ.get(HOME_VARIABLE, ".cloakroom"))).absolute()
    return Settings(
        home=folder,
        database_url=os.environ.get(DATABASE_VARIABLE) or None,
        root_key=os.environ.get(ROOT_KEY_VARIABLE) or f"file:{folder / 'root.key'}",
        node=node,
    )
