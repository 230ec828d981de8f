"""What a search looks for has one form by the kind of its index, and what is none of that kind is never repeated."""

from __future__ import annotations

import pytest

from cloakroom.errors import InputError
from cloakroom.flows.records.find import normal_form
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vault.fields import WELL_KNOWN_FIELDS

NAMES = ("customer_number", "email", "phone", "country")
CATALOGUE = Catalogue({}, {}, {}, {}).extended(["alba"], {name: WELL_KNOWN_FIELDS[name] for name in NAMES})


@pytest.mark.parametrize(
    ("index", "text", "country", "expected"),
    [
        ("email", " Anna@Example.COM ", None, "anna@example.com"),
        ("email", "Anna@Example.COM", "FR", "anna@example.com"),
        ("phone", "06 12 34 56 78", "FR", "+33612345678"),
        ("phone", "+33 6 12 34 56 78", None, "+33612345678"),
        ("customer_number", "  C-0007 \n", None, "C-0007"),
        ("customer_number", "c-0007", None, "c-0007"),
    ],
)
def test_each_index_has_its_own_form(index: str, text: str, country: str | None, expected: str) -> None:
    assert normal_form(CATALOGUE, index, text, country) == expected


@pytest.mark.parametrize(
    ("index", "text"),
    [
        ("email", "anna at example"), ("email", "+33612345678"), ("email", ""), ("phone", "06 12 34 56 78"),
        ("phone", "anna@example.com"), ("customer_number", "   "), ("customer_number", ""),
    ],
)  # fmt: skip
def test_what_is_nothing_of_its_kind_is_refused_and_never_repeated(index: str, text: str) -> None:
    with pytest.raises(InputError, match=f"not a value of the index {index}") as caught:
        normal_form(CATALOGUE, index, text, None)
    assert caught.value.problems[0].position.field == "value"
    assert not text.strip() or text not in str(caught.value)


@pytest.mark.parametrize("index", ["country", "name", "", "EMAIL", "jane.roe@mail.example"])
def test_an_index_that_there_is_not_is_refused_with_those_that_there_are(index: str) -> None:
    with pytest.raises(InputError) as caught:
        normal_form(CATALOGUE, index, "anna@example.com", None)
    problem = caught.value.problems[0]
    assert problem.position.field == "by"
    assert problem.reason == "no such index; known: customer_number, email, phone"


def test_an_index_whose_fields_are_gone_is_none_although_it_has_its_number() -> None:
    narrowed = CATALOGUE.extended(["alba"], {"email": WELL_KNOWN_FIELDS["email"]})
    assert "phone" in narrowed.indexes
    with pytest.raises(InputError, match="no such index"):
        normal_form(narrowed, "phone", "+33612345678", None)
