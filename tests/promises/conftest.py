import sys
from pathlib import Path

# People at the service and releases have their worlds beside their own suites.
for folder in ("releases", "web"):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / folder))
