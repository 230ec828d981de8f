"""DecisionCache that are kept say what a judgement of the moment would say, whatever was asked before."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from gate_worlds import person

from cloakroom.clock import to_microseconds
from cloakroom.gate import decision_cache
from cloakroom.gate.decision import Principal, Request, decide
from cloakroom.gate.decision_cache import DecisionCache
from cloakroom.gate.policy import Networks
from cloakroom.gate.policy_text import parse_policy
from cloakroom.vocabulary import Operation

POLICY = parse_policy(
    (Path(__file__).parents[2] / "examples" / "valmont" / "policy.toml").read_bytes(), "policy.toml"
)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CHIARA = person("chiara", "store_associate", brands=("auberon",))
PRINCIPALS = [
    CHIARA,
    replace(CHIARA, roles=frozenset()),  # the same one, after her role was taken away
    replace(CHIARA, networks=Networks()),
    replace(CHIARA, valid_until=NOW + timedelta(hours=1)),
    person("dario", "privacy_officer", brands=("*",)),
]
WORLD = {
    "principal": PRINCIPALS,
    "operation": [Operation.REVEAL, Operation.FIND],
    "purpose": ["clienteling", "breach_assessment", "nothing"],
    "brand": ["auberon", "tarsenne"],
    "fields": [frozenset({"email"}), frozenset({"email", "national_id"}), frozenset()],
    "records": [1, 3, 100_000],
    "at": [NOW, NOW + timedelta(minutes=59), NOW + timedelta(hours=1), NOW + timedelta(days=9_999)],
    "address": ["10.20.4.7", "203.0.113.9", None],
    "reference": ["APT-2026-118", "APT-2026-119", "no number", None],
}
QUESTIONS = [dict(zip(WORLD, values, strict=True)) for values in itertools.product(*WORLD.values())]


def asked(kept: DecisionCache, question: dict[str, object]) -> object:
    rest = {name: value for name, value in question.items() if name not in {"principal", "at"}}
    return kept.decide(question["principal"], at=to_microseconds(question["at"]), **rest)  # type: ignore[arg-type]


def judged(question: dict[str, object]) -> object:
    rest = {name: value for name, value in question.items() if name not in {"principal", "brand"}}
    principal = question["principal"]
    assert isinstance(principal, Principal)
    return decide(POLICY, principal, Request(brands=frozenset({str(question["brand"])}), **rest))  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(3))
def test_a_kept_permit_says_what_judging_anew_would(seed: int) -> None:
    kept = DecisionCache(POLICY)
    permitted = 0
    for question in random.Random(seed).sample(QUESTIONS, len(QUESTIONS)):
        answer = asked(kept, question)
        assert answer == judged(question)
        permitted += answer.permitted  # type: ignore[attr-defined]
    assert permitted > 50


def test_a_permit_is_kept_and_there_are_never_more_than_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    judged_anew: list[Request] = []

    def counting(policy: object, principal: Principal, request: Request) -> object:
        judged_anew.append(request)
        return decide(POLICY, principal, request)

    monkeypatch.setattr(decision_cache, "decide", counting)
    monkeypatch.setattr(decision_cache, "DECISIONS_MAX", 3)
    kept = DecisionCache(POLICY)
    question = {
        "principal": CHIARA,
        "operation": Operation.REVEAL,
        "purpose": "clienteling",
        "brand": "auberon",
        "fields": frozenset({"email"}),
        "records": 1,
        "at": NOW,
        "address": "10.20.4.7",
        "reference": "APT-2026-118",
    }
    for number in range(50):
        assert asked(kept, question | {"reference": f"APT-{number}"}).permitted  # type: ignore[attr-defined]
    assert len(judged_anew) == 1
    for count in range(1, 20):
        asked(kept, question | {"address": f"10.20.4.{count}"})
        assert len(kept._cached) <= 3
