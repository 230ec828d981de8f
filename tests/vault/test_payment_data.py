"""Card numbers, security codes and gift-card PINs are found wherever they hide; other numbers are left alone."""

import random
import unicodedata

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


SPACED_LABELS = [
    "card security  code 123",
    "card\u00a0security\u00a0code 123",
    "card verification\tvalue 1234",
    "code  de\nsécurité 123",
    "codice\u2009di sicurezza 123",
    "código de  seguridad 123",
]


@pytest.mark.parametrize("text", SPACED_LABELS)
def test_a_label_is_one_however_its_words_are_spaced(text):
    assert find_payment_data(text) is PaymentData.CARD_SECURITY_CODE
    assert pl.Series([text]).str.contains(SUSPICIOUS)[0]


LABELLED = [
    *("cvv2: 123", "cvn 123", "card security code 123", "kartenprüfziffer 123", "code de sécurité 123"),
    *(
        "código de seguridad 123",
        "セキュリティコード 123",
        "安全码 123",
        "gift card pin 1234",
        "chèque cadeau pin 1234",
    ),
    *(
        "chèque cadeau pin 1234",
        "ギフトカード 暗証番号 1234",
        "기프트카드 비밀번호 1234",
        "礼品卡 密码 1234",
        "禮品卡 密碼 1234",
    ),
]


def respelled():
    """Yield labels and card numbers, each with one character written in each other form that Unicode knows of it."""
    for code in range(128, 0x30000):
        folded = unicodedata.normalize("NFKC", chr(code)).lower() if not 0xD800 <= code < 0xE000 else ""
        if folded in {"", chr(code)}:
            continue
        yield from (label.replace(folded, chr(code)) for label in LABELLED if folded in label)
        yield from (card.replace(folded, chr(code)) for card in CARDS if folded in card)
        yield chr(code).join(("4111", "1111", "1111", "1111"))
    yield from (unicodedata.normalize("NFD", label) for label in LABELLED)


def test_the_quick_question_knows_every_form_of_a_character_that_the_slow_one_folds():
    texts = list(respelled())
    found = [find_payment_data(text) is not None for text in texts]
    assert sum(found) > 2_000
    suspicious = pl.Series(texts).str.contains(SUSPICIOUS)
    assert [
        ascii(text) for text, held, asked in zip(texts, found, suspicious, strict=True) if held and not asked
    ] == []


# The first and the last prefix of each issuer's ranges, with the shortest and the longest number, and the neighbours
# that belong to nobody. Ranges of two issuers may touch; a neighbour is of neither.
ISSUED = [
    *(("4", size) for size in (13, 16, 19)),
    *((prefix, 16) for prefix in ("51", "55", "2221", "2229", "223", "229", "23", "26", "270", "271", "2720")),
    *((prefix, 15) for prefix in ("34", "37")),
    *((prefix, size) for prefix in ("300", "305", "3095", "36", "38", "39") for size in (14, 19)),
    *((prefix, size) for prefix in ("6011", "644", "649", "65", "3528", "3529", "353", "358") for size in (16, 19)),
    *((prefix, size) for prefix in ("62", "81", "2200", "2204") for size in (16, 19)),
    *((prefix, size) for prefix in ("5018", "5020", "5038", "5893") for size in (13, 19)),
    *((prefix, size) for prefix in ("6304", "6759", "6761", "6763") for size in (13, 19)),
    *((prefix, 16) for prefix in ("60", "82", "508", "9792")),
]  # fmt: skip
NOT_ISSUED = [
    *(("4", size) for size in (12, 14, 15, 17, 18, 20)),
    *((prefix, 16) for prefix in ("50", "56", "2220", "2721", "28", "33", "1", "0", "7", "9791", "9793", "80", "83")),
    *((prefix, size) for prefix in ("51", "2221", "2720", "9792", "82", "508") for size in (15, 17)),
    *((prefix, size) for prefix in ("34", "37") for size in (14, 16)),
    *((prefix, size) for prefix in ("300", "306", "309", "36", "38") for size in (13, 20)),
    *((prefix, 16) for prefix in ("306", "3094", "3527", "359", "31", "32", "2205")),
    *((prefix, 16) for prefix in ("643", "66", "61", "63", "67", "58")),
    *((prefix, size) for prefix in ("6011", "644", "65", "3528", "62", "81", "2200") for size in (15, 20)),
    *((prefix, size) for prefix in ("5018", "6763", "6304") for size in (12, 20)),
    *((prefix, 14) for prefix in ("5019", "5021", "6303", "6305", "6758", "6760", "6764", "60")),
]  # fmt: skip


def numbered(prefix, size):
    """Return the digits of `size` that begin so and satisfy Luhn's formula; zeros follow, of no other issuer."""
    return luhn_completed(prefix.ljust(size - 1, "0"))


@pytest.mark.parametrize(("prefix", "size"), ISSUED)
def test_an_issuers_number_is_one_only_with_its_check_digit(prefix, size):
    number = numbered(prefix, size)
    assert is_card_number(number)
    assert find_payment_data(number) is PaymentData.CARD_NUMBER
    assert not any(is_card_number(number[:-1] + digit) for digit in "0123456789" if digit != number[-1])


@pytest.mark.parametrize(("prefix", "size"), NOT_ISSUED)
def test_a_number_of_no_issuer_or_of_another_length_is_none_although_luhn_holds(prefix, size):
    assert _luhn(numbered(prefix, size))
    assert not is_card_number(numbered(prefix, size))


@given(st.text("0123456789", min_size=13, max_size=18), st.integers(0, 17))
def test_one_wrong_digit_is_never_a_card(digits, at):
    card = luhn_completed("4" + digits)
    at %= len(card)
    for digit in "0123456789":
        if digit != card[at]:
            assert not is_card_number(card[:at] + digit + card[at + 1 :])


CARD = "4111111111111111"


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("4111  1111--1111. 1111", True),
        ("4111   1111 1111 1111", False),  # three separators part two numbers
        ("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", True),  # alone, any grouping counts
        ("no 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", False),
        ("x 411 111 111 111 111 1", True),
        ("x 41 11 11 11 11 11 11 11", False),
        ("x 4111 1111 1111 11 11", False),
        ("x 4111 1111 1111 111 1", True),
        ("12 " + CARD, True),
        (CARD + " 27", True),
        (CARD + "0", False),
        ("9" + CARD, False),
        ("+" + CARD, False),
        ("(+" + CARD + ")", False),
        ("+ " + CARD, False),
        ("+(" + CARD + ")", False),
        ("+ (" + CARD + ")", False),
        ("＋" + CARD, False),
        ("+49 " + CARD, True),  # what stands beside a telephone number's country is judged by itself
        ("+4111 1111 1111 1111", False),
        ("-" + CARD, True),
        ("1+1 " + CARD, True),
        (f"order 20250131-{CARD}", True),
        ("order 2025-0131-0042-7781", False),
        ("4111*1111*1111*1111", False),
        ("4111,1111,1111,1111", False),
        ("4111\u20141111\u22121111\u00ad1111", True),
        ("4111\u200b1111\u30001111\u20111111", True),
        ("4111\n1111\n1111\n1111", True),
    ],
)
def test_where_a_number_begins_and_ends(text, is_found):
    assert find_payment_data(text) is (PaymentData.CARD_NUMBER if is_found else None)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("cvv 12", None),
        ("cvv 123", PaymentData.CARD_SECURITY_CODE),
        ("cvv 1234", PaymentData.CARD_SECURITY_CODE),
        ("cvv 12345", None),
        ("cvv :=# 123", None),
        ("cvv :=#123", PaymentData.CARD_SECURITY_CODE),
        ("cvc2 is 123", PaymentData.CARD_SECURITY_CODE),
        ("cvv unknown 123", None),
        ("mycvv 123", None),
        ("cvn123", PaymentData.CARD_SECURITY_CODE),
        ("cvv: none, order 123", None),
        ("Cryptogramme visuel : 123", PaymentData.CARD_SECURITY_CODE),
        ("code de sécurité de la carte 123", PaymentData.CARD_SECURITY_CODE),
        ("security code 123", None),  # of a door; with the card it is one
        ("gift card pin 123", None),
        ("gift card pin 1234", PaymentData.GIFT_CARD_PIN),
        ("gift card pin 12345678", PaymentData.GIFT_CARD_PIN),
        ("gift card pin 123456789", None),
        ("gift card 1234", None),
        ("gift pin 1234", None),
        ("pin 1234 gift card", None),
        ("gift voucher spin 1234", None),
        ("gift card" + " " * 60 + "pin 1234", PaymentData.GIFT_CARD_PIN),
        ("gift card" + " " * 61 + "pin 1234", None),
        ("Gift-Card 7\nPIN code: 4321", PaymentData.GIFT_CARD_PIN),
        ("buono regalo pin 1234", PaymentData.GIFT_CARD_PIN),
        ("cartão presente PIN 1234", PaymentData.GIFT_CARD_PIN),
        ("Geschenkgutschein Geheimzahl 4711", PaymentData.GIFT_CARD_PIN),
        ("ギフトカード 暗証番号 1234", PaymentData.GIFT_CARD_PIN),
        ("기프트 카드 비밀번호 1234", PaymentData.GIFT_CARD_PIN),
        ("禮品卡 密碼 1234", PaymentData.GIFT_CARD_PIN),
    ],
)
def test_a_code_is_payment_data_behind_its_label_and_of_its_length_only(text, kind):
    assert find_payment_data(text) is kind


def test_a_card_number_is_named_before_the_code_beside_it():
    assert find_payment_data(f"cvv 123 {CARD}") is PaymentData.CARD_NUMBER
    assert find_payment_data("gift card pin 1234 cvv 123") is PaymentData.CARD_SECURITY_CODE
