"""Canonical JSON: the one byte string for a value, so that it can be hashed and signed.

Close to RFC 8785 (JCS), for a smaller set of values: objects with keys sorted by code point (JCS: by UTF-16
unit, which differs only beyond the Basic Multilingual Plane), arrays, strings, integers within ±(2^53 − 1),
true, false, null. Floats are refused, since their text differs between languages. No white space; UTF-8; no
escaping beyond what JSON requires.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from cloakroom.errors import UsageError

MAX_INTEGER = 2**53 - 1
_TOO_LARGE = "an integer beyond 2^53 - 1 has no canonical JSON"

_encoder = msgspec.json.Encoder(order="sorted")


def _refuse_float(text: str) -> object:
    raise msgspec.DecodeError("a float")


_decoder = msgspec.json.Decoder(float_hook=_refuse_float)


def encode(value: object) -> bytes:
    """Return the canonical encoding of `value`.

    Args:
        value: Built of dict (string keys), list, tuple, str, int, bool and None only.

    Raises:
        UsageError: `value` holds a float, an integer that other languages would round, or another type.
    """
    try:
        _check(value)
        return _encoder.encode(value)
    except (UnicodeEncodeError, RecursionError):
        # The library's errors carry the value; ours must not.
        raise UsageError("text that is no Unicode, or too deep a nesting, has no canonical JSON") from None


def decode(data: bytes) -> object:
    """Decode canonical JSON, refusing any other encoding of the same value.

    Raises:
        UsageError: `data` is not JSON, or not in canonical form.
    """
    try:
        value = _decoder.decode(data)
        again = _encoder.encode(value)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise UsageError("not JSON, or not of the kind that is canonical here") from None
    if again != data:
        raise UsageError("JSON, but not in canonical form")
    _check_integers((value,))
    return value


def _check_integers(values: Iterable[object]) -> None:
    """Look for integers out of range among values that a JSON decoder gave: nothing else can be wrong with them."""
    for value in values:
        kind = type(value)
        if kind is str:
            continue
        if kind is int:
            if not -MAX_INTEGER <= value <= MAX_INTEGER:  # type: ignore[operator]
                raise UsageError(_TOO_LARGE)
        elif kind is dict:
            _check_integers(value.values())  # type: ignore[attr-defined]
        elif kind is list:
            _check_integers(value)  # type: ignore[arg-type]


def _check(value: object) -> None:
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise UsageError("a key that is not a string has no canonical JSON")
        _check_items(value.values())
    elif isinstance(value, (list, tuple)):
        _check_items(value)
    elif isinstance(value, int):
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise UsageError(_TOO_LARGE)
    elif not isinstance(value, str) and value is not None:
        raise UsageError(f"{type(value).__name__} has no canonical JSON")


def _check_items(items: Iterable[object]) -> None:
    # By exact type first: entries are small, many, and almost all of text, numbers and lists of these.
    for item in items:
        kind = type(item)
        if kind is str:
            continue
        if kind is int:
            if not -MAX_INTEGER <= item <= MAX_INTEGER:  # type: ignore[operator]
                raise UsageError(_TOO_LARGE)
        elif kind is tuple or kind is list:
            _check_items(item)  # type: ignore[arg-type]
        else:
            _check(item)
