"""Versions of an assessment: nothing is overwritten, each names the one before by its hash.

A version is made when the facts, the method or the decisions changed, and only then. What changed is said in words,
so that a register or a filing can quote it. GDPR Article 33(5) asks for records that show how the risk was judged.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cloakroom.clock import format_time
from cloakroom.crypto import sha256
from cloakroom.duty.severity.model import AssessmentLimits
from cloakroom.errors import LimitError, TamperedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = ["Version", "add_version", "changes_between", "check_history", "parse_version", "render_version"]


@dataclass(frozen=True, slots=True)
class Version:
    """One version.

    Attributes:
        number: From 1.
        at: When it was made.
        by: Who made it.
        facts_hash: SHA-256 of the facts file, hex.
        assessment: The rendered assessment with its decisions.
        changes: What differs from the version before, in words.
        previous: Hash of the version before, hex; empty for the first.
    """

    number: int
    at: str
    by: str
    facts_hash: str
    assessment: dict[str, Any]
    changes: tuple[str, ...]
    previous: str


def add_version(
    history: Sequence[Version],
    *,
    assessment: dict[str, Any],
    facts: bytes,
    at: datetime,
    by: str,
    limits: AssessmentLimits | None = None,
) -> Version | None:
    """Return the next version, or None where neither the assessment nor the facts changed.

    Raises:
        LimitError: The history is full.
    """
    limits = limits or AssessmentLimits()
    if len(history) >= limits.versions_max:
        raise LimitError("this assessment has as many versions as it may have")
    facts_hash = sha256(facts).hex()
    if not history:
        return Version(1, format_time(at), by, facts_hash, assessment, ("first assessment",), "")
    last = history[-1]
    changes = changes_between(last.assessment, assessment)
    if not changes and last.facts_hash == facts_hash:
        return None
    return Version(
        number=last.number + 1,
        at=format_time(at),
        by=by,
        facts_hash=facts_hash,
        assessment=assessment,
        changes=tuple(changes) or ("facts changed without effect on the assessment",),
        previous=sha256(render_version(last)).hex(),
    )


def render_version(version: Version) -> bytes:
    """Return the bytes of a version; the same version always gives the same bytes."""
    values = {
        "number": version.number,
        "at": version.at,
        "by": version.by,
        "facts_hash": version.facts_hash,
        "assessment": version.assessment,
        "changes": list(version.changes),
        "previous": version.previous,
    }
    return (json.dumps(values, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()


def parse_version(data: bytes) -> Version:
    """Read a version.

    Raises:
        TamperedError: The bytes are not a version that this program wrote.
    """
    try:
        values = json.loads(data)
        version = Version(
            number=values["number"],
            at=values["at"],
            by=values["by"],
            facts_hash=values["facts_hash"],
            assessment=values["assessment"],
            changes=tuple(values["changes"]),
            previous=values["previous"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise TamperedError("a version of the assessment cannot be read") from error
    if render_version(version) != data:
        raise TamperedError("a version of the assessment is not as it was written")
    return version


def check_history(history: Sequence[Version]) -> None:
    """Check that versions are complete and unchanged.

    Raises:
        TamperedError: A version is missing, out of order or altered.
    """
    previous = ""
    for number, version in enumerate(history, start=1):
        if version.number != number or version.previous != previous:
            raise TamperedError(f"version {number} of the assessment does not follow the one before")
        previous = sha256(render_version(version)).hex()


def changes_between(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Say in words what differs between two rendered assessments."""
    changes = []
    if before["method"] != after["method"]:
        changes.append(f"method {before['method']} became {after['method']}")
    old = {(s["controller"], s["segment"]): s for s in before["segments"]}
    new = {(s["controller"], s["segment"]): s for s in after["segments"]}
    for key in sorted(old.keys() | new.keys()):
        name = f"{key[0]}/{key[1]}"
        if key not in new:
            changes.append(f"{name}: no longer affected")
        elif key not in old:
            changes.append(f"{name}: new, SE {new[key]['se']}")
        else:
            changes.extend(f"{name}: {change}" for change in _segment_changes(old[key], new[key]))
    return changes


def _segment_changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    changes = [
        f"{what} {old[what]} became {new[what]}"
        for what in ("persons", "records", "dpc", "ei", "cb", "se", "band", "risk")
        if old[what] != new[what]
    ]
    old_hits, new_hits = ({hit["id"] for hit in side["overrides"]} for side in (old, new))
    changes.extend(f"rule {hit} applies now" for hit in sorted(new_hits - old_hits))
    changes.extend(f"rule {hit} applies no longer" for hit in sorted(old_hits - new_hits))
    changes.extend(
        f"{duty}: {'to be told' if new['outcome'][duty] else 'need not be told'} (recommended)"
        for duty in ("authority", "persons")
        if old["outcome"][duty] != new["outcome"][duty]
    )
    if old["decision"] != new["decision"]:
        by = new["decision"]["by"] if new["decision"] else "nobody"
        changes.append(f"decision now by {by}")
    return changes
