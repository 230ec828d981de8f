"""Requests to the ledger: checkpoints, tiles, proofs, access reports; each with its answer."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from cloakroom.web.api.requests.elements import (
    Purpose,
    Reference,
    Request,
    Time,
    Token,
)


class ReadCheckpoint(Request, frozen=True, kw_only=True):
    """Read the newest signed checkpoint of the ledger."""

    purpose: Purpose


class ReadTile(Request, frozen=True, kw_only=True):
    """Read a tile or bundle of the ledger (C2SP tlog-tiles)."""

    purpose: Purpose
    path: Annotated[str, Meta(pattern="^[a-z0-9/.]{1,200}$", max_length=200)]


class ProveEntry(Request, frozen=True, kw_only=True):
    """Prove that an entry is in the ledger (C2SP tlog-proof)."""

    purpose: Purpose
    leaf_index: Annotated[int, Meta(ge=0, le=2**53 - 1)]


class ReportAccess(Request, frozen=True, kw_only=True):
    """Report who opened the records of one person: which fields, when, for which purpose, each with its proof."""

    purpose: Purpose
    tokens: Annotated[list[Token], Meta(min_length=1, max_length=100)]
    reference: Reference | None = None
    start: Time | None = None
    end: Time | None = None

    @property
    def size(self) -> int:
        """Return the number of tokens."""
        return len(self.tokens)


class ReportedOpening(msgspec.Struct, frozen=True):
    """One entry: form by field is empty where only the existence of the record was told."""

    leaf_index: int
    at: str
    lineage: str
    principal: str
    operation: str
    purpose: str
    brand: str
    reference: str
    fields: dict[str, str]
    records: int
    proof: str


class ReportedAccess(msgspec.Struct, frozen=True):
    """In the order of the log; `log_size` entries are taken into account, `log_key` verifies the proofs."""

    records: int
    log_size: int
    log_key: str
    openings: list[ReportedOpening]
