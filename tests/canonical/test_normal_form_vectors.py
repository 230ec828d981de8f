"""The vectors of the normal forms pass wherever a value becomes a key: in imports, searches and claim checks."""

import json
import time
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from cloakroom.adapters.deliveries.values import normal_forms
from cloakroom.canonical.email import canonical_email
from cloakroom.canonical.phone import canonical_phone
from cloakroom.claims.keys import email_keys, phone_keys
from cloakroom.errors import InputError
from cloakroom.flows.records.find import normal_form
from cloakroom.vault.fields import FieldKind

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "cloakroom" / "normal-forms.json").read_text("utf-8"))
CATALOGUE = SimpleNamespace(
    definitions={
        "email": SimpleNamespace(kind=FieldKind.EMAIL, index="email"),
        "phone": SimpleNamespace(kind=FieldKind.PHONE, index="phone"),
    },
    indexes={"email": 2, "phone": 3},
)


def named(vector):
    return f"{vector['kind']}-{vector['text']!a}-{vector['country']}"


@pytest.mark.parametrize("vector", VECTORS, ids=named)
def test_a_contact_value_has_its_normal_form_in_an_import(vector):
    kind = FieldKind(vector["kind"])
    assert normal_forms(kind, [vector["text"]], [vector["country"]]) == [vector["normal_form"]]


@pytest.mark.parametrize("vector", VECTORS, ids=named)
def test_a_search_and_a_request_of_the_person_use_the_same_form(vector):
    if vector["normal_form"] is None:
        with pytest.raises(InputError):
            normal_form(CATALOGUE, vector["kind"], vector["text"], vector["country"])
    else:
        found = normal_form(CATALOGUE, vector["kind"], vector["text"], vector["country"])
        assert found == vector["normal_form"]


@pytest.mark.parametrize("vector", VECTORS, ids=named)
def test_a_claim_check_uses_the_same_form(vector):
    values = pl.Series([vector["text"]], dtype=pl.String)
    if vector["kind"] == "email":
        assert email_keys(values)[0].to_list() == [vector["normal_form"]]
    else:
        countries = pl.Series([vector["country"]], dtype=pl.String)
        assert phone_keys(values, countries).to_list() == [vector["normal_form"]]


@pytest.mark.parametrize("vector", [item for item in VECTORS if item["normal_form"]], ids=named)
def test_the_form_of_a_form_is_itself(vector):
    function = canonical_email if vector["kind"] == "email" else lambda text: canonical_phone(text, None)
    assert function(vector["normal_form"]) == vector["normal_form"]


@pytest.mark.parametrize(
    "text",
    [
        "<" * 1000 + "ada@example.com",
        "(" * 600 + ")" * 600 + "@",
        "a@b" * 400,
        "a:" * 600 + "@",
        "'\"" * 600 + "@",
        " @ " * 400,
        "\u200b" * 1200 + "@",
        "&amp;" * 250 + "@",
        "mailto:" * 180 + "@",
        ";" * 1270 + "a@b",
    ],
)
def test_a_hostile_cell_costs_no_more_than_a_moment(text):
    started = time.perf_counter()
    for _ in range(20):
        canonical_email(text)
        canonical_phone(text, "GB")
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    "text", ["9" * 300 + ".0", "1." + "9" * 300 + "E+300", "(" * 240 + "1", "0" * 249, "\u202a" * 249]
)
def test_a_hostile_number_is_none_and_costs_nothing(text):
    started = time.perf_counter()
    assert canonical_phone(text, "MX") is None
    assert time.perf_counter() - started < 0.2
