"""Card numbers, security codes and gift-card PINs are found wherever they hide; other numbers are left alone."""

import random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloakroom.vault.payment_data import SUSPICIOUS, PaymentData, find_payment_data, is_card_number

# Numbers that the schemes publish for tests.
CARDS = [
    *("4111111111111111", "4012888888881881", "4222222222222", "5555555555554444", "5105105105105100"),
    *("2223003122003222", "378282246310005", "371449635398431", "30569309025904", "38520000023237"),
    *("6011111111111117", "6011000990139424", "3530111333300000", "6200000000000005", "6759649826438453"),
    *("2200000000000053", "9792030394440796"),
]


def luhn_completed(prefix):
    return next(prefix + str(digit) for digit in range(10) if _luhn(prefix + str(digit)))


def _luhn(digits):
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + position % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


@pytest.mark.parametrize("card", CARDS)
def test_every_scheme_is_known_in_every_spelling(card):
    fours = [card[at : at + 4] for at in range(0, len(card), 4)]
    spellings = [card, " ".join(fours), "-".join(fours), ".".join(fours), "\u00a0".join(fours), "  ".join(fours)]
    spellings += ["".join(chr(ord(digit) - 48 + zero) for digit in card) for zero in (0xFF10, 0x660, 0x966)]
    spellings += ["–".join(fours), "/".join(fours), "_".join(fours)]
    for spelling in spellings:
        for text in (
            spelling,
            f" {spelling}\n",
            f"paid with {spelling}, thanks",
            f"Visa:{spelling}exp 12/27",
            f"no. 12 {spelling} 2027",
        ):
            assert find_payment_data(text) is PaymentData.CARD_NUMBER
            assert pl.Series([text]).str.contains(SUSPICIOUS)[0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4111111111111112",
        "+49 3012 3456 7890",
        "call +4111111111111111",
        "06 12 34 56 78 06 98 76 54 32",
        "0049 30 1234567 and 0049 30 7654321",
        "003Qx000003000HIAQ",
        "2025-01-31T10:00:00.000000Z",
        "1234567890123",
        "FR76 3000 6000 0112 3456 7890 189",
        "9007199254740993",
        "1" * 40,
        "0.1234567890123456",
        "security code of the door is on file",
        "the gift is a card with a pink pin",
        "PIN 1234",
        "tel 41 11 11 11 11 11 11 11 x",
    ],
)
def test_other_numbers_are_left_alone(text):
    assert find_payment_data(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "CVV 123",
        "cvc:1234",
        "CVV2=999",
        "Card security code: 123",
        "code de sécurité 123",
        "ＣＶＶ：１２３",
        "Kartenprüfnummer ist 123",
        "codice di sicurezza: 123",
    ],
)
def test_labelled_security_codes_are_found(text):
    assert find_payment_data(text) is PaymentData.CARD_SECURITY_CODE
    assert pl.Series([text]).str.contains(SUSPICIOUS)[0]


@pytest.mark.parametrize(
    "text",
    [
        "Gift card 7781, PIN 1234",
        "carte cadeau n° 5 code secret : 12345678",
        "Geschenkkarte PIN: 4711",
        "tarjeta regalo PIN 99887",
    ],
)
def test_labelled_gift_card_pins_are_found(text):
    assert find_payment_data(text) is PaymentData.GIFT_CARD_PIN
    assert pl.Series([text]).str.contains(SUSPICIOUS)[0]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["4", "51", "2221", "34", "6011", "62"]),
    st.text("0123456789", min_size=14, max_size=14),
    st.text(max_size=15),
    st.text(max_size=15),
)
def test_a_card_number_is_found_between_any_words(prefix, digits, before, after):
    length = 15 if prefix == "34" else 16
    card = luhn_completed((prefix + digits)[: length - 1])
    assert is_card_number(card)
    assert find_payment_data(f"{before} x {card} x {after}") is PaymentData.CARD_NUMBER


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.text(max_size=60), st.text("0123456789 -.４٤cvgift:PIN+", max_size=40)))
def test_the_quick_question_never_misses_what_the_slow_one_finds(text):
    if find_payment_data(text) is not None:
        assert pl.Series([text]).str.contains(SUSPICIOUS)[0]


def test_random_digits_are_taken_for_cards_about_as_often_as_stated():
    source = random.Random(1)
    drawn = [str(source.randrange(10**15, 10**16)) for _ in range(40_000)]
    share = sum(map(is_card_number, drawn)) / len(drawn)
    assert 0.025 < share < 0.040
