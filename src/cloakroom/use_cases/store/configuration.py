"""Puts a changed configuration into force."""

from __future__ import annotations

from collections.abc import Mapping

from cloakroom.errors import RuleError
from cloakroom.flows.store.configuration import read_configuration
from cloakroom.flows.store.initialise import keys_of_new_brands
from cloakroom.vocabulary import Operation
from cloakroom.wiring import Application


def apply_configuration(application: Application, texts: Mapping[str, str]) -> dict[str, object]:
    """Check a configuration and make it the one in force, with its entry in the ledger.

    Raises:
        RuleError: It has mistakes, or leaves out a brand or changes the class of a field that the store holds.
    """
    configuration = read_configuration(texts)
    before = application.configuration
    gone = sorted(set(application.catalogue.brands) - set(configuration.group.brands))
    if gone:
        raise RuleError.at("group.toml", f"the store holds records of {', '.join(gone)}; a brand is not removed")
    for name, definition in before.definitions.items():
        now = configuration.definitions.get(name, definition)
        if (now.field_class, now.kind, now.index) != (definition.field_class, definition.kind, definition.index):
            raise RuleError.at("brands", f"field {name} is stored with another class, kind or index", field=name)
    definitions = {**before.definitions, **configuration.definitions}
    catalogue = application.catalogue.extended(configuration.group.brands, definitions)
    changed = sorted(path for path, text in texts.items() if before.texts.get(path) != text)
    at = application.now()
    with application.connection.transaction():
        for path in changed:
            application.records.add_configuration(path, texts[path], at)
        application.records.store_catalogue(catalogue)
        for key in keys_of_new_brands(application.root, catalogue, application.catalogue.brands):
            application.key_store.add_key(key, at)
        application.entries.append(
            lineage="system",
            operation=Operation.POLICY,
            policy=configuration.policy.sha256,
            detail={"changed": changed, "before": before.policy.sha256},
        )
    application.refresh_configuration()
    return {"policy": configuration.policy.sha256, "changed": changed}
