from itertools import product

import pytest
from duty_worlds import HOUSE, facts, group, risks
from hypothesis import given
from hypothesis import strategies as st

from cloakroom.duty.expressions import Expression, Selection, Truth, evaluate, walk
from cloakroom.duty.facts import ControllerFacts

TRUE = Expression("always", values=(True,))
FALSE = Expression("always", values=(False,))
UNKNOWN = Expression("open", values=("is it?",))
THREE = {Truth.TRUE: TRUE, Truth.FALSE: FALSE, Truth.UNKNOWN: UNKNOWN}


def selection(*groups, uncertain=(), level="high", controller=HOUSE, **incident):
    own = {} if level is None else {risk.segment: risk for risk in risks(level)}
    return Selection(facts(**incident).incident, controller, groups, tuple(uncertain), own)


def truth(expression, chosen=None):
    return evaluate(expression, chosen or selection(group())).truth


def atom(op, *values):
    return Expression(op, values=values)


@pytest.mark.parametrize(("one", "other"), list(product(Truth, Truth)))
def test_all_and_any_follow_kleene(one, other):
    both = (THREE[one], THREE[other])
    assert truth(Expression("all", operands=both)).value == min(one.value, other.value)
    assert truth(Expression("any", operands=both)).value == max(one.value, other.value)
    assert truth(Expression("not", operands=(THREE[one],))).value == 2 - one.value


expressions = st.recursive(
    st.sampled_from(list(THREE.values())),
    lambda inner: (
        st.tuples(st.sampled_from(["all", "any"]), st.lists(inner, min_size=1, max_size=4)).map(
            lambda pair: Expression(pair[0], operands=tuple(pair[1]))
        )
        | inner.map(lambda one: Expression("not", operands=(one,)))
    ),
    max_leaves=12,
)


def completions(expression):
    """Every two-valued reading of an expression, each unknown on its own: the oracle."""
    if expression.op == "open":
        return {True, False}
    if expression.op == "always":
        return {expression.values[0]}
    inner = [completions(operand) for operand in expression.operands]
    if expression.op == "not":
        return {not value for value in inner[0]}
    fold = all if expression.op == "all" else any
    return {fold(values) for values in product(*inner)}


@given(expressions)
def test_a_truth_agrees_with_every_way_to_settle_the_questions(expression):
    possible = completions(expression)
    expected = Truth.UNKNOWN if len(possible) == 2 else Truth.TRUE if True in possible else Truth.FALSE
    assert truth(expression) is expected


@given(expressions)
def test_an_unknown_always_comes_with_a_question(expression):
    verdict = evaluate(expression, selection(group()))
    assert (verdict.truth is Truth.UNKNOWN) == bool(verdict.questions)
    assert verdict.reasons


@pytest.mark.parametrize(
    ("op", "value", "below", "at"), [("persons_from", 250, 249, 250), ("persons_over", 500, 500, 501)]
)
def test_thresholds_turn_exactly_at_their_number(op, value, below, at):
    assert truth(atom(op, value), selection(group(persons=below))) is Truth.FALSE
    assert truth(atom(op, value), selection(group(persons=at))) is Truth.TRUE
    assert truth(atom(op, value), selection(group(persons=below, possible=at))) is Truth.UNKNOWN


def test_a_threshold_adds_groups_up_and_keeps_uncertain_ones_apart():
    chosen = selection(group(persons=100), uncertain=[group(persons=200)])
    assert truth(atom("persons_from", 100), chosen) is Truth.TRUE
    assert truth(atom("persons_from", 101), chosen) is Truth.UNKNOWN
    assert truth(atom("persons_from", 301), chosen) is Truth.FALSE


def test_data_of_different_groups_are_not_joined():
    chosen = selection(group(data=["name"]), group(data=["birth_date"]))
    assert truth(atom("data_all", "name", "birth_date"), chosen) is Truth.FALSE
    assert truth(atom("data", "name", "birth_date"), chosen) is Truth.TRUE


def test_atoms_read_the_incident_the_controller_and_the_segment():
    house = ControllerFacts("house", "House", "CH", flags=frozenset({"nis2"}))
    chosen = selection(group("PL", segment="minor"), controller=house, taken="accessed", restored_hours=73)
    for expression, expected in (
        (atom("taken", "accessed", "exfiltrated"), True),
        (atom("taken", "excluded"), False),
        (atom("nature", "confidentiality", "integrity"), True),
        (atom("nature", "availability"), False),
        (atom("restored_hours_over", 72), True),
        (atom("restored_hours_over", 73), False),
        (atom("intelligible", True), True),
        (atom("intelligible", False), False),
        (atom("deletion_confirmed", False), True),
        (atom("flag", "nis2"), True),
        (atom("flag", "listed_us"), False),
        (atom("based", "CH"), True),
        (atom("based", "FR"), False),
        (atom("place", "PL"), True),
        (atom("place", "DE"), False),
        (atom("segment", "minor"), True),
        (atom("segment", "employee"), False),
        (atom("holder", "criminal"), True),
        (atom("cause", "internal_accident"), False),
        (atom("service_harm", "none"), True),
    ):
        assert truth(expression, chosen) is (Truth.TRUE if expected else Truth.FALSE), expression


@pytest.mark.parametrize(
    ("level", "risk", "high", "harm"),
    [
        ("none", Truth.FALSE, Truth.FALSE, Truth.FALSE),
        ("risk", Truth.TRUE, Truth.FALSE, Truth.UNKNOWN),
        ("high", Truth.TRUE, Truth.TRUE, Truth.TRUE),
        (None, Truth.UNKNOWN, Truth.UNKNOWN, Truth.UNKNOWN),
    ],
)
def test_risk_and_harm_follow_the_assessment(level, risk, high, harm):
    chosen = selection(group(), level=level)
    assert truth(atom("risk", "risk"), chosen) is risk
    assert truth(atom("risk", "high"), chosen) is high
    assert truth(atom("harm", "serious harm"), chosen) is harm


def test_a_question_for_counsel_is_marked():
    assert evaluate(atom("unclear", "what?"), selection(group())).questions[0].for_counsel
    assert not evaluate(atom("open", "what?"), selection(group())).questions[0].for_counsel


def test_walking_meets_every_part():
    inner = Expression("not", operands=(TRUE,))
    assert list(walk(Expression("all", operands=(inner, FALSE))))[1:] == [inner, TRUE, FALSE]


@given(expressions)
def test_the_quick_way_finds_the_same_truth_and_the_same_need_for_counsel(expression):
    slow = evaluate(expression, selection(group()))
    quick = evaluate(expression, selection(group()), quick=True)
    assert quick.truth is slow.truth
    assert quick.questions == slow.questions
