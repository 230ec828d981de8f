"""Canonical JSON: the one byte string for a value, so that it can be hashed and signed.

A subset of RFC 8785 (JCS): objects with keys sorted by code point, arrays, strings, integers within ±(2^53 − 1),
true, false, null. Floats are refused, since their text differs between languages. No white space; UTF-8; no
escaping beyond what JSON requires.
"""

from __future__ import annotations

import msgspec

from cloakroom.errors import UsageError

MAX_INTEGER = 2**53 - 1

_encoder = msgspec.json.Encoder(order="sorted")


def encode(value: object) -> bytes:
    """Return the canonical encoding of `value`.

    Args:
        value: Built of dict (string keys), list, tuple, str, int, bool and None only.

    Raises:
        UsageError: `value` holds a float, an integer that other languages would round, or another type.
    """
    _check(value)
    return _encoder.encode(value)


def decode(data: bytes) -> object:
    """Decode canonical JSON, refusing any other encoding of the same value.

    Raises:
        UsageError: `data` is not JSON, or not in canonical form.
    """
    try:
        value = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise UsageError("not JSON") from error
    if encode(value) != data:
        raise UsageError("JSON, but not in canonical form")
    return value


def _check(value: object) -> None:
    if value is None or isinstance(value, str | bool):
        return
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise UsageError("an integer beyond 2^53 - 1 has no canonical JSON")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise UsageError("a key that is not a string has no canonical JSON")
            _check(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _check(item)
    else:
        raise UsageError(f"{type(value).__name__} has no canonical JSON")
