"""E-mail addresses have one form, and what is no address has none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloakroom.canonical.email import MAX_LENGTH, canonical_email, canonical_emails


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Anna.Berg@Example.COM", "anna.berg@example.com"),
        ("  anna@example.com\u00a0", "anna@example.com"),
        ("ａｎｎａ＠ｅｘａｍｐｌｅ．ｃｏｍ", "anna@example.com"),
        ("ｊｉｈｕｎ.ｂａｅｋ@ｎａｖｅｒ.ｃｏｍ", "jihun.baek@naver.com"),
        ("ellen@Postfächer.Example", "ellen@xn--postfcher-z2a.example"),
        ("ellen@XN--POSTFCHER-Z2A.example", "ellen@xn--postfcher-z2a.example"),
        ("ellen@postfa\u0308cher.example", "ellen@xn--postfcher-z2a.example"),
        ("anna@straße.example", "anna@xn--strae-oqa.example"),
        ("leey78+lux@편지함.example", "leey78+lux@xn--9b6b95pclb.example"),
        ("p.li@邮箱。example", "p.li@xn--c0zu34b.example"),
        ("a.b+tag@example.com", "a.b+tag@example.com"),
        ("müller@example.com", "müller@example.com"),
        ("Mu\u0308ller@example.com", "müller@example.com"),
        ("a..b@docomo.example", "a..b@docomo.example"),
        ("o'neill@example.co.uk", "o'neill@example.co.uk"),
        ("J?rg@example.com", None),
        ("anna@ex?mple.com", None),
        ("anna", None),
        ("", None),
        ("@", None),
        ("@example.com", None),
        ("anna@", None),
        ("anna@localhost", None),
        ("anna@ab--cd.example", None),
        ("anna@example..com", None),
        ("anna@-example.com", None),
        ("anna@exam_ple.com", None),
        ("anna@192.168.1.1", None),
        ("anna@[192.168.1.1]", None),
        ('"anna b"@example.com', None),
        ("anna berg@example.com", None),
        ("anna@a.com;berg@b.com", None),
        ("anna@@example.com", None),
        ("anna@example.com\nbcc: x@y.com", None),
        ("anna\x00@example.com", None),
        ("x" * 65 + "@example.com", None),
        ("x@" + "a" * 64 + ".com", None),
        ("x@" + "a." * 130 + "com", None),
        ("x" * 10_000 + "@example.com", None),
        (None, None),
    ],
)
def test_a_spelling_has_its_form(text, expected):
    assert canonical_email(text) == expected


def test_a_column_keeps_its_order_and_gaps():
    assert canonical_emails(["A@b.com", None, "x"]) == ["a@b.com", None, None]


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.emails(), st.text(max_size=40), st.text(alphabet="aÄß@.-ıİxn?＠。 ", max_size=20)))
def test_the_form_of_a_form_is_itself(text):
    form = canonical_email(text)
    if form is not None:
        assert canonical_email(form) == form
        assert form.count("@") == 1
        assert "?" not in form
        assert len(form) <= MAX_LENGTH
        assert form.rpartition("@")[2].isascii()


@settings(max_examples=300, deadline=None)
@given(st.emails())
def test_case_and_outer_space_never_matter(text):
    if "?" not in text:
        assert canonical_email(f" {text.upper()}\n") == canonical_email(text)


def test_the_kelvin_sign_and_dotted_capital_i_settle():
    assert canonical_email("\u212aate@example.com") == "kate@example.com"
    form = canonical_email("\u0130smail@example.com")
    assert canonical_email(form) == form
