"""The group's configuration: a folder of texts, read and checked as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cloakroom.errors import InputError, Problem, RuleError
from cloakroom.flows.store.service_file import SERVICE_FILE, ServiceRules, parse_service
from cloakroom.gate.policy import Policy
from cloakroom.gate.policy_text import parse_policy
from cloakroom.vault.fields import WELL_KNOWN_FIELDS, FieldDefinition
from cloakroom.vault.group import Group, parse_group
from cloakroom.vault.mapping import BrandMapping
from cloakroom.vault.mapping_file import check_group_mappings, parse_mapping
from cloakroom.vocabulary import FieldClass

GROUP_FILE = "group.toml"
POLICY_FILE = "policy.toml"
RECORD_ID_FIELD = "customer_number"


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything a group states about itself.

    Attributes:
        group: Brands, controllers, stores.
        mappings: What the columns of each brand's system mean, by brand.
        definitions: Every field of the group.
        policy: Who may do what.
        service: How people sign in at the service.
        texts: The files it was read from, by path in the folder.
    """

    group: Group
    mappings: Mapping[str, BrandMapping]
    definitions: Mapping[str, FieldDefinition]
    policy: Policy
    service: ServiceRules
    texts: Mapping[str, str]

    @property
    def field_classes(self) -> dict[str, FieldClass]:
        """Return the class of each field, as the gate names it."""
        return {name: item.field_class for name, item in self.definitions.items()}


def read_configuration(texts: Mapping[str, str]) -> Configuration:
    """Read a configuration.

    Args:
        texts: Content of each file by its path in the folder.

    Raises:
        RuleError: Anything is wrong in any of the files; holds every mistake found.
    """
    missing = [name for name in (GROUP_FILE, POLICY_FILE) if name not in texts]
    if missing:
        raise RuleError.at("configuration", f"{' and '.join(missing)} missing from the folder")
    group = parse_group(texts[GROUP_FILE], GROUP_FILE)
    problems: list[Problem] = []
    mappings: dict[str, BrandMapping] = {}
    for brand in group.brands.values():
        try:
            if brand.mapping not in texts:
                raise RuleError.at(GROUP_FILE, f"the mapping file {brand.mapping} of brand {brand.id} is missing")
            mapping = parse_mapping(texts[brand.mapping], brand.mapping)
            if mapping.brand != brand.id:
                raise RuleError.at(brand.mapping, f"is the mapping of another brand than {brand.id}", field="brand")
            mappings[brand.id] = mapping
        except InputError as error:
            problems += error.problems
    if problems:
        raise RuleError(problems)
    # The record id of every brand's system is a field, whether or not a column is mapped to it by name.
    definitions = {RECORD_ID_FIELD: WELL_KNOWN_FIELDS[RECORD_ID_FIELD], **check_group_mappings(mappings.values())}
    classes = {name: item.field_class for name, item in definitions.items()}
    policy = parse_policy(texts[POLICY_FILE].encode(), POLICY_FILE, fields=classes)
    service = parse_service(texts[SERVICE_FILE], SERVICE_FILE) if SERVICE_FILE in texts else ServiceRules()
    return Configuration(group, mappings, definitions, policy, service, dict(texts))
