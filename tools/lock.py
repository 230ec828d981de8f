"""Write uv.lock and requirements.lock: exact versions and hashes of everything, and no address of any registry.

    .venv/bin/python -m pip install uv && .venv/bin/python tools/lock.py

Where packages come from is the installer's business (pip's own configuration, a mirror, a folder of wheels); what
they must be is ours. See docs/adr/0005-locks-without-addresses.md.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FLAT_INDEX = "wheelhouse"


def main() -> None:
    """Resolve in a copy, strip addresses, write both files."""
    uv = str(ROOT / ".venv" / "bin" / "uv")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
            shutil.copy(ROOT / name, copy / name)
        (copy / "src" / "cloakroom").mkdir(parents=True)
        (copy / "src" / "cloakroom" / "__init__.py").touch()
        subprocess.run([uv, "lock", "--quiet"], cwd=copy, check=True)
        export = [uv, "export", "--quiet", "--all-groups", "--no-emit-project", "--no-annotate", "--no-header"]
        requirements = subprocess.run(export, cwd=copy, check=True, capture_output=True, text=True).stdout
        lock = (copy / "uv.lock").read_text("utf-8")
    (ROOT / "requirements.lock").write_text(requirements, "utf-8")
    (ROOT / "uv.lock").write_text(without_addresses(lock), "utf-8")


def without_addresses(lock: str) -> str:
    """Turn every registry into a flat folder of wheels, and every address into a file name."""
    lock = re.sub(r'registry = "https?://[^"]+"', f'registry = "{FLAT_INDEX}"', lock)
    lock = re.sub(r'url = "https?://[^"]*/([^"/]+)"', r'path = "\1"', lock)
    assert "://" not in lock
    return lock


if __name__ == "__main__":
    main()
