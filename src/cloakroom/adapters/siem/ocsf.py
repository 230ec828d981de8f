"""One entry of the ledger as one event of the Open Cybersecurity Schema Framework. Pure; see docs/reference/siem.md.

OCSF has no place for how many records an event concerns, for their set or for a budget: these stand in `unmapped`,
as the schema provides. The source's address is not in the ledger, so `src_endpoint` names the principal instead.
"""

from __future__ import annotations

from typing import Any

from cloakroom.ledger.entry import Entry, Operation

VERSION = "1.3.0"
DATASTORE, API, FINDING = 6005, 6003, 2004
_READ, _QUERY, _WRITE, _DELETE, _LIST = 1, 4, 5, 7, 8
_DATASTORE_ACTIVITIES = {
    Operation.REVEAL: _READ,
    Operation.RELEASE: _READ,
    Operation.EXCHANGE: _READ,
    Operation.RESOLVE: _READ,
    Operation.FIND: _QUERY,
    Operation.PROBE: _QUERY,
    Operation.AFFECTED: _QUERY,
    Operation.CLAIM: _QUERY,
    Operation.LIST: _LIST,
    Operation.WRITE: _WRITE,
    Operation.IMPORT: _WRITE,
    Operation.ERASE: _DELETE,
}
_CREATE, _API_READ, _UPDATE = 1, 2, 3
_API_ACTIVITIES = {
    Operation.INITIALISE: _CREATE,
    Operation.PRINCIPAL: _CREATE,
    Operation.HEARTBEAT: _API_READ,
    Operation.REQUEST: _API_READ,
}
_ALARMS = {"canary": "A planted record was touched", "persistent": "Requests went on after the budget was spent"}
_INFORMATIONAL, _LOW, _MEDIUM, _HIGH, _CRITICAL = 1, 2, 3, 4, 5
_SUCCESS, _FAILURE = 1, 2


def render_event(entry: Entry, leaf_index: int, origin: str) -> dict[str, Any]:
    """Return the event of an entry.

    Args:
        entry: The entry.
        leaf_index: Its place in the log.
        origin: Name of the log.
    """
    alarm = _ALARMS.get(entry.reason) if entry.operation is Operation.FREEZE else None
    if alarm is not None:
        return _finding(entry, leaf_index, origin, alarm)
    activity = _DATASTORE_ACTIVITIES.get(entry.operation)
    event = _common(entry, leaf_index, origin)
    event["actor"] = {"user": {"uid": entry.principal, "name": entry.principal}}
    event["src_endpoint"] = {"uid": entry.principal}
    if activity is not None:
        event |= _class(DATASTORE, 6, activity)
        event["database"] = {"name": entry.brand or origin, "uid": origin}
        event["type_id"] = 1
    else:
        event |= _class(API, 6, _API_ACTIVITIES.get(entry.operation, _UPDATE))
        event["api"] = {"operation": str(entry.operation), "service": {"name": "cloakroom"}}
    return event


def _finding(entry: Entry, leaf_index: int, origin: str, alarm: str) -> dict[str, Any]:
    event = _common(entry, leaf_index, origin) | _class(FINDING, 2, _CREATE)
    event["severity_id"] = _CRITICAL if entry.reason == "canary" else _HIGH
    event["finding_info"] = {
        "uid": f"{origin}/{leaf_index}",
        "title": alarm,
        "types": [entry.reason],
        "created_time": entry.at // 1000,
    }
    event["is_alert"] = True
    event["resources"] = [{"uid": entry.lineage, "type": "credential lineage"}]
    event["status_id"] = 1
    return event


def _class(uid: int, category: int, activity: int) -> dict[str, int]:
    return {"class_uid": uid, "category_uid": category, "activity_id": activity, "type_uid": uid * 100 + activity}


def _common(entry: Entry, leaf_index: int, origin: str) -> dict[str, Any]:
    severity = _INFORMATIONAL if entry.permitted else _MEDIUM if entry.reason in {"frozen", "replayed"} else _LOW
    unmapped: dict[str, Any] = {
        "leaf_index": leaf_index,
        "lineage": entry.lineage,
        "operation": str(entry.operation),
        "node": [entry.node, entry.node_epoch, entry.sequence],
    }
    more = {
        "purpose": entry.purpose,
        "brand": entry.brand,
        "shape": dict(entry.shape),
        "records": entry.records,
        "set_sha256": entry.set_sha256,
        "reference": entry.reference,
        "policy": entry.policy,
        "budget": {name: list(level) for name, level in entry.budget.items()},
        "detail": dict(entry.detail),
    }
    unmapped |= {name: value for name, value in more.items() if value}
    return {
        "time": entry.at // 1000,
        "severity_id": severity,
        "status_id": _SUCCESS if entry.permitted else _FAILURE,
        "status_code": entry.reason,
        "count": entry.count,
        "message": f"{entry.operation} {'permitted' if entry.permitted else 'refused'}: {entry.reason}",
        "metadata": {
            "version": VERSION,
            "uid": f"{origin}/{leaf_index}",
            "log_name": origin,
            "product": {"name": "Cloakroom", "vendor_name": "Cloakroom"},
        },
        "unmapped": unmapped,
    }
