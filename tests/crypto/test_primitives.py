from __future__ import annotations

import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloakroom.crypto import (
    AEAD_NONCE_SIZE,
    AEAD_TAG_SIZE,
    BLOCK_SIZE,
    KEY_SIZE,
    AuthenticatedCipher,
    BlockPermutation,
    KeyedDigest,
    hkdf_sha256,
    hmac_sha256,
    is_equal,
    random_bytes,
    sha256,
)
from cloakroom.errors import OpenError, UsageError

KEY = bytes(range(32))
NONCE = bytes(range(12))
WRONG_KEYS = [b"", KEY[:16], KEY[:24], KEY[:31], KEY + b"\0", KEY * 2]


def test_sha256_gives_the_digests_of_fips_180() -> None:
    assert sha256(b"").hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert sha256(b"abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("key", WRONG_KEYS, ids=len)
def test_only_keys_of_32_bytes_are_taken(key: bytes) -> None:
    with pytest.raises(UsageError):
        AuthenticatedCipher(key)
    with pytest.raises(UsageError):
        BlockPermutation(key)


@pytest.mark.parametrize("size", [0, 1, 11, 13, 16, 24])
def test_only_nonces_of_12_bytes_are_taken(size: int) -> None:
    cipher = AuthenticatedCipher(KEY)
    with pytest.raises(UsageError):
        cipher.seal(b"n" * size, b"plain", b"")
    with pytest.raises(OpenError):
        cipher.open(b"n" * size, b"s" * 32, b"")


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_what_was_sealed_opens(plaintext: bytes, data: bytes) -> None:
    cipher = AuthenticatedCipher(KEY)
    sealed = cipher.seal(NONCE, plaintext, data)
    assert len(sealed) == len(plaintext) + AEAD_TAG_SIZE
    assert AuthenticatedCipher(KEY).open(NONCE, sealed, data) == plaintext


def test_nothing_opens_after_any_bit_was_flipped_anywhere() -> None:
    cipher = AuthenticatedCipher(KEY)
    parts = [NONCE, cipher.seal(NONCE, b"a value", b"brand and record"), b"brand and record"]
    for which, part in enumerate(parts):
        for bit in range(len(part) * 8):
            changed = bytearray(part)
            changed[bit // 8] ^= 1 << (bit % 8)
            with pytest.raises(OpenError):
                cipher.open(*(bytes(changed) if at == which else other for at, other in enumerate(parts)))


@pytest.mark.parametrize("size", range(AEAD_TAG_SIZE))
def test_less_than_a_tag_does_not_open(size: int) -> None:
    with pytest.raises(OpenError):
        AuthenticatedCipher(KEY).open(NONCE, b"s" * size, b"")


def test_every_failure_to_open_looks_the_same_and_says_nothing() -> None:
    cipher = AuthenticatedCipher(KEY)
    sealed = cipher.seal(NONCE, b"secret value", b"data")
    attempts = [
        (AuthenticatedCipher(b"x" * 32), NONCE, sealed, b"data"),
        (cipher, b"n" * 12, sealed, b"data"),
        (cipher, b"n" * 7, sealed, b"data"),
        (cipher, NONCE, sealed[:-1], b"data"),
        (cipher, NONCE, b"", b"data"),
        (cipher, NONCE, sealed, b"other"),
    ]
    messages = set()
    for chosen, nonce, blob, data in attempts:
        with pytest.raises(OpenError) as caught:
            chosen.open(nonce, blob, data)
        messages.add(str(caught.value))
        assert caught.value.__cause__ is None
        assert "InvalidTag" not in "".join(traceback.format_exception(caught.value))
    assert messages == {"does not open"}


def test_no_key_shows_in_what_is_printed() -> None:
    for thing in (AuthenticatedCipher(KEY), BlockPermutation(KEY)):
        for text in (repr(thing), str(thing), f"{[thing]}"):
            assert "<key>" in text
            assert KEY.hex() not in text
        assert not hasattr(thing, "__dict__")


def test_a_block_is_permuted_as_in_fips_197() -> None:
    block = bytes.fromhex("00112233445566778899aabbccddeeff")
    permuted = BlockPermutation(KEY).permute(block)
    assert permuted.hex() == "8ea2b7ca516745bfeafc49904b496089"
    assert BlockPermutation(KEY).invert(permuted) == block


@given(st.binary(min_size=0, max_size=20 * BLOCK_SIZE).filter(lambda data: len(data) % BLOCK_SIZE == 0))
def test_many_blocks_are_permuted_each_by_itself_and_come_back(blocks: bytes) -> None:
    permutation = BlockPermutation(KEY)
    permuted = permutation.permute(blocks)
    assert permuted == b"".join(
        permutation.permute(blocks[at : at + BLOCK_SIZE]) for at in range(0, len(blocks), BLOCK_SIZE)
    )
    assert permutation.invert(permuted) == blocks


@pytest.mark.parametrize("size", [1, 15, 17, 31])
def test_parts_of_blocks_are_not_permuted(size: int) -> None:
    for action in (BlockPermutation(KEY).permute, BlockPermutation(KEY).invert):
        with pytest.raises(UsageError):
            action(b"b" * size)


@pytest.mark.parametrize("size", [-1, 0, 8161, 10_000])
def test_hkdf_gives_between_1_and_8160_bytes(size: int) -> None:
    with pytest.raises(UsageError):
        hkdf_sha256(b"secret", info=b"use", size=size)


def test_hkdf_separates_uses_and_salts() -> None:
    outputs = {
        hkdf_sha256(b"secret", info=info, salt=salt) for info in (b"", b"a", b"b") for salt in (b"", b"a", b"b")
    }
    assert len(outputs) == 9
    assert {len(output) for output in outputs} == {KEY_SIZE}
    assert len(hkdf_sha256(b"secret", info=b"", size=8160)) == 8160


def test_hmac_separates_keys_and_messages() -> None:
    assert len({hmac_sha256(key, data) for key in (b"k", b"l") for data in (b"m", b"n")}) == 4


def test_comparing_is_comparing() -> None:
    assert is_equal(b"same", b"same")
    assert not is_equal(b"same", b"sane")
    assert not is_equal(b"same", b"same ")


def test_random_bytes_are_as_many_as_asked_and_never_twice() -> None:
    assert [len(random_bytes(size)) for size in (0, 1, AEAD_NONCE_SIZE, 100)] == [0, 1, 12, 100]
    assert len({random_bytes(16) for _ in range(1000)}) == 1000


@given(st.binary(max_size=200), st.lists(st.binary(max_size=300), max_size=5))
def test_a_prepared_digest_is_the_one_of_rfc_2104(key: bytes, messages: list[bytes]) -> None:
    expected = [hmac_sha256(key, message) for message in messages]
    prepared = KeyedDigest(key)
    assert prepared.digests(messages) == expected
    assert prepared.digests(messages, 16) == [digest[:16] for digest in expected]
    assert all(prepared.digest(message) == digest for message, digest in zip(messages, expected, strict=True))


def test_a_permutation_serves_threads_at_once_and_keeps_nothing_between_calls() -> None:
    shared = BlockPermutation(KEY)
    inputs = [bytes((number % 256,)) * (16 * (1 + number % 70)) for number in range(400)]
    alone = [BlockPermutation(KEY).permute(blocks) for blocks in inputs]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(shared.permute, inputs)) == alone
        assert list(pool.map(shared.invert, alone)) == inputs
    assert shared.permute(b"") == b""
    assert shared.permute(inputs[3]) == alone[3]
