"""Rules, forms, words and methods that ship with the package, and rule files of a folder.

They lie beside the modules of `duty` that parse them. Nothing else is read, nothing is fetched, nothing is run.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Final

from cloakroom.duty.filings.forms import parse_form
from cloakroom.duty.filings.preparation import FormLibrary
from cloakroom.duty.filings.template import parse_template
from cloakroom.duty.filings.vocabulary import parse_vocabulary
from cloakroom.duty.register import parse_retention
from cloakroom.duty.rulebook import RuleFile, parse_rules
from cloakroom.duty.severity import parse_method

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from cloakroom.duty.instruments import RuleSet
    from cloakroom.duty.register import Law
    from cloakroom.duty.severity import Method

__all__ = ["load_form_library", "load_method", "load_retention", "load_rules", "read_rule_files"]

_DEPTH_MAX: Final = 4


def load_rules(*, with_cases: bool = True) -> RuleSet:
    """Return the rules that ship with the package.

    Args:
        with_cases: Read the cases, too; evaluation has no use for them, and they are most of the text.

    Raises:
        RuleError: They are broken.
    """
    return parse_rules(read_rule_files(_data("rules")), with_cases=with_cases)


def read_rule_files(root: Traversable) -> list[RuleFile]:
    """Return every TOML file below `root`, in a stable order."""
    return sorted(_walk(root, "", 0), key=lambda file: file.path)


def _walk(folder: Traversable, prefix: str, depth: int) -> list[RuleFile]:
    found: list[RuleFile] = []
    for entry in folder.iterdir():
        path = f"{prefix}{entry.name}"
        if entry.is_dir() and depth < _DEPTH_MAX:
            found.extend(_walk(entry, f"{path}/", depth + 1))
        elif entry.name.endswith(".toml"):
            found.append(RuleFile(path, entry.read_text(encoding="utf-8")))
    return found


def load_method() -> Method:
    """Return the method of severity that ships with the package."""
    return parse_method(_text("severity", "method.toml"), "method.toml")


def load_form_library() -> FormLibrary:
    """Return the canonical filing, the forms of authorities and the words that ship with the package."""
    template = parse_template(_text("filings", "template.toml"), "template.toml")
    folder = _data("filings", "authority_forms")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return FormLibrary(
        template,
        tuple(parse_form(file.read_text("utf-8"), file.name, template) for file in files),
        parse_vocabulary(_text("filings", "vocabulary.toml"), "vocabulary.toml"),
    )


def load_retention() -> tuple[Law, ...]:
    """Return the periods of retention that ship with the package."""
    return parse_retention(_text("register", "retention.toml"), "retention.toml")


def _text(*path: str) -> str:
    return _data(*path).read_text("utf-8")


def _data(*path: str) -> Traversable:
    return resources.files("cloakroom.duty").joinpath(*path)
