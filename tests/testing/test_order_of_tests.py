"""The order in which the tests themselves run."""

from pathlib import Path
from types import SimpleNamespace

from long_files_first import SECONDS, in_halves

TESTS = Path(__file__).resolve().parents[1]
LONG = sorted(SECONDS)[:5]
ITEMS = [SimpleNamespace(nodeid=f"tests/{name}::test_{number}") for name in LONG for number in range(7)]
SHORT = [SimpleNamespace(nodeid=f"tests/gate/test_forms.py::test_{number}") for number in range(200)]


def test_nothing_is_lost_or_run_twice_and_a_long_file_stays_together():
    ordered = in_halves([*SHORT, *ITEMS])
    assert sorted(item.nodeid for item in ordered) == sorted(item.nodeid for item in [*SHORT, *ITEMS])
    for half in (ordered[: len(ordered) // 2], ordered[len(ordered) // 2 :]):
        files = [item.nodeid.partition("::")[0] for item in half]
        runs = [name for at, name in enumerate(files) if at == 0 or files[at - 1] != name]
        assert len(runs) == len(set(runs))
        assert runs[-1] == "tests/gate/test_forms.py"
        assert len(runs) > 2


def test_every_file_that_is_called_long_is_there():
    assert [name for name in SECONDS if not (TESTS / name).is_file()] == []
