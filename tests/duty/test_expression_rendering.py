import pytest
from hypothesis import given
from test_duty_expressions import atom, expressions

from cloakroom.adapters.legal_data import load_rules
from cloakroom.duty.expression_rendering import render_expression
from cloakroom.duty.expressions import _ATOMS, Expression

EITHER = Expression("any", operands=(atom("data", "health"), atom("always", False)))


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        (atom("data", "passport", "national_id"), "the data hold passport or national id"),
        (atom("data_all", "name", "birth_date"), "the data hold name and birth date of the same persons"),
        (atom("persons_from", 1000), "1,000 or more persons"),
        (atom("persons_over", 500), "more than 500 persons"),
        (atom("risk", "high"), "the assessment finds a high risk"),
        (atom("intelligible", False), "the data are unintelligible and the key is safe"),
        (atom("flag", "listed_us"), "the controller is marked listed_us"),
        (atom("always", True), "always"),
        (Expression("not", operands=(atom("data", "name"),)), "not the data hold name"),
        (
            Expression("all", operands=(atom("data", "name"), EITHER)),
            "the data hold name and (the data hold health or never)",
        ),
    ],
)
def test_an_expression_reads_as_a_phrase(expression, words):
    assert render_expression(expression) == words


@given(expressions)
def test_every_expression_has_words_and_balanced_brackets(expression):
    words = render_expression(expression)
    assert words
    assert words.count("(") == words.count(")")


def test_every_rule_that_ships_has_words_and_every_operator_is_known():
    seen = set()
    for rule in load_rules(with_cases=False).rules:
        for expression in (rule.who, rule.when, *(exemption.when for exemption in rule.exemptions)):
            assert render_expression(expression)
            seen.add(expression.op)
    assert seen <= set(_ATOMS) | {"all", "any", "not"}
