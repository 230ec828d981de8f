"""What rows become under a mapping: stored texts, normal forms, facets, and one reason for a row that is refused."""

from __future__ import annotations

import pytest
from delivery_world import delivered, refused, taken, values

from cloakroom.errors import InputError

RECORD = '[record]\nid = "id"\n'
DELETABLE = '[record]\nid = "id"\ndeleted = "gone"\n'


def normal(batches, field: str) -> list[str | None]:
    return [value for batch in batches for value in batch.normal[field]]


def facet(batches, name: str) -> list[str | None]:
    return [value for batch in batches for value in batch.facets[name]]


def test_texts_are_stored_as_they_are_shown_and_looked_up_in_one_form(tmp_path):
    mapping = RECORD + '[columns]\nnumber = "customer_number"\nmail = "email"\nnote = "notes"\n'
    data = 'id,number,mail,note\n1," Ａb-1 ", Ada@EXAMPLE.org ," two  blanks "\n2,ab-1,not an address,x\n'
    batches = delivered(tmp_path, data, mapping)
    assert values(batches, "customer_number") == [" Ａb-1 ", "ab-1"]
    assert values(batches, "email") == [" Ada@EXAMPLE.org ", "not an address"]
    assert values(batches, "notes") == [" two  blanks ", "x"]
    assert normal(batches, "customer_number") == ["Ab-1", "ab-1"]
    assert normal(batches, "email") == ["ada@example.org", None]
    assert set(batches[0].normal) == {"customer_number", "email"}


@pytest.mark.parametrize("text", ["", " ", "\t", "\u00a0", "\u3000 ", "null", "NULL", " n/a ", "N/A", "-"])
def test_white_space_and_the_mappings_words_for_nothing_are_no_value(tmp_path, text):
    mapping = 'empty = ["NULL", "n/a", "-"]\n' + RECORD + '[columns]\nnote = "notes"\nland = "country"\n'
    batches = delivered(tmp_path, f'id,note,land\n1,"{text}","{text}"\n2,--,FR\n', mapping)
    assert values(batches, "notes") == [None, "--"]
    assert values(batches, "country") == [None, "FR"]


def test_a_record_id_is_no_word_for_nothing(tmp_path):
    batches = delivered(tmp_path, "id,note\n-,a\n", 'empty = ["-"]\n' + RECORD + '[columns]\nnote = "notes"\n')
    assert taken(batches) == ["-"]


@pytest.mark.parametrize(
    ("word", "is_gone"),
    [("true", True), ("TRUE", True), (" yes ", True), ("1", True), ("y", True), ("t", True), ("false", False),
     ("No", False), ("0", False), ("n", False), ("F", False), ("", False), (" ", False)],
)  # fmt: skip
def test_the_usual_words_say_whether_a_record_is_gone(tmp_path, word, is_gone):
    batches = delivered(tmp_path, f'id,gone,note\n1,"{word}",a\n', DELETABLE + '[columns]\nnote = "notes"\n')
    assert batches[0].deleted == [is_gone]
    assert values(batches, "notes") == [None if is_gone else "a"]


def test_words_of_the_mapping_replace_the_usual_ones(tmp_path):
    mapping = DELETABLE + 'deleted_true = ["X"]\ndeleted_false = ["-"]\n[columns]\nnote = "notes"\n'
    batches = delivered(tmp_path, "id,gone,note\n1,x,a\n2,-,b\n3,true,c\n4,,d\n5,true,e\n", mapping)
    reason = "is none of the words of `deleted_true` and `deleted_false`"
    assert (taken(batches), batches[0].deleted) == (["1", "2"], [True, False])
    assert refused(batches) == [(line, "gone", reason) for line in (4, 5, 6)]


def test_nothing_of_a_record_that_is_gone_is_read_indexed_or_counted(tmp_path):
    mapping = (
        DELETABLE + '[columns]\nmail = "email"\nland = "country"\nborn = "birth_date"\n'
        'spend = { field = "spend_total", currency = "EUR", bands = ["10"] }\n[defaults]\ncountry = "DE"\n'
    )
    data = "id,gone,mail,land,born,spend\n1,true,ada@example.org,Utopia,never,much\n2,false,,,,\n"
    batches = delivered(tmp_path, data, mapping)
    assert refused(batches) == []
    assert [column[0] for column in batches[0].columns.values()] == [None] * 4
    assert normal(batches, "email") == [None, None]
    assert facet(batches, "country") == [None, "DE"]
    assert facet(batches, "birth_date") == facet(batches, "spend_band") == [None, None]


def test_a_default_fills_facets_and_is_never_stored(tmp_path):
    mapping = (
        RECORD + '[columns]\nland = "country"\nnote = "notes"\n'
        '[defaults]\ncountry = "DE"\nlanguage = "de"\nkind = "customer"\nstore = "S1"\n'
    )
    batches = delivered(tmp_path, "id,land,note\n1,,a\n2,FR,b\n", mapping)
    assert values(batches, "country") == [None, "FR"]
    assert facet(batches, "country") == ["DE", "FR"]
    assert facet(batches, "language") == ["de", "de"]
    assert facet(batches, "kind") == ["customer", "customer"]
    assert facet(batches, "store") == ["S1", "S1"]
    assert set(batches[0].columns) == {"country", "notes"}


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        # 07500 180674 is a mobile number in Great Britain, and none in France or Germany.
        ('phone_country = ["store"]\n', ["+447500180674", "+447500180674", None, None]),
        ('phone_country = ["store", "country"]\n', ["+447500180674", "+447500180674", "+447500180674", None]),
        ('phone_country = ["country", "store"]\n', [None, "+447500180674", "+447500180674", None]),
        ('phone_country = ["country"]\n', [None, None, "+447500180674", None]),
    ],
)
def test_the_country_of_a_national_number_comes_from_where_the_mapping_says_in_its_order(tmp_path, order, expected):
    mapping = order + RECORD + '[columns]\nland = "country"\nshop = "store"\ntel = "mobile"\n'
    data = "id,land,shop,tel\n1,FR,S1,07500180674\n2,,S1,07500180674\n3,GB,WEB,07500180674\n4,,S9,07500180674\n"
    batches = delivered(tmp_path, data, mapping)
    assert normal(batches, "mobile") == expected
    assert values(batches, "mobile") == ["07500180674"] * 4


def test_the_default_country_is_that_of_numbers_that_no_column_places(tmp_path):
    mapping = RECORD + '[columns]\nland = "country"\ntel = "mobile"\n[defaults]\ncountry = "GB"\n'
    batches = delivered(tmp_path, "id,land,tel\n1,,07500180674\n2,FR,07500180674\n3,,+33660573419\n", mapping)
    assert normal(batches, "mobile") == ["+447500180674", None, "+33660573419"]


def test_a_lenient_column_keeps_what_it_cannot_read_and_counts_it_nowhere(tmp_path):
    mapping = (
        RECORD + '[columns]\nland = { field = "country", strict = false }\n'
        'born = { field = "birth_date", strict = false }\ntongue = { field = "language", strict = false }\n'
        'spend = { field = "spend_total", strict = false, currency = "EUR", bands = ["10", "20"] }\n'
    )
    data = "id,land,born,tongue,spend\n1,Utopia,spring,Klingon!,much\n2,fr,2001-09-14,FR,10\n3,,,,19.99\n4,,,,20\n"
    batches = delivered(tmp_path, data, mapping)
    assert refused(batches) == []
    assert values(batches, "country") == ["Utopia", "FR", None, None]
    assert facet(batches, "country") == [None, "FR", None, None]
    assert values(batches, "birth_date") == ["spring", "2001-09-14", None, None]
    assert facet(batches, "birth_date") == [None, "2001-09-14", None, None]
    assert values(batches, "language") == ["Klingon!", "fr", None, None]
    assert facet(batches, "language") == [None, "fr", None, None]
    assert values(batches, "spend_total") == ["much", "10", "19.99", "20"]
    assert facet(batches, "spend_band") == [None, "EUR 10-20", "EUR 10-20", "EUR >=20"]


@pytest.mark.parametrize(
    ("amount", "band"),
    [("-0.01", "EUR <100"), ("0", "EUR <100"), ("99.99", "EUR <100"), ("100", "EUR 100-1000"),
     ("100.00", "EUR 100-1000"), ("999.99", "EUR 100-1000"), ("1000", "EUR >=1000"),
     ("1000.01", "EUR >=1000"), ("-5000", "EUR <100")],
)  # fmt: skip
def test_an_amount_at_a_threshold_belongs_to_the_band_above_it(tmp_path, amount, band):
    mapping = RECORD + '[columns]\nspend = { field = "spend_total", currency = "EUR", bands = ["100", "1000"] }\n'
    assert facet(delivered(tmp_path, f"id,spend\n1,{amount}\n", mapping), "spend_band") == [band]


def test_a_region_is_one_of_its_rows_country_or_of_the_default_one(tmp_path):
    mapping = (
        RECORD + '[columns]\nland = "country"\nstate = { field = "region", words = { Bayern = "BY" } }\n'
        '[defaults]\ncountry = "US"\n'
    )
    data = "id,land,state\n1,US,TX\n2,,Texas\n3,DE,bayern\n4,CA,TX\n5,US,Nowhere\n6,US,\n"
    batches = delivered(tmp_path, data, mapping)
    assert facet(batches, "region") == ["US-TX", "US-TX", "DE-BY", None, None, None]
    assert values(batches, "region") == ["TX", "Texas", "bayern", "TX", "Nowhere", None]


def test_a_region_without_any_country_is_of_none(tmp_path):
    mapping = RECORD + '[columns]\nstate = "region"\n'
    assert facet(delivered(tmp_path, "id,state\n1,TX\n", mapping), "region") == [None]


def test_words_stand_for_what_the_mapping_says_in_any_letter_case(tmp_path):
    mapping = (
        RECORD + '[columns]\nland = { field = "country", words = { Deutschland = "DE" } }\n'
        'role = { field = "kind", words = { client = "customer" } }\n'
        'who = { field = "gender", words = { Frau = "female" } }\nshop = { field = "store", words = { Web = "W" } }\n'
    )
    data = "id,land,role,who,shop\n1, DEUTSCHLAND,Client ,FRAU,web\n2,deu,EMPLOYEE,,S1 \n"
    batches = delivered(tmp_path, data, mapping)
    assert values(batches, "country") == ["DE", "DE"]
    assert values(batches, "kind") == ["customer", "employee"]
    assert values(batches, "gender") == ["female", None]
    assert values(batches, "store") == ["W", "S1"]


def test_a_choice_with_words_takes_no_others_and_one_without_takes_any(tmp_path):
    with_words = RECORD + '[columns]\nwho = { field = "gender", words = { Frau = "female" } }\n'
    assert refused(delivered(tmp_path, "id,who\n1,Herr\n", with_words)) == [(2, "who", "is no word of the mapping")]
    batches = delivered(tmp_path, "id,who\n1, Herr \n", RECORD + '[columns]\nwho = "gender"\n')
    assert values(batches, "gender") == ["Herr"]


def test_an_optional_column_may_be_missing_and_is_then_silent(tmp_path):
    mapping = RECORD + '[columns]\nnote = "notes"\nland = { field = "country", optional = true }\n'
    batches = delivered(tmp_path, "id,note\n1,a\n", mapping)
    assert values(batches, "country") == [None]
    assert facet(batches, "country") == [None]
    assert values(delivered(tmp_path, "id,note,land\n1,a,FR\n", mapping), "country") == ["FR"]


def test_one_column_may_be_the_id_and_a_field(tmp_path):
    batches = delivered(tmp_path, "id\n 7 \n8\n", RECORD + '[columns]\nid = "customer_number"\n')
    assert (taken(batches), values(batches, "customer_number")) == (["7", "8"], [" 7 ", "8"])


def test_a_row_with_several_mistakes_is_refused_once_and_payment_data_outweighs_them(tmp_path):
    mapping = RECORD + '[columns]\nland = "country"\nborn = "birth_date"\nnote = "notes"\n'
    data = (
        "id,land,born,note\n,Utopia,spring,a\n2,Utopia,spring,b\n3,FR,spring,4111 1111 1111 1111\n"
        "4,FR,2001-09-14,c\n5,FR\n6,FR,2001-09-14,d\n"
    )
    batches = delivered(tmp_path, data, mapping)
    assert refused(batches) == [
        (2, "id", "is missing"),
        (3, "land", "is no country code, and no word of the mapping"),
        (4, "note", "holds a card number, which does not belong in a customer system"),
        (6, None, "has 2 columns instead of 4"),
    ]
    assert [item.holds_payment_data for item in batches[0].rejected] == [False, False, True, False]
    assert taken(batches) == ["4", "6"]
    assert batches[0].lines == [5, 7]
    assert {len(column) for column in batches[0].columns.values()} == {2}
    assert {len(column) for column in batches[0].facets.values()} == {2}


def test_salesforce_ids_of_either_length_are_one_record(tmp_path):
    mapping = '[record]\nid = "id"\nid_style = "salesforce"\n[columns]\nnote = "notes"\n'
    data = "id,note\n0037R0000040004,a\n0037R0000040004QAA,b\n0037R0000040004qaa,c\n0037R0000040004QAB,d\n12,e\n"
    batches = delivered(tmp_path, data, mapping)
    assert taken(batches) == ["0037R0000040004QAA"] * 3
    assert refused(batches) == [(5, "id", "is no record id"), (6, "id", "is no record id")]


@pytest.mark.parametrize(
    ("telling", "is_refused"),
    [(["13/01/2020"] * 2, False), (["13/01/2020"] * 3, True), (["13/01/2020", "14/01/2020", "x", "15/01/2020"], True),
     (["13/01/2020"] * 3 + ["01/13/2020"], False), (["13/13/2020"] * 5, False)],
)  # fmt: skip
def test_three_values_that_only_the_other_order_reads_and_none_against_it_refuse_the_file(
    tmp_path, telling, is_refused
):
    mapping = 'date_order = "mdy"\n' + RECORD + '[columns]\nborn = "birth_date"\n'
    data = "id,born\n0,02/03/2020\n" + "".join(f"{number},{day}\n" for number, day in enumerate(telling, start=1))
    if is_refused:
        with pytest.raises(InputError) as caught:
            delivered(tmp_path, data, mapping)
        assert str(caught.value) == "f.csv:3: column `born` is written as dmy, but b.toml says mdy"
    else:
        batches = delivered(tmp_path, data, mapping)
        assert "0" in taken(batches)
        assert {reason for _, _, reason in refused(batches)} == {"is no date as the mapping describes it"}


def test_a_column_with_an_order_of_its_own_is_judged_by_that(tmp_path):
    mapping = (
        'date_order = "dmy"\n' + RECORD + '[columns]\nborn = { field = "birth_date", format = "mdy" }\n'
        'since = "created_at"\n'
    )
    days = "".join(f"{day},{day:02d}/01/2020,{day:02d}/01/2020\n" for day in range(1, 20))
    with pytest.raises(InputError, match=r"^f\.csv:14: column `born` is written as dmy, but b\.toml says mdy$"):
        delivered(tmp_path, "id,born,since\n" + days, mapping)
