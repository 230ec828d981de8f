"""Answers of the service, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Record:
    """The values shown of one token.

    Attributes:
        token: As it was asked for.
        fields: Text by field; one that the record lacks is left out.
        forms: Form of each field: ``reveal``, ``mask``, ``band`` or ``token``.
    """

    token: str
    fields: Mapping[str, str]
    forms: Mapping[str, str]

    def __repr__(self) -> str:
        """Leave out what is personal."""
        return f"Record({self.token!r}, {len(self.fields)} fields)"


@dataclass(frozen=True, slots=True)
class Exposure:
    """The exposure of a credential: the most that it could open if it were stolen now.

    Attributes:
        principal: Whose.
        ceiling: Distinct records until somebody renews.
        fields: Strongest form of each field within reach.
        windows: The bounds of each window, as the service writes them.
    """

    principal: str
    ceiling: int
    fields: Mapping[str, str]
    windows: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Release:
    """An approved bulk, or one that waits for approval.

    Attributes:
        id: Its id.
        state: ``requested``, ``approved``, ``running`` or ``done``.
        digest: Names exactly what was asked for; an approval states it.
        document: Everything else, as the service writes it.
    """

    id: str
    state: str
    digest: str
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """The progress of the run of a release.

    Attributes:
        release: Id of the release.
        state: ``waiting``, ``running``, ``done`` or ``failed``.
        failure: Stable code of what went wrong, or None.
        rows_done: Rows written so far.
        records: Rows in all, canaries included.
        parts: Parts of the finished file.
        size: Its bytes.
        file_sha256: Its SHA-256 in hex, once it is whole.
    """

    release: str
    state: str
    failure: str | None
    rows_done: int
    records: int
    parts: int
    size: int
    file_sha256: str | None
