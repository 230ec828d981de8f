"""The formats of docs/spec once more, written from those pages with the `cryptography` library alone.

Shares no line with the product, so that a mistake in one shows against the other.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def number(value, size):
    return value.to_bytes(size, "big")


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def place_of(v):
    return number(v["brand"], 2) + number(v["ordinal"], 4) + number(v["class"], 1) + number(v["key_number"], 1)


def envelope(v):
    """docs/spec/envelope.md."""
    key, initial = bytes.fromhex(v["key"]), bytes.fromhex(v["initial"])
    out = b"\x01" + initial
    held = bytes(field for field, _ in v["cells"])
    for field, text in v["cells"]:
        value = text.encode() + b"\x80"
        while len(value) % 16:
            value += b"\0"
        bound = (
            b"cloakroom/cell".ljust(18, b"\0")
            + b"\x01"
            + place_of(v)
            + number(v["version"], 4)
            + held
            + bytes([field])
        )
        blocks = len(value) // 16
        size = number(blocks, 1) if blocks < 128 else number(32768 + blocks, 2)
        out += bytes([field]) + size + AESGCM(key).encrypt(initial + bytes([field]), value, bound)
    return out


def wraps(v):
    """docs/spec/keys.md."""
    encryption_keys = [bytes.fromhex(key) for key in v["encryption_keys"]]
    commitment_key = derived(b"".join(encryption_keys), b"cloakroom/wraps/commitment/v1")
    out = b""
    for encryption_key, key in zip(encryption_keys, v["keys"], strict=True):
        out += permuted(encryption_key, bytes.fromhex(key))
    place = number(v["brand"], 2) + number(v["ordinal"], 4) + number(v["key_number"], 1) + number(v["generation"], 2)
    return out + mac(commitment_key, b"cloakroom/wraps".ljust(18, b"\0") + b"\x01" + place + out)[:24]


def ring_key(v):
    """docs/spec/keys.md."""
    name = {"label": "cloakroom/key", **v["name"]}
    bound = json.dumps(name, sort_keys=True, separators=(",", ":")).encode()
    nonce = bytes.fromhex(v["nonce"])
    return nonce + AESGCM(bytes.fromhex(v["root"])).encrypt(nonce, bytes.fromhex(v["key"]), bound)


def permuted(key, block):
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(block)


def token(v):
    """docs/spec/token.md."""
    block = b"\x01" + number(v["brand"], 2) + b"\0" + number(v["ordinal"], 4) + bytes(8)
    return "tok_" + base64.urlsafe_b64encode(permuted(bytes.fromhex(v["key"]), block)).decode().rstrip("=")


def link_digest(v):
    """docs/spec/blind-index.md."""
    head = b"cloakroom/link".ljust(20, b"\0") + b"\x01" + number(v["kind"], 1) + number(v["scope"], 2)
    return mac(bytes.fromhex(v["link_key"]), head + v["normal_form"].encode())[:16]


def stored_digest(v):
    """docs/spec/blind-index.md."""
    return permuted(bytes.fromhex(v["index_key"]), link_digest(v))


def derived(key, info):
    return HKDF(hashes.SHA256(), 32, None, info).derive(key)


def facet_key(v):
    """docs/spec/facet.md."""
    name, value = v["name"].encode(), v["value"].encode()
    head = b"\x01" + number(len(name), 2) + number(len(value), 2) + bytes(4)
    return mac(derived(bytes.fromhex(v["key"]), b"cloakroom/facet/name/v1"), head + name + value)[:16]


def facet(v):
    """docs/spec/facet.md."""
    name, value, body = v["name"].encode(), v["value"].encode(), bytes.fromhex(v["bitmap"])
    plain = b"\x01" + number(len(name), 2) + number(len(value), 2) + number(len(body), 4) + name + value + body
    size = 4096
    while size < len(plain):
        size *= 2
    nonce = bytes.fromhex(v["nonce"])
    bound = b"cloakroom/facet\x01" + number(v["brand"], 2) + facet_key(v)
    sealing = AESGCM(derived(bytes.fromhex(v["key"]), b"cloakroom/facet/seal/v1"))
    return nonce + sealing.encrypt(nonce, plain.ljust(size, b"\0"), bound)


def record_set(v):
    """docs/spec/record-set.md."""
    key, nonce, generation = bytes.fromhex(v["key"]), bytes.fromhex(v["nonce"]), number(v["generation"], 2)
    bitmap = bytes.fromhex(v["bitmap"])
    plain = number(len(bitmap), 4) + bitmap
    while len(plain) % 64:
        plain += b"\0"
    commitment = mac(key, b"cloakroom/record-set/commitment\x01" + generation)[:24]
    sealed = AESGCM(key).encrypt(nonce, plain, b"cloakroom/record-set\x01" + generation + v["place"].encode())
    return b"\x01" + generation + commitment + nonce + sealed
