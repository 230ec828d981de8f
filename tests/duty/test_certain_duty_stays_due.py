"""A duty that is certain for some people is not hidden by open questions about others."""

from __future__ import annotations

from duty_worlds import MONDAY, facts, group, risks

from cloakroom.adapters.legal_data import load_rules
from cloakroom.duty.evaluation import evaluate_duties


def test_a_few_people_whose_law_is_open_do_not_take_the_deadline_from_thousands_whose_law_is_certain():
    case = facts(group("US-AL", 5000, ["name", "national_id"]), group("US-AL", 3, ["name", "passport"]), at=MONDAY)
    duties = {duty.id: duty for duty in evaluate_duties(case, load_rules(), risks("high"))}
    individuals = next(duty for name, duty in duties.items() if name.startswith("us-al-individuals"))
    assert str(individuals.status) == "due"
    assert individuals.deadline is not None
