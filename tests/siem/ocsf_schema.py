"""Checks an event against what the published schema says of its class: required attributes, names, enumerations."""

from __future__ import annotations

import json
from pathlib import Path

SCHEMA = json.loads((Path(__file__).parent.parent / "vectors" / "ocsf" / "schema-1.5.0.json").read_text())
CLASSES = {kind["class_uid"]: kind for kind in SCHEMA["classes"].values()}


def problems_of(event: dict) -> list[str]:
    """Return everything that is wrong with `event`; nothing if it is as the schema wants it."""
    kind = CLASSES.get(event.get("class_uid"))
    if kind is None:
        return ["unknown class"]
    problems = _problems("event", event, kind)
    named = {
        "category_uid": kind["category_uid"],
        "category_name": kind["category_name"],
        "class_name": kind["caption"],
        "type_uid": kind["class_uid"] * 100 + event["activity_id"],
        "type_name": f"{kind['caption']}: {event['activity_name']}",
    }
    problems += [f"{name} is not {value}" for name, value in named.items() if event.get(name) != value]
    if event["metadata"].get("version") != SCHEMA["version"]:
        problems.append("version")
    return problems


def _problems(place: str, value: dict, definition: dict) -> list[str]:
    problems = [f"{place}: no {name}" for name in definition["required"] if name not in value]
    problems += [f"{place}: {name} is not in the schema" for name in value if name not in definition["attributes"]]
    for rule, names in definition.get("constraints", {}).items():
        found = sum(name in value for name in names)
        if (rule == "at_least_one" and not found) or (rule == "just_one" and found != 1):
            problems.append(f"{place}: {rule} of {names}")
    for name, captions in definition.get("enums", {}).items():
        if name in value:
            problems += _enum_problems(place, name, value, captions)
    for name, kind in definition.get("objects", {}).items():
        if name in value:
            parts = value[name] if kind.startswith("[]") else [value[name]]
            for part in parts:
                problems += _problems(f"{place}.{name}", part, SCHEMA["objects"][kind.removeprefix("[]")])
    return problems


def _enum_problems(place: str, name: str, value: dict, captions: dict) -> list[str]:
    number = value[name]
    if str(number) not in captions:
        return [f"{place}: {name} {number} is not in the schema"]
    sibling = "activity_name" if name == "activity_id" else name.removesuffix("_id")
    if number != 99 and sibling in value and value[sibling] != captions[str(number)]:
        return [f"{place}: {sibling} is not {captions[str(number)]}"]
    return []
