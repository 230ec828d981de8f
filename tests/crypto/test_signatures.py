from __future__ import annotations

import pytest

from cloakroom.crypto import SIGNATURE_SIZE, SigningKey, VerifyingKey
from cloakroom.errors import TamperedError, UncheckableError, UsageError

# RFC 8032 §7.1, tests 1 to 3: seed, public key, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
            "655141438e7a100b"
        ),
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
            "b00d291612bb0c00"
        ),
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28d"
            "c027beceea1ec40a"
        ),
    ),
]


@pytest.mark.parametrize(("seed", "public", "message", "signature"), RFC_8032)
def test_signatures_are_those_of_rfc_8032(seed: str, public: str, message: str, signature: str) -> None:
    key = SigningKey(bytes.fromhex(seed))
    assert key.verifying_key.raw.hex() == public
    assert key.sign(bytes.fromhex(message)).hex() == signature
    VerifyingKey(bytes.fromhex(public)).verify(bytes.fromhex(message), bytes.fromhex(signature))


def test_verifying_raises_on_any_flipped_bit() -> None:
    key = SigningKey(b"s" * 32)
    message = b"a message"
    signature = key.sign(message)
    assert len(signature) == SIGNATURE_SIZE
    assert key.verifying_key.verify(message, signature) is None
    for bit in range(SIGNATURE_SIZE * 8):
        changed = bytearray(signature)
        changed[bit // 8] ^= 1 << (bit % 8)
        with pytest.raises(TamperedError):
            key.verifying_key.verify(message, bytes(changed))
    for bit in range(len(message) * 8):
        changed = bytearray(message)
        changed[bit // 8] ^= 1 << (bit % 8)
        with pytest.raises(TamperedError):
            key.verifying_key.verify(bytes(changed), signature)


@pytest.mark.parametrize("size", [0, 1, 63, 65, 128])
def test_a_signature_of_another_length_is_wrong(size: int) -> None:
    with pytest.raises(TamperedError):
        SigningKey(b"s" * 32).verifying_key.verify(b"m", b"x" * size)


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_keys_of_another_length_are_refused(size: int) -> None:
    with pytest.raises(UsageError):
        SigningKey(b"s" * size)
    with pytest.raises(UncheckableError):
        VerifyingKey(b"s" * size)


def test_a_private_key_does_not_show() -> None:
    key = SigningKey(b"s" * 32)
    assert repr(key) == "SigningKey(<private>)"
    assert key.seed.hex() not in repr([key])
    assert not hasattr(key, "__dict__")


def test_public_keys_compare_by_their_bytes_and_show_their_beginning() -> None:
    one, two = SigningKey(b"1" * 32).verifying_key, SigningKey(b"2" * 32).verifying_key
    assert one == VerifyingKey(one.raw)
    assert one != two
    assert one != one.raw
    assert len({one, VerifyingKey(one.raw), two}) == 2
    assert one.raw.hex()[:16] in repr(one)


def test_generated_keys_are_new_and_come_back_from_their_seed() -> None:
    keys = [SigningKey.generate() for _ in range(10)]
    assert len({key.seed for key in keys}) == 10
    assert SigningKey(keys[0].seed).verifying_key == keys[0].verifying_key


def test_a_signature_of_another_length_never_reaches_into_the_message() -> None:
    key = SigningKey(b"s" * 32)
    signature = key.sign(b"rest of the message")
    # Put together, each pair is the very bytes that verify.
    for cut in (1, 10, 63):
        with pytest.raises(TamperedError):
            key.verifying_key.verify(signature[cut:] + b"rest of the message", signature[:cut])
    with pytest.raises(TamperedError):
        key.verifying_key.verify(b" of the message", signature + b"rest")


def test_keys_of_small_order_verify_nothing() -> None:
    # With the neutral element as key and as the signature's point, any message would verify by the equation alone.
    neutral = b"\x01" + bytes(31)
    for signature in (neutral + bytes(32), bytes(64)):
        with pytest.raises(TamperedError):
            VerifyingKey(neutral).verify(b"anything", signature)
