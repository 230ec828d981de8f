from datetime import UTC, datetime

from duty_worlds import HOUSE, facts, group
from hypothesis import given
from hypothesis import strategies as st
from test_duty_facts import EXAMPLE

from cloakroom.duty.fact_values import FLAGS
from cloakroom.duty.facts import ControllerFacts, Facts, Hold, parse_facts
from cloakroom.duty.facts_rendering import render_facts
from cloakroom.vocabulary import DATA_ELEMENTS

times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
names = st.text(st.characters(codec="utf-8"), max_size=40)
controllers = st.builds(
    lambda name, country, main, brands, flags: ControllerFacts(
        "house", name, country, eea_main_establishment=main, brands=tuple(brands), flags=frozenset(flags)
    ),
    names,
    st.sampled_from(["FR", "GB", "DE"]),
    st.sampled_from(["", "FR"]),
    st.lists(names, unique=True, max_size=3),
    st.sets(st.sampled_from(sorted(FLAGS)), max_size=3),
)
groups = st.lists(
    st.builds(
        lambda place, persons, more, data: group(place, persons, data, possible=persons + more),
        st.sampled_from(["FR", "US-TX", "ZZ", "CA-QC"]),
        st.integers(0, 10**7),
        st.integers(0, 5),
        st.sets(st.sampled_from(sorted(DATA_ELEMENTS)), min_size=1, max_size=5),
    ),
    max_size=4,
    unique_by=lambda item: (item.place, item.data),
)


@given(controllers, groups, times, st.none() | times)
def test_what_is_rendered_is_read_back_the_same(controller, found, aware, until):
    world = facts(*found, controllers=(controller,), at=aware, holds=(Hold("law_enforcement", "US-TX", until),))
    assert parse_facts(render_facts(world), "test") == world


def test_the_example_survives_a_round_trip():
    read = parse_facts(EXAMPLE, "x")
    again = parse_facts(render_facts(read), "x")
    assert again == read


def test_the_second_party_of_joint_controllers_survives():
    second = ControllerFacts(
        "second", 'A "quoted" name\\', "DE", "BY", joint_with=("house",), bearer="house", timezone="UTC"
    )
    world: Facts = facts(group(), controllers=(HOUSE, second))
    assert parse_facts(render_facts(world), "test") == world
