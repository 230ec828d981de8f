"""Loading a configuration folder: `group.toml` and one mapping per brand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloakroom.errors import Problem, RuleError, UsageError
from cloakroom.vault.group import Group, parse_group
from cloakroom.vault.mapping_file import check_group_mappings, parse_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cloakroom.vault.fields import FieldDefinition
    from cloakroom.vault.mapping import BrandMapping


@dataclass(frozen=True, slots=True)
class Configuration:
    """A group and how its brands' systems write.

    Attributes:
        fields: Every field that some brand fills, by name.
    """

    group: Group
    mappings: Mapping[str, BrandMapping]
    fields: Mapping[str, FieldDefinition]

    def mapping(self, brand: str) -> BrandMapping:
        """Return a brand's mapping.

        Raises:
            UsageError: The group has no such brand.
        """
        if brand not in self.mappings:
            raise UsageError(f"no brand `{brand}`; there are {', '.join(sorted(self.mappings))}")
        return self.mappings[brand]


def load_folder(folder: Path) -> Configuration:
    """Load and check a configuration folder.

    Raises:
        RuleError: Any of its files is missing or wrong; holds every mistake of all of them.
    """
    group = parse_group(_read(folder / "group.toml", "group.toml"), "group.toml")
    problems: list[Problem] = []
    mappings: dict[str, BrandMapping] = {}
    for brand in group.brands.values():
        try:
            mapping = parse_mapping(_read(folder / brand.mapping, brand.mapping), brand.mapping)
        except RuleError as error:
            problems += error.problems
            continue
        if mapping.brand != brand.id:
            problems += RuleError.at(brand.mapping, f"is for another brand than `{brand.id}`", field="brand").problems
        mappings[brand.id] = mapping
    if problems:
        raise RuleError(problems)
    return Configuration(group, mappings, check_group_mappings(mappings.values()))


def _read(path: Path, name: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise RuleError.at(name, "is missing") from error
    except UnicodeDecodeError as error:
        raise RuleError.at(name, "is not UTF-8") from error
    except OSError as error:
        raise RuleError.at(name, f"cannot be read: {error.strerror}") from error
