"""One line of the ledger. The bytes are specified in `docs/spec/entry.md`.

An entry says who did what, when, why, to how many records, with what outcome. It holds no personal data: principals
are named by ids that the operator chose, records by the hash of a sealed set that lies beside the entry. The
encoded entry is the leaf of the Merkle log, at most 65,535 bytes (C2SP tlog-tiles).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from cloakroom.canonical import json as canonical_json
from cloakroom.errors import LimitError, TamperedError, UsageError
from cloakroom.vocabulary import ENTRY_OPERATIONS, Operation

FORMAT = 1
MAX_ENTRY_SIZE = 65_535
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,127}")


COUNTED = frozenset(
    {
        Operation.REVEAL,
        Operation.FIND,
        Operation.PROBE,
        Operation.LIST,
        Operation.RELEASE,
        Operation.RENEW,
        Operation.EXCHANGE,
    }
)
"""Operations whose permitted entries count against the lineage's budgets."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the ledger; made by the thousand in a second, hence no dataclass.

    Attributes:
        at: When, in microseconds since the epoch.
        node: The node that wrote it.
        node_epoch: Counts the starts of that node.
        sequence: Counts the entries of that node since its start; a gap shows a lost entry.
        lineage: Whose budget and freeze it concerns.
        principal: Who acted.
        operation: What was done.
        permitted: Whether it was.
        reason: Stable code of the refusal or of the decision.
        purpose: Named purpose, or empty.
        brand: Brand, or empty where it concerns none.
        shape: Form by field name, of what was shown.
        records: How many distinct records.
        set_sha256: Hex digest of the sealed set of their ordinals; empty without records.
        reference: Case, appointment or ticket, an identifier without personal data.
        policy: Hex digest of the policy in force.
        budget: Counters before and after, as ``window/counter -> [ceiling, before, after]``.
        detail: Whatever else the operation states: identifiers and numbers only.
        count: How many equal refusals this one entry stands for.
    """

    at: int
    node: str
    node_epoch: int
    sequence: int
    lineage: str
    principal: str
    operation: Operation
    permitted: bool
    reason: str
    purpose: str = ""
    brand: str = ""
    shape: Mapping[str, str] = msgspec.field(default_factory=dict)
    records: int = 0
    set_sha256: str = ""
    reference: str = ""
    policy: str = ""
    budget: Mapping[str, tuple[int, int, int]] = msgspec.field(default_factory=dict)
    detail: Mapping[str, object] = msgspec.field(default_factory=dict)
    count: int = 1


_LEFT_OUT_WHERE_EMPTY = (
    *("purpose", "brand", "shape", "records", "set_sha256"),
    *("reference", "policy", "budget", "detail"),
)
_MEMBERS = frozenset(Entry.__struct_fields__) - {"node_epoch", "sequence"}
"""Members of an encoded entry besides its format; the numbers of a node's start and entry stand beside its name."""

_PLAIN = frozenset({str, int})


def encode_entry(entry: Entry) -> bytes:
    """Return the canonical bytes of `entry`; empty attributes are left out.

    Raises:
        UsageError: An identifier holds characters that identifiers here do not have, or the operation has no entries.
        LimitError: The entry is larger than a leaf may be.
    """
    if entry.operation not in ENTRY_OPERATIONS:
        raise UsageError(f"{entry.operation} has no entries")
    check_identifier("lineage", entry.lineage)
    if entry.principal != entry.lineage:
        check_identifier("principal", entry.principal)
    if entry.reference:
        check_identifier("reference", entry.reference)
    document: dict[str, object] = {
        "v": FORMAT,
        "at": entry.at,
        "node": [entry.node, entry.node_epoch, entry.sequence],
        "lineage": entry.lineage,
        "principal": entry.principal,
        "operation": str(entry.operation),
        "permitted": entry.permitted,
        "reason": entry.reason,
    }
    for name in _LEFT_OUT_WHERE_EMPTY:
        value = getattr(entry, name)
        if value:
            document[name] = value if type(value) in _PLAIN else dict(value)
    if entry.count != 1:
        document["count"] = entry.count
    encoded = canonical_json.encode(document)
    if len(encoded) > MAX_ENTRY_SIZE:
        raise LimitError(f"an entry has at most {MAX_ENTRY_SIZE} bytes")
    return encoded


def decode_entry(leaf: bytes) -> Entry:
    """Return the entry that `leaf` encodes.

    Raises:
        TamperedError: `leaf` is no canonical entry of a known format.
    """
    try:
        document = canonical_json.decode(leaf)
    except UsageError as error:
        raise TamperedError("a leaf is not canonical JSON") from error
    if not isinstance(document, dict) or type(version := document.pop("v", None)) is not int or version != FORMAT:
        raise TamperedError("a leaf is of an unknown format")
    if not document.keys() <= _MEMBERS:
        raise TamperedError("a leaf holds a member that entries do not have")
    if document.get("count") == 1 or not all(document.get(name, True) for name in _LEFT_OUT_WHERE_EMPTY):
        raise TamperedError("a leaf holds a member that entries leave out")
    try:
        document["node"], document["node_epoch"], document["sequence"] = document["node"]
        entry = msgspec.convert(document, Entry)
    except (KeyError, TypeError, ValueError) as error:
        raise TamperedError("a leaf lacks what an entry has") from error
    if entry.operation not in ENTRY_OPERATIONS:
        raise TamperedError("a leaf states an operation that has no entries")
    return entry


def check_identifier(name: str, value: str) -> None:
    """Refuse what is not an identifier: these go into the ledger, where nothing personal may go.

    Raises:
        UsageError: `value` is empty, longer than 128, or holds other characters than letters, digits and ._:@/+-
    """
    if not _IDENTIFIER.fullmatch(value):
        raise UsageError(f"{name} must be an identifier of 1 to 128 letters, digits and ._:@/+-")
