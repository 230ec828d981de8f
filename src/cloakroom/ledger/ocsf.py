"""Entries in the words of security monitoring: one entry becomes one event of OCSF 1.5.0.

The mapping is pure and total: every operation has a class, and every event carries what the schema requires of its
class. The same entry at the same place always gives the same bytes. What OCSF has no word for (number of records,
the hash of their set, form by field, budgets) stands in ``unmapped`` under its name in the ledger. The tables of
`docs/reference/siem.md` are compared with this module.

An event leaves the house, so it says less than the entry where an entry is only trusted to be clean: text that is no
identifier, or that holds an ``@`` where no principal is named, is shown as ``?``.

Source: Open Cybersecurity Schema Framework 1.5.0, https://schema.ocsf.io/1.5.0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import msgspec

from cloakroom.ledger.entry import Entry
from cloakroom.vocabulary import Operation

VERSION = "1.5.0"
HIDDEN = "?"

_SHOWN = re.compile(r"[A-Za-z0-9*][A-Za-z0-9._:/+?*-]{0,255}")
_NAMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,127}")
_NAMES_PRINCIPALS = frozenset({"credential", "receiver", "of"})


class Severity(IntEnum):
    """OCSF ``severity_id``."""

    INFORMATIONAL = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5


@dataclass(frozen=True, slots=True)
class EventClass:
    """One class of the schema: its numbers and names."""

    uid: int
    name: str
    category: str

    @property
    def category_uid(self) -> int:
        """Number of the category; the class number is built on it."""
        return self.uid // 1000


DATASTORE = EventClass(6005, "Datastore Activity", "Application Activity")
API = EventClass(6003, "API Activity", "Application Activity")
LIFECYCLE = EventClass(6002, "Application Lifecycle", "Application Activity")
ACCOUNT = EventClass(3001, "Account Change", "Identity & Access Management")
ENTITY = EventClass(3004, "Entity Management", "Identity & Access Management")
FINDING = EventClass(2004, "Detection Finding", "Findings")


@dataclass(frozen=True, slots=True)
class Activity:
    """The name of an operation in OCSF: class, activity, and how loud it is when it is done.

    Activity 99 is OCSF's "Other", whose name is the source's own.
    """

    event_class: EventClass
    id: int
    name: str
    severity: Severity = Severity.INFORMATIONAL


ACTIVITIES: Mapping[Operation, Activity] = {
    Operation.REVEAL: Activity(DATASTORE, 1, "Read"),
    Operation.FIND: Activity(DATASTORE, 4, "Query"),
    Operation.PROBE: Activity(DATASTORE, 4, "Query"),
    Operation.LIST: Activity(DATASTORE, 8, "List"),
    Operation.RELEASE: Activity(DATASTORE, 1, "Read", Severity.LOW),
    Operation.RESOLVE: Activity(DATASTORE, 4, "Query", Severity.LOW),
    Operation.AFFECTED: Activity(DATASTORE, 4, "Query", Severity.LOW),
    Operation.IMPORT: Activity(DATASTORE, 5, "Write"),
    Operation.WRITE: Activity(DATASTORE, 5, "Write"),
    Operation.ERASE: Activity(DATASTORE, 7, "Delete", Severity.LOW),
    Operation.CLAIM: Activity(DATASTORE, 4, "Query", Severity.LOW),
    Operation.EXCHANGE: Activity(DATASTORE, 4, "Query"),
    Operation.FREEZE: Activity(FINDING, 1, "Create", Severity.HIGH),
    Operation.THAW: Activity(FINDING, 3, "Close", Severity.LOW),
    Operation.RENEW: Activity(ACCOUNT, 99, "Renew", Severity.LOW),
    Operation.PRINCIPAL: Activity(ACCOUNT, 99, "Change", Severity.LOW),
    Operation.POLICY: Activity(ENTITY, 3, "Update", Severity.LOW),
    Operation.ROTATE: Activity(ENTITY, 3, "Update", Severity.LOW),
    Operation.INITIALISE: Activity(LIFECYCLE, 1, "Install"),
    Operation.HEARTBEAT: Activity(LIFECYCLE, 99, "Heartbeat"),
    Operation.CLOCK: Activity(LIFECYCLE, 99, "Clock Step", Severity.MEDIUM),
    Operation.REQUEST: Activity(API, 99, "Request"),
    Operation.SIGN_IN: Activity(ACCOUNT, 99, "Sign-in"),
    Operation.REPORT: Activity(DATASTORE, 4, "Query", Severity.LOW),
}
"""Class and activity of each operation, where nothing below says otherwise."""

FINER: Mapping[tuple[Operation, str, str], Activity] = {
    (Operation.WRITE, "fate", "created"): Activity(DATASTORE, 6, "Create"),
    (Operation.WRITE, "fate", "changed"): Activity(DATASTORE, 2, "Update"),
    (Operation.WRITE, "fate", "deleted"): Activity(DATASTORE, 7, "Delete"),
    (Operation.PRINCIPAL, "action", "enrol"): Activity(ACCOUNT, 1, "Create", Severity.LOW),
}
"""Closer activities, by operation and one value of its detail."""

REFUSED: Mapping[Operation, Activity] = {
    Operation.FREEZE: Activity(ACCOUNT, 9, "Lock"),
    Operation.THAW: Activity(ACCOUNT, 12, "Unlock"),
}
"""What is no finding when it is refused."""

FREEZES: Mapping[str, Severity] = {"canary": Severity.CRITICAL}
"""Severity of a freeze by its reason; others are high."""

REFUSALS: Mapping[str, Severity] = {
    **dict.fromkeys(
        ("brand", "field", "forbidden", "kind", "not-yet-valid", "operation", "purpose", "reference", "role"),
        Severity.LOW,
    ),
    **dict.fromkeys(("expired", "renewal", "request", "too-many", "unsigned", "wrong-host"), Severity.LOW),
    **dict.fromkeys(("bad-signature", "budget", "budget-unclear", "clock", "network"), Severity.MEDIUM),
    **dict.fromkeys(("body-digest", "frozen", "own-lineage", "replayed", "sign-count"), Severity.HIGH),
}
"""Severity of a refusal by its code; a code that is not here is medium, since nobody has judged it yet."""


@dataclass(frozen=True, slots=True)
class Place:
    """The place of an entry.

    Attributes:
        log: Origin of the log.
        index: Index of the leaf, from 0.
        leaf_hash: Its hash in the tree (RFC 6962).
        product_version: Version of the program that makes the event.
    """

    log: str
    index: int
    leaf_hash: bytes
    product_version: str

    @property
    def uid(self) -> str:
        """Name of the event: the same whenever it is sent again, another where a log says something else there."""
        return f"{self.log}/{self.index}/{self.leaf_hash[:8].hex()}"


def to_event(entry: Entry, place: Place) -> dict[str, object]:
    """Return the event that says what `entry` at `place` says."""
    activity = activity_of(entry)
    severity = severity_of(entry, activity)
    kind = activity.event_class
    reason = _shown(entry.reason)
    event: dict[str, object] = {
        "activity_id": activity.id,
        "activity_name": activity.name,
        "category_uid": kind.category_uid,
        "category_name": kind.category,
        "class_uid": kind.uid,
        "class_name": kind.name,
        "type_uid": kind.uid * 100 + activity.id,
        "type_name": f"{kind.name}: {activity.name}",
        "time": entry.at // 1000,
        "severity_id": int(severity),
        "severity": severity.name.capitalize(),
        "status_code": reason,
        "count": entry.count,
        "message": f"{entry.operation} {'done' if entry.permitted else 'refused'}: {reason}, {entry.records} records",
        "metadata": {
            "version": VERSION,
            "product": {"name": "Cloakroom", "vendor_name": "Cloakroom", "version": place.product_version},
            "uid": place.uid,
            "sequence": place.index,
            "log_name": place.log,
            "event_code": str(entry.operation),
        },
        **_status(entry, kind),
        **_subject(entry, place, kind),
        "unmapped": _unmapped(entry, place),
    }
    return event


def activity_of(entry: Entry) -> Activity:
    """Return class and activity of `entry`."""
    if not entry.permitted and entry.operation in REFUSED:
        return REFUSED[entry.operation]
    for (operation, name, value), activity in FINER.items():
        if entry.operation is operation and entry.detail.get(name) == value:
            return activity
    return ACTIVITIES[entry.operation]


def severity_of(entry: Entry, activity: Activity) -> Severity:
    """Return how loud `entry` is: by its reason where it is a refusal or a freeze, else by what was done."""
    if not entry.permitted:
        return REFUSALS.get(entry.reason, Severity.MEDIUM)
    if entry.operation is Operation.FREEZE:
        return FREEZES.get(entry.reason, activity.severity)
    return activity.severity


def encode_event(event: Mapping[str, object]) -> bytes:
    """Return `event` as one line of JSON without its end; ASCII only, so that no receiver can misread it."""
    encoded = msgspec.json.encode(event)
    return encoded if encoded.isascii() else json.dumps(event, separators=(",", ":")).encode("ascii")


def shortened(event: Mapping[str, object]) -> dict[str, object]:
    """Return `event` without the parts that may be long, for a receiver with small messages; they are named."""
    unmapped = event["unmapped"]
    assert isinstance(unmapped, dict)
    left_out = [name for name in ("budget", "detail", "shape") if name in unmapped]
    kept = {name: value for name, value in unmapped.items() if name not in left_out}
    return {**event, "unmapped": {**kept, "left_out": left_out}}


def _status(entry: Entry, kind: EventClass) -> dict[str, object]:
    if kind is FINDING:
        if entry.operation is Operation.THAW:
            return {"status_id": 4, "status": "Resolved"}
        return {"status_id": 1, "status": "New"}
    if entry.permitted:
        return {"status_id": 1, "status": "Success"}
    return {"status_id": 2, "status": "Failure"}


def _subject(entry: Entry, place: Place, kind: EventClass) -> dict[str, object]:
    """Return what only events of one class have."""
    actor = {"user": _user(entry)}
    # An entry does not hold the caller's address: it would be personal data for ever.
    ends = {"src_endpoint": {"name": "not-recorded"}, "dst_endpoint": {"name": _named(entry.node)}}
    lineage = {"uid": _named(entry.lineage)}
    if kind is DATASTORE:
        table = {"table": {"name": _shown(entry.brand)}} if entry.brand else {}
        store = {"name": "vault", "uid": place.log, "type_id": 1, "type": "Relational"}
        return {"actor": actor, **ends, "database": store, **table}
    if kind is API:
        operation = _shown(str(entry.detail.get("operation", "request")))
        return {"actor": actor, **ends, "api": {"operation": operation, "service": {"name": "Cloakroom"}}}
    if kind is LIFECYCLE:
        return {"app": {"name": "Cloakroom", "vendor_name": "Cloakroom", "version": place.product_version}}
    if kind is ACCOUNT:
        return {"actor": actor, "user": lineage}
    if kind is ENTITY:
        return {"actor": actor, "entity": _entity(entry)}
    finding = {
        "uid": f"{place.log}/freeze/{_named(entry.lineage)}",
        "title": "A principal was frozen" if entry.operation is Operation.FREEZE else "A principal was thawed",
        "types": [_shown(entry.reason)],
    }
    return {
        "finding_info": finding,
        "is_alert": entry.operation is Operation.FREEZE,
        "evidences": [{"actor": actor, "user": lineage}],
        "resources": [{**lineage, "type": "principal"}],
    }


def _user(entry: Entry) -> dict[str, object]:
    unsigned = entry.operation in {Operation.REQUEST, Operation.SIGN_IN}
    known = not (unsigned and entry.lineage == "system")
    user: dict[str, object] = {"uid": _named(entry.principal) if known else "unauthenticated"}
    credential = entry.detail.get("credential")
    if isinstance(credential, str):
        user["credential_uid"] = _named(credential)
    if entry.principal == "system" and known:
        user |= {"type_id": 3, "type": "System"}
    return user


def _entity(entry: Entry) -> dict[str, object]:
    if entry.operation is Operation.POLICY:
        return {
            "name": "configuration",
            "type_id": 5,
            "type": "Policy",
            "policy": {"uid": _shown(entry.policy or "?")},
        }
    return {"name": _shown(str(entry.detail.get("what", "keys"))), "type_id": 99, "type": "Encryption Key"}


def _unmapped(entry: Entry, place: Place) -> dict[str, object]:
    values: dict[str, object] = {
        "operation": str(entry.operation),
        "permitted": entry.permitted,
        "at_us": entry.at,
        "node": [_named(entry.node), entry.node_epoch, entry.sequence],
        "lineage": _named(entry.lineage),
        "leaf_index": place.index,
        "leaf_hash": place.leaf_hash.hex(),
        "records": entry.records,
    }
    optional: dict[str, object] = {
        "purpose": _shown(entry.purpose),
        "brand": _shown(entry.brand),
        "shape": {_shown(name): _shown(form) for name, form in entry.shape.items()},
        "set_sha256": _shown(entry.set_sha256),
        "reference": _shown(entry.reference),
        "policy": _shown(entry.policy),
        "budget": {_shown(name): list(levels) for name, levels in entry.budget.items()},
        "detail": {_shown(name): _clean(name, value) for name, value in entry.detail.items()},
    }
    values.update((name, value) for name, value in optional.items() if value)
    return values


def _clean(name: str, value: object) -> object:
    if isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return _named(value) if name in _NAMES_PRINCIPALS and value != "*" else _shown(value)
    if isinstance(value, list | tuple):
        return [_clean(name, item) for item in value]
    if isinstance(value, dict):
        return {_shown(str(key)): _clean(str(key), item) for key, item in value.items()}
    return HIDDEN


def _shown(text: str) -> str:
    return text if not text or _SHOWN.fullmatch(text) else HIDDEN


def _named(text: str) -> str:
    return text if _NAMED.fullmatch(text) else HIDDEN
