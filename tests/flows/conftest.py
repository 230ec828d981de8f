import sys
from pathlib import Path

# Who moves is looked for in releases, too, which have their world beside their own suite.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "releases"))
