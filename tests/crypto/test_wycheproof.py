"""Wycheproof's cases through our own functions; parameters that we do not offer must be refused clearly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cloakroom.crypto import (
    AEAD_NONCE_SIZE,
    AEAD_TAG_SIZE,
    KEY_SIZE,
    AuthenticatedCipher,
    KeyedDigest,
    VerifyingKey,
    hkdf_sha256,
    hmac_sha256,
    is_equal,
)
from cloakroom.errors import OpenError, TamperedError, UsageError

FOLDER = Path(__file__).parents[1] / "vectors" / "wycheproof"


def cases(name: str) -> list[Any]:
    """Return each case with its group's parameters, under the number that Wycheproof gave it."""
    document = json.loads((FOLDER / name).read_text())
    found = [
        pytest.param(group, test, id=str(test["tcId"])) for group in document["testGroups"] for test in group["tests"]
    ]
    assert len(found) == document["numberOfTests"]
    return found


@pytest.mark.parametrize(("group", "test"), cases("aes_gcm_test.json"))
def test_aes_gcm(group: dict[str, Any], test: dict[str, Any]) -> None:
    key, nonce, data = (bytes.fromhex(test[name]) for name in ("key", "iv", "aad"))
    plaintext, sealed = bytes.fromhex(test["msg"]), bytes.fromhex(test["ct"] + test["tag"])
    if len(key) != KEY_SIZE:
        with pytest.raises(UsageError):
            AuthenticatedCipher(key)
        return
    cipher = AuthenticatedCipher(key)
    if len(nonce) != AEAD_NONCE_SIZE:
        with pytest.raises(UsageError):
            cipher.seal(nonce, plaintext, data)
        with pytest.raises(OpenError):
            cipher.open(nonce, sealed, data)
    elif test["result"] == "valid":
        assert group["tagSize"] == AEAD_TAG_SIZE * 8
        assert cipher.seal(nonce, plaintext, data) == sealed
        assert cipher.open(nonce, sealed, data) == plaintext
    else:
        with pytest.raises(OpenError):
            cipher.open(nonce, sealed, data)


@pytest.mark.parametrize(("group", "test"), cases("hkdf_sha256_test.json"))
def test_hkdf(group: dict[str, Any], test: dict[str, Any]) -> None:
    secret, salt, info = (bytes.fromhex(test[name]) for name in ("ikm", "salt", "info"))
    assert group["keySize"] == len(secret) * 8
    if test["result"] == "valid":
        assert hkdf_sha256(secret, info=info, salt=salt, size=test["size"]).hex() == test["okm"]
    else:
        assert test["flags"] == ["SizeTooLarge"]
        with pytest.raises(UsageError):
            hkdf_sha256(secret, info=info, salt=salt, size=test["size"])


@pytest.mark.parametrize(("group", "test"), cases("hmac_sha256_test.json"))
def test_hmac(group: dict[str, Any], test: dict[str, Any]) -> None:
    tag = hmac_sha256(bytes.fromhex(test["key"]), bytes.fromhex(test["msg"]))[: group["tagSize"] // 8]
    assert is_equal(tag, bytes.fromhex(test["tag"])) == (test["result"] == "valid")
    prepared = KeyedDigest(bytes.fromhex(test["key"]))
    message = bytes.fromhex(test["msg"])
    assert prepared.digests([message, b"between", message], group["tagSize"] // 8)[::2] == [tag, tag]


@pytest.mark.parametrize(("group", "test"), cases("ed25519_test.json"))
def test_ed25519(group: dict[str, Any], test: dict[str, Any]) -> None:
    key = VerifyingKey(bytes.fromhex(group["publicKey"]["pk"]))
    message, signature = bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"])
    if test["result"] == "valid":
        key.verify(message, signature)
    else:
        with pytest.raises(TamperedError):
            key.verify(message, signature)
