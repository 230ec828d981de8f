"""Shared words: which operations a policy may name, which ones entries state, and that one enum serves both."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from cloakroom.canonical import json as canonical_json
from cloakroom.errors import RuleError, TamperedError, UsageError
from cloakroom.gate.policy import OPENING, PROBING
from cloakroom.gate.policy_text import parse_policy
from cloakroom.ledger.entry import COUNTED, Entry, decode_entry, encode_entry
from cloakroom.ledger.ocsf import ACTIVITIES
from cloakroom.vault.envelope import EnvelopeClass
from cloakroom.vocabulary import ENTRY_OPERATIONS, POLICY_OPERATIONS, FieldClass, Operation

SOURCES = Path(__file__).resolve().parents[1] / "src" / "cloakroom"
ENTRY = Entry(
    at=1,
    node="n",
    node_epoch=1,
    sequence=1,
    lineage="anna",
    principal="anna",
    operation=Operation.REVEAL,
    permitted=True,
    reason="granted",
)


def test_every_operation_is_a_policys_or_an_entrys_and_the_gates_sets_lie_within():
    assert set(Operation) == POLICY_OPERATIONS | ENTRY_OPERATIONS
    assert OPENING | PROBING <= POLICY_OPERATIONS & ENTRY_OPERATIONS
    assert COUNTED <= ENTRY_OPERATIONS
    assert set(ACTIVITIES) == ENTRY_OPERATIONS


@pytest.mark.parametrize("operation", sorted(Operation))
def test_a_policy_permits_its_own_operations_and_refuses_every_other(operation):
    text = f'format = 1\n[purposes.p]\ntext = "t"\noperations = ["{operation}"]\n'
    with pytest.raises(RuleError) as caught:
        parse_policy(text.encode(), "p.toml")
    refused = any(
        str(problem).startswith("p.toml:4: purposes.p.operations: has") for problem in caught.value.problems
    )
    assert refused == (operation not in POLICY_OPERATIONS)


@pytest.mark.parametrize("operation", sorted(Operation))
def test_an_entry_states_its_own_operations_and_no_other_whoever_wrote_it(operation):
    leaf = canonical_json.encode(
        {**canonical_json.decode(encode_entry(ENTRY)), "operation": str(operation)}  # type: ignore[dict-item]
    )
    if operation in ENTRY_OPERATIONS:
        assert decode_entry(leaf).operation is operation
    else:
        with pytest.raises(TamperedError):
            decode_entry(leaf)
        with pytest.raises(UsageError, match="has no entries"):
            encode_entry(replaced(ENTRY, operation))


def replaced(entry, operation):
    return Entry(**{name: getattr(entry, name) for name in entry.__struct_fields__} | {"operation": operation})


def test_each_class_of_fields_has_one_number_in_sealed_bytes():
    assert [item.name for item in EnvelopeClass] == [item.name for item in FieldClass]


def test_no_shared_word_is_defined_a_second_time():
    names = Counter(
        node.name
        for path in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    )
    assert {name: names[name] for name in ("Operation", "FieldClass")} == {"Operation": 1, "FieldClass": 1}
