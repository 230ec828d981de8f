"""The binding of a session's key: vectors, through our own function and through a second implementation."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from cloakroom.crypto import VerifyingKey
from cloakroom.errors import UsageError
from cloakroom.signing.binding import Ceremony, bind_key

TESTS = Path(__file__).parent.parent
VECTORS = json.loads((TESTS / "vectors" / "cloakroom" / "sign-in.json").read_text())


def second_opinion(ceremony: str, nonce: bytes, key: bytes) -> bytes:
    return hashlib.sha256(b"".join([b"cloakroom/sign-in/", ceremony.encode(), b"/v1", b"\x00", nonce, key])).digest()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['ceremony']}-{vector['nonce'][:4]}")
def test_a_vector_gives_its_binding_twice(vector):
    nonce, key = bytes.fromhex(vector["nonce"]), bytes.fromhex(vector["public_key"])
    found = bind_key(Ceremony(vector["ceremony"]), nonce, VerifyingKey(key))
    assert found.hex() == vector["binding"]
    assert second_opinion(vector["ceremony"], nonce, key).hex() == vector["binding"]


def test_every_ceremony_nonce_and_key_has_a_binding_of_its_own():
    assert len({vector["binding"] for vector in VECTORS}) == len(VECTORS)


def test_the_page_of_the_specification_shows_the_first_vectors():
    page = (TESTS.parent / "docs" / "spec" / "sign-in.md").read_text("utf-8")
    for vector in VECTORS[:3]:
        assert f"{vector['ceremony']:<7} {vector['binding']}" in page


def test_the_page_that_signs_people_in_hashes_the_same():
    script = (TESTS.parent / "src/cloakroom/web/pages/sign-in.js").read_text("utf-8")
    assert "`cloakroom/sign-in/${ceremony}/v1\\0`), fromBase64url(nonce), key.raw" in script


def test_a_nonce_has_its_size():
    with pytest.raises(UsageError):
        bind_key(Ceremony.PASSKEY, bytes(16), VerifyingKey(bytes.fromhex(VECTORS[0]["public_key"])))
