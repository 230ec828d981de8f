"""The validity of a credential: the one rule, for requests over HTTP and for the command line."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

UNUSED_DAYS: Final = 90
"""A credential that nobody used for so many days has lapsed, unless its own bound is shorter."""

_MICROSECOND = timedelta(microseconds=1)


def has_lapsed(
    *,
    created_at: int,
    expires_at: int | None,
    revoked_at: int | None,
    last_used_at: int | None,
    idle: int | None,
    now: int,
) -> bool:
    """Answer whether a credential was revoked, has expired, or was not used for too long.

    Args:
        created_at: When it was enrolled; all times in microseconds.
        expires_at: First moment at which it is no longer valid, if any.
        revoked_at: When it was revoked, if it was.
        last_used_at: When it was last used, if it was.
        idle: Its own bound on time without use; `UNUSED_DAYS` where it has none.
        now: The moment in question.
    """
    if revoked_at is not None or (expires_at is not None and expires_at <= now):
        return True
    bound = timedelta(days=UNUSED_DAYS) // _MICROSECOND if idle is None else idle
    return now - max(last_used_at or 0, created_at) > bound
