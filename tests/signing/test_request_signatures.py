"""Requests are signed as RFC 9421 says, and nothing but the profile is accepted."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloakroom.crypto import SigningKey
from cloakroom.signing import (
    Message,
    RequestError,
    check_content_digest,
    check_times,
    content_digest,
    read_signature,
    sign_request,
)

KEY = SigningKey(bytes(range(32)))
BODY = b'{"tokens":["tok_x"]}'
MESSAGE = Message("POST", "vault.example", "/v1/reveal", "?", content_digest(BODY))
NOW = 1_800_000_000


def signed(message: Message = MESSAGE, **changes: object) -> dict[str, str]:
    arguments: dict[str, object] = {"key_id": "shop:1", "key": KEY, "created": NOW, "nonce": bytes(16)} | changes
    return sign_request(message, **arguments)  # type: ignore[arg-type]


def read(fields: dict[str, str]):
    return read_signature(fields["signature-input"], fields["signature"])


def test_the_base_and_the_signature_are_those_of_rfc_9421_for_its_own_example():
    """RFC 9421, appendix B.2.6, computed here with our key type over the base that the RFC prints."""
    seed = bytes.fromhex("9f8362f87a484a954e6e740c5b4c0e84229139a20aa8ab56ff66586f6a7d29c5")
    base = (
        b'"date": Tue, 20 Apr 2021 02:07:55 GMT\n"@method": POST\n"@path": /foo\n"@authority": example.com\n'
        b'"content-type": application/json\n"content-length": 18\n'
        b'"@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length")'
        b';created=1618884473;keyid="test-key-ed25519"'
    )
    expected = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
    assert base64.b64encode(SigningKey(seed).sign(base)).decode() == expected


def test_the_digest_of_a_body_is_that_of_rfc_9530():
    assert content_digest(b'{"hello": "world"}\n') == "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"


def test_what_is_signed_is_laid_out_as_the_standard_says():
    parameters = read(signed()).parameters
    assert parameters == (
        '("@method" "@authority" "@path" "@query" "content-digest");created=1800000000'
        ';expires=1800000030;nonce="AAAAAAAAAAAAAAAAAAAAAA";keyid="shop:1";alg="ed25519"'
    )
    assert MESSAGE.base(parameters).decode().split("\n") == [
        '"@method": POST',
        '"@authority": vault.example',
        '"@path": /v1/reveal',
        '"@query": ?',
        f'"content-digest": {content_digest(BODY)}',
        '"@signature-params": ' + parameters,
    ]


def test_a_signed_request_is_accepted():
    signature = read(signed())
    signature.verify(MESSAGE, KEY.verifying_key)
    check_times(signature, NOW + 1)
    assert signature.key_id == "shop:1"


@pytest.mark.parametrize(
    "changed",
    [
        replace(MESSAGE, method="PUT"),
        replace(MESSAGE, authority="other.example"),
        replace(MESSAGE, path="/v1/find"),
        replace(MESSAGE, query="?all=1"),
        replace(MESSAGE, digest=content_digest(b"another body")),
        replace(MESSAGE, digest=None),
    ],
)
def test_a_signature_does_not_serve_for_another_request(changed):
    with pytest.raises(RequestError):
        read(signed()).verify(changed, KEY.verifying_key)


def test_a_signature_without_the_body_does_not_serve_for_a_request_with_one():
    without = signed(replace(MESSAGE, digest=None))
    with pytest.raises(RequestError):
        read(without).verify(MESSAGE, KEY.verifying_key)


def test_another_key_is_refused():
    with pytest.raises(RequestError) as refused:
        read(signed()).verify(MESSAGE, SigningKey(bytes(32)).verifying_key)
    assert refused.value.code == "bad-signature"


@pytest.mark.parametrize("at", [NOW - 6, NOW + 35, NOW + 3600, 0])
def test_an_old_or_early_signature_is_refused(at):
    with pytest.raises(RequestError) as refused:
        check_times(read(signed()), at)
    assert refused.value.code == "clock"


@pytest.mark.parametrize("at", [NOW - 5, NOW, NOW + 34.9])
def test_clocks_may_differ_by_five_seconds(at):
    check_times(read(signed()), at)


@pytest.mark.parametrize("lifetime", [0, -1, 61, 10**9])
def test_a_signature_cannot_be_made_to_last(lifetime):
    with pytest.raises(RequestError):
        check_times(read(signed(lifetime_s=lifetime) if lifetime >= 0 else signed(lifetime_s=0)), NOW)


def test_every_other_spelling_of_the_fields_is_refused():
    fields = signed()
    inputs, value = fields["signature-input"], fields["signature"]
    others = [
        inputs + ";tag=x",
        inputs.replace(";alg=", "; alg="),
        inputs.replace("cloakroom=", "sig1="),
        inputs + ", " + inputs,
        inputs.replace('"@method" ', ""),
        inputs.replace('"@method" "@authority"', '"@authority" "@method"'),
        inputs.replace("ed25519", "hmac-sha256"),
        inputs.replace("created=1800000000;expires=1800000030", "expires=1800000030;created=1800000000"),
        inputs.replace("AAAA", "AA"),
        inputs.replace("shop:1", 'x";evil="'),
        inputs.replace("shop:1", ""),
        inputs.replace("created=18", "created=+18"),
        " " + inputs,
        inputs + "\n",
        "",
        "x" * 5000,
    ]
    for other in others:
        with pytest.raises(RequestError):
            read_signature(other, value)
    for other in [
        value[:-2] + ":",
        value.replace(":", ""),
        value + ",",
        value.replace("=:", "=: "),
        "",
        "cloakroom=::",
    ]:
        with pytest.raises(RequestError):
            read_signature(inputs, other)


def test_a_request_without_the_fields_is_unsigned():
    for pair in ((None, None), (signed()["signature-input"], None), (None, signed()["signature"])):
        with pytest.raises(RequestError) as refused:
            read_signature(*pair)
        assert refused.value.code == "unsigned"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=120), st.text(max_size=120))
def test_no_text_in_the_fields_does_more_than_be_refused(inputs, value):
    with pytest.raises(RequestError):
        read_signature(inputs, value)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 8 * 64 - 1))
def test_no_bit_of_a_signature_may_change(bit):
    signature = read(signed())
    flipped = bytearray(signature.value)
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(RequestError):
        replace(signature, value=bytes(flipped)).verify(MESSAGE, KEY.verifying_key)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_a_digest_is_that_of_one_body(one, other):
    assert check_content_digest(content_digest(one), one)
    assert check_content_digest(content_digest(one), other) == (one == other)
