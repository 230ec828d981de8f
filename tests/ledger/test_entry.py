"""An entry has one spelling: whatever else a leaf says is refused, and never read as something near it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from cloakroom.canonical import json as canonical_json
from cloakroom.errors import LimitError, TamperedError, UsageError
from cloakroom.ledger.entry import (
    COUNTED,
    MAX_ENTRY_SIZE,
    Entry,
    check_identifier,
    decode_entry,
    encode_entry,
)
from cloakroom.vocabulary import ENTRY_OPERATIONS, Operation

PLAIN = Entry(
    at=1_795_435_202_000_000, node="web-1", node_epoch=3, sequence=19, lineage="anna", principal="anna",
    operation=Operation.REVEAL, permitted=True, reason="granted",
)  # fmt: skip
FULL = replace(
    PLAIN, principal="bea", permitted=False, reason="budget", purpose="clienteling", brand="tarsenne",
    shape={"email": "mask"}, records=3, set_sha256="ab" * 32, reference="APPT-7", policy="cd" * 32,
    budget={"burst/records": (40, 0, 3)}, detail={"drawn": ["contact"], "probes": 2}, count=2,
)  # fmt: skip
ALWAYS = {"v", "at", "node", "lineage", "principal", "operation", "permitted", "reason"}
IDENTIFIERS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,20}", fullmatch=True)
NAMES, NUMBERS = st.text(max_size=10), st.integers(0, 2**53 - 1)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    return Entry(
        at=draw(NUMBERS), node=draw(NAMES), node_epoch=draw(NUMBERS), sequence=draw(NUMBERS),
        lineage=draw(IDENTIFIERS), principal=draw(IDENTIFIERS),
        operation=draw(st.sampled_from(sorted(ENTRY_OPERATIONS))), permitted=draw(st.booleans()), reason=draw(NAMES),
        purpose=draw(NAMES), brand=draw(NAMES), shape=draw(st.dictionaries(NAMES, NAMES, max_size=3)),
        records=draw(NUMBERS), set_sha256=draw(NAMES), reference=draw(st.just("") | IDENTIFIERS), policy=draw(NAMES),
        budget=draw(st.dictionaries(NAMES, st.tuples(NUMBERS, NUMBERS, NUMBERS), max_size=3)),
        detail=draw(st.dictionaries(NAMES, NAMES | NUMBERS | st.lists(NAMES, max_size=2), max_size=3)),
        count=draw(NUMBERS),
    )  # fmt: skip


def document(entry: Entry = FULL) -> dict[str, object]:
    return json.loads(encode_entry(entry))


@given(entries())
def test_every_entry_comes_back_from_its_bytes_and_gives_them_again(entry: Entry) -> None:
    leaf = encode_entry(entry)
    assert decode_entry(leaf) == entry
    assert encode_entry(decode_entry(leaf)) == leaf


def test_what_is_empty_is_left_out_and_what_is_not_stands_under_its_name() -> None:
    assert set(document(PLAIN)) == ALWAYS
    told = document()
    assert told.pop("v") == 1
    assert told.pop("node") == ["web-1", 3, 19]
    attributes = {**asdict(FULL), "operation": "reveal", "budget": {"burst/records": [40, 0, 3]}}
    assert told == {name: attributes[name] for name in attributes if name not in {"node", "node_epoch", "sequence"}}


@pytest.mark.parametrize("name", sorted(ALWAYS))
def test_a_leaf_without_what_every_entry_has_is_refused(name: str) -> None:
    with pytest.raises(TamperedError):
        decode_entry(canonical_json.encode({key: value for key, value in document().items() if key != name}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("v", 2), ("v", "1"), ("v", True), ("at", "1795435202000000"), ("at", True), ("at", None),
        ("node", "web"), ("node", ["web-1", 3]), ("node", ["web-1", 3, 19, 0]), ("node", {"a": 1, "b": 2, "c": 3}),
        ("node", [1, 3, 19]), ("node", ["web-1", "3", 19]), ("node", ["web-1", 3, True]), ("node", 7),
        ("lineage", 7), ("principal", ["anna"]), ("principal", None), ("operation", "open"), ("operation", 1),
        ("operation", ["reveal"]), ("permitted", 1), ("permitted", "false"), ("permitted", None), ("reason", 0),
        ("purpose", 1), ("brand", ["tarsenne"]), ("shape", ["email"]), ("shape", {"email": 1}), ("records", "3"),
        ("records", True), ("set_sha256", 12), ("reference", 7), ("policy", {}), ("budget", []), ("budget", [1]),
        ("budget", {"burst/records": [40, 0]}), ("budget", {"burst/records": [40, 0, 3, 4]}),
        ("budget", {"burst/records": [40, 0, "3"]}), ("budget", {"burst/records": 40}), ("detail", []),
        ("detail", "x"), ("count", "2"), ("count", True),
    ],
)  # fmt: skip
def test_a_member_of_another_type_is_refused_and_never_taken_for_one(name: str, value: object) -> None:
    with pytest.raises(TamperedError, match="a leaf"):
        decode_entry(canonical_json.encode({**document(), name: value}))


@pytest.mark.parametrize("name", ["node_epoch", "sequence", "note", "", "V"])
def test_a_member_that_entries_do_not_have_is_refused(name: str) -> None:
    with pytest.raises(TamperedError, match="a leaf"):
        decode_entry(canonical_json.encode({**document(), name: 5}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("purpose", ""), ("brand", ""), ("shape", {}), ("records", 0), ("set_sha256", ""), ("reference", ""),
        ("policy", ""), ("budget", {}), ("detail", {}), ("count", 1),
    ],
)  # fmt: skip
def test_an_empty_member_that_is_not_left_out_is_another_spelling_and_refused(name: str, value: object) -> None:
    with pytest.raises(TamperedError, match="a leaf"):
        decode_entry(canonical_json.encode({**document(), name: value}))


@pytest.mark.parametrize(
    "leaf", [b"", b"[]", b"null", b"1", b'"v"', b"{}", b"{", b"\xff", encode_entry(FULL) + b"\n"]
)
def test_what_is_no_canonical_object_is_refused(leaf: bytes) -> None:
    with pytest.raises(TamperedError):
        decode_entry(leaf)


def test_a_changed_byte_is_refused_or_read_as_what_it_says_now() -> None:
    leaf = encode_entry(FULL)
    for place in range(len(leaf)):
        changed = bytes([*leaf[:place], leaf[place] ^ 1, *leaf[place + 1 :]])
        try:
            told = decode_entry(changed)
        except TamperedError:
            continue
        assert told != FULL


@pytest.mark.parametrize("operation", sorted(set(Operation) - ENTRY_OPERATIONS))
def test_an_operation_without_entries_is_not_entered_and_not_read(operation: Operation) -> None:
    with pytest.raises(UsageError, match="has no entries"):
        encode_entry(replace(PLAIN, operation=operation))
    with pytest.raises(TamperedError, match="that has no entries"):
        decode_entry(canonical_json.encode({**document(), "operation": str(operation)}))


def test_only_these_operations_count_against_a_lineage() -> None:
    assert sorted(COUNTED) == ["exchange", "find", "list", "probe", "release", "renew", "reveal"]


def test_an_entry_is_bounded_to_the_last_byte() -> None:
    room = MAX_ENTRY_SIZE - len(encode_entry(replace(PLAIN, detail={"note": ""})))
    largest = replace(PLAIN, detail={"note": "x" * room})
    assert len(encode_entry(largest)) == 65_535
    assert decode_entry(encode_entry(largest)) == largest
    for text in ("x" * (room + 1), "é" * (room // 2 + 1)):
        with pytest.raises(LimitError, match="at most 65535 bytes"):
            encode_entry(replace(PLAIN, detail={"note": text}))


@pytest.mark.parametrize("value", ["a", "7", "a" * 128, "anna:0102", "a@b.example", "A/b+c-d._:"])
def test_an_identifier_is_taken(value: str) -> None:
    check_identifier("lineage", value)


@pytest.mark.parametrize(
    "value", ["", "a" * 129, "-a", ".a", "@a", "Jane Roe", "Zoë", "a\n", "\na", "a\x00", "a;b", "a*", "٣"]
)
@pytest.mark.parametrize("name", ["lineage", "principal", "reference"])
def test_what_is_no_identifier_is_not_entered_and_never_repeated(name: str, value: str) -> None:
    if value or name != "reference":
        with pytest.raises(UsageError, match=f"^{name} must be an identifier") as caught:
            encode_entry(replace(PLAIN, **{name: value}))
        assert not value.strip("\n") or repr(value)[1:-1] not in str(caught.value).removeprefix(name)[:20]
