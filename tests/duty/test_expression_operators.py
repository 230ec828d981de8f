"""Every operator of rules over certain and uncertain groups, with the words of its reason and question.

The operators are those of `docs/reference/rules.md`; truths of uncertain groups come from trying both ways to settle
whether each of them belongs.
"""

from __future__ import annotations

from itertools import product

import pytest
from duty_worlds import HOUSE, facts, group, risks

from cloakroom.duty.expressions import Expression, Question, Selection, Truth, Verdict, evaluate
from cloakroom.duty.facts import AffectedGroup, ControllerFacts

GROUPS = (
    group("FR", 10, ["name", "email"], segment="general"),
    group("FR", 20, ["name", "birth_date"], segment="minor"),
    group("US-TX", 30, ["passport"], segment="employee"),
)
OVER_GROUPS = (
    Expression("data", values=("email", "passport")),
    Expression("data_all", values=("name", "email")),
    Expression("segment", values=("minor", "employee")),
    Expression("place", values=("US",)),
    Expression("place", values=("US-TX",)),
    Expression("place", values=("US-CA", "FR")),
)


def selection(
    certain: tuple[AffectedGroup, ...] = (),
    uncertain: tuple[AffectedGroup, ...] = (),
    controller: ControllerFacts = HOUSE,
    levels: dict[str, str] | None = None,
    **incident: object,
) -> Selection:
    assessed = {
        segment: next(risk for risk in risks(level) if risk.segment == segment)
        for segment, level in (levels or {}).items()
    }
    return Selection(facts(**incident).incident, controller, certain, uncertain, assessed)


def said(op: str, *values: str | int | bool, of: Selection) -> Verdict:
    return evaluate(Expression(op, values=values), of)


@pytest.mark.parametrize("expression", OVER_GROUPS, ids=lambda one: f"{one.op} {one.values}")
def test_a_group_that_may_not_belong_leaves_open_exactly_what_depends_on_it(expression: Expression) -> None:
    """Each of three groups is certain, uncertain or not there: the truth is what all ways to settle it agree on."""
    for roles in product(("certain", "uncertain", "absent"), repeat=3):
        certain = tuple(one for one, role in zip(GROUPS, roles, strict=True) if role == "certain")
        uncertain = tuple(one for one, role in zip(GROUPS, roles, strict=True) if role == "uncertain")
        settled = set()
        for choice in product((True, False), repeat=len(uncertain)):
            members = certain + tuple(one for one, is_in in zip(uncertain, choice, strict=True) if is_in)
            settled.add(evaluate(expression, selection(members)).truth)
        expected = settled.pop() if len(settled) == 1 else Truth.UNKNOWN
        verdict = evaluate(expression, selection(certain, uncertain))
        assert verdict.truth is expected, roles
        assert bool(verdict.questions) is (expected is Truth.UNKNOWN)


@pytest.mark.parametrize(
    ("op", "values", "words"),
    [
        ("data", ("email", "passport"), "the data hold email and passport"),
        ("data", ("wage", "health"), "the data hold no wage or health"),
        ("data", ("birth_date",), "the data hold birth date"),
        ("data_all", ("name", "email"), "the data hold name and email of the same persons"),
        ("data_all", ("email", "passport"), "the data do not hold email and passport together"),
        ("segment", ("minor", "vulnerable"), "persons of the segment minor or vulnerable are among them"),
        ("segment", ("high_spender",), "no person of the segment high spender is among them"),
        ("place", ("US-TX", "FR"), "residents of FR, US-TX"),
        ("place", ("US",), "residents of US"),  # somebody in Texas is
        ("place", ("US-CA",), "not residents of US-CA"),
        ("persons_from", (60,), "60 persons count: the threshold is 60 or more"),
        ("persons_over", (60,), "60 persons count: the threshold is more than 60"),
        ("persons_from", (1000,), "60 persons count: the threshold is 1,000 or more"),
        ("taken", ("exfiltrated",), "taking: accessed, not exfiltrated"),
        ("taken", ("accessed", "exfiltrated"), "taking: accessed"),
        ("cause", ("internal_accident",), "cause: internal malicious, not internal accident"),
        ("holder", ("known_few", "trusted"), "holder: criminal, not known few or trusted"),
        ("nature", ("availability",), "nature: availability and confidentiality"),
        ("service_harm", ("serious", "safety"), "harm to services: minor, not serious or safety"),
        ("intelligible", (False,), "the data are intelligible to whoever has them"),
        ("deletion_confirmed", (False,), "deletion is not confirmed"),
        ("restored_hours_over", (71,), "data were restored after 72 hours, more than 71"),
        ("restored_hours_over", (72,), "data were restored after 72 hours, not more than 72"),
        ("flag", ("nis2", "listed_us", "difc"), "the controller is marked listed_us, nis2"),
        ("flag", ("difc", "adgm"), "the controller is not marked difc or adgm"),
        ("based", ("DE",), "the controller's seat is in CH"),
        ("always", (True,), "no threshold"),
        ("always", (False,), "never"),
    ],
)
def test_a_reason_names_the_fact_and_what_the_rule_asks(op: str, values: tuple[str | int | bool, ...], words: str):
    controller = ControllerFacts("house", "House", "CH", flags=frozenset({"nis2", "listed_us"}))
    of = selection(
        GROUPS,
        controller=controller,
        taken="accessed",
        cause="internal_malicious",
        holder="criminal",
        nature=("availability", "confidentiality"),
        service_harm="minor",
        restored_hours=72,
    )
    verdict = said(op, *values, of=of)
    assert verdict.reasons == (words,)
    assert verdict.questions == ()


@pytest.mark.parametrize(
    ("op", "values", "question"),
    [
        ("data", ("email", "passport", "wage"), "it is open whether the groups that hold email or passport count"),
        ("data_all", ("name", "email"), "it is open whether the groups that hold name and email count"),
        ("segment", ("minor",), "it is open whether persons of the segment minor count"),
        ("place", ("US-TX", "FR"), "it is open whether residents of FR, US-TX count"),
        ("persons_from", (1,), "between 0 and 60 persons: the threshold is 1 or more"),
        ("persons_over", (59,), "between 0 and 60 persons: the threshold is more than 59"),
        ("risk", ("high",), "the risk has not been assessed for every segment"),
        ("harm", ("serious harm",), "a written judgement is needed: is serious harm likely?"),
        ("open", ("who holds it?",), "who holds it?"),
    ],
)
def test_an_unknown_asks_what_would_settle_it(op: str, values: tuple[str | int, ...], question: str) -> None:
    verdict = said(op, *values, of=selection((), GROUPS))
    assert verdict == Verdict(Truth.UNKNOWN, (question,), (Question(question),))


@pytest.mark.parametrize(
    ("intelligible", "asked", "truth", "words"),
    [
        (True, True, Truth.TRUE, "the data are intelligible to whoever has them"),
        (True, False, Truth.FALSE, "the data are intelligible to whoever has them"),
        (False, True, Truth.FALSE, "the data are unintelligible and the key is safe"),
        (False, False, Truth.TRUE, "the data are unintelligible and the key is safe"),
    ],
)
def test_intelligible_is_asked_both_ways(intelligible: bool, asked: bool, truth: Truth, words: str) -> None:
    of = selection(GROUPS, intelligible=intelligible)
    assert said("intelligible", asked, of=of) == Verdict(truth, (words,))


@pytest.mark.parametrize(
    ("confirmed", "asked", "truth", "words"),
    [
        (True, True, Truth.TRUE, "deletion is confirmed in writing"),
        (True, False, Truth.FALSE, "deletion is confirmed in writing"),
        (False, True, Truth.FALSE, "deletion is not confirmed"),
        (False, False, Truth.TRUE, "deletion is not confirmed"),
    ],
)
def test_confirmed_deletion_is_asked_both_ways(confirmed: bool, asked: bool, truth: Truth, words: str) -> None:
    of = selection(GROUPS, deletion_confirmed=confirmed)
    assert said("deletion_confirmed", asked, of=of) == Verdict(truth, (words,))


LEVELS = (None, "none", "risk", "high")


@pytest.mark.parametrize(("first", "second"), list(product(LEVELS, repeat=2)))
def test_one_segment_at_risk_is_enough_and_one_that_nobody_assessed_leaves_the_rest_open(
    first: str | None, second: str | None
) -> None:
    levels = {name: level for name, level in (("general", first), ("minor", second)) if level is not None}
    of = selection(GROUPS[:2], levels=levels)
    both = {first, second}
    any_risk = Truth.TRUE if both & {"risk", "high"} else Truth.UNKNOWN if None in both else Truth.FALSE
    high = Truth.TRUE if "high" in both else Truth.UNKNOWN if None in both else Truth.FALSE
    harm = Truth.TRUE if "high" in both else Truth.FALSE if both == {"none"} else Truth.UNKNOWN
    assert said("risk", "risk", of=of).truth is any_risk
    assert said("risk", "high", of=of).truth is high
    assert said("harm", "harm", of=of).truth is harm


def test_the_reasons_of_risk_and_harm_tell_the_levels_apart() -> None:
    certain, high, none = GROUPS[:1], {"general": "high"}, {"general": "none"}
    for op, value, levels, words in (
        ("risk", "risk", high, "the assessment finds a risk to the persons"),
        ("risk", "high", high, "the assessment finds a high risk to the persons"),
        ("risk", "risk", none, "the assessment does not find a risk to the persons"),
        ("risk", "high", none, "the assessment does not find a high risk to the persons"),
        ("harm", "loss", high, "loss is likely: the assessment finds a high risk"),
        ("harm", "loss", none, "loss is not likely: the assessment finds no risk"),
    ):
        assert said(op, value, of=selection(certain, levels=levels)).reasons == (words,)


def test_a_segment_of_uncertain_persons_at_no_risk_opens_no_question() -> None:
    levels = {"general": "none", "minor": "none"}
    assert said("risk", "risk", of=selection(GROUPS[:1], GROUPS[1:2], levels=levels)).truth is Truth.FALSE
    levels = {"general": "none", "minor": "high"}
    assert said("risk", "risk", of=selection(GROUPS[:1], GROUPS[1:2], levels=levels)).truth is Truth.UNKNOWN


@pytest.mark.parametrize("op", ["persons_from", "persons_over"])
def test_a_threshold_agrees_with_every_number_that_the_bounds_allow(op: str) -> None:
    for proven, possible, doubted, value in product(range(4), range(4), range(3), range(1, 9)):
        if possible < proven:
            continue
        of = selection((group(persons=proven, possible=possible),), (group(persons=doubted),))
        reached = {
            number >= value if op == "persons_from" else number > value
            for number in range(proven, possible + doubted + 1)
        }
        expected = Truth.UNKNOWN if len(reached) == 2 else Truth.TRUE if True in reached else Truth.FALSE
        assert said(op, value, of=of).truth is expected, (proven, possible, doubted, value)


def test_only_the_operands_that_decided_give_reasons_and_none_twice() -> None:
    yes, also, no = (Expression("always", values=(value,)) for value in (True, True, False))
    ask = Expression("open", values=("is it?",))
    of = selection(GROUPS)
    assert evaluate(Expression("all", operands=(yes, ask, no)), of) == Verdict(Truth.FALSE, ("never",))
    assert evaluate(Expression("any", operands=(no, ask, yes, also)), of) == Verdict(Truth.TRUE, ("no threshold",))
    twice = evaluate(Expression("all", operands=(yes, ask, ask)), of)
    assert twice == Verdict(Truth.UNKNOWN, ("is it?",), (Question("is it?"),))


def test_denial_keeps_reason_and_question() -> None:
    ask = Expression("unclear", values=("what is large?",))
    of = selection(GROUPS)
    assert evaluate(Expression("not", operands=(ask,)), of) == Verdict(
        Truth.UNKNOWN, ("what is large?",), (Question("what is large?", for_counsel=True),)
    )
    assert evaluate(Expression("not", operands=(Expression("always", values=(False,)),)), of) == Verdict(
        Truth.TRUE, ("never",)
    )
