"""The register of claims in PostgreSQL: counts, a bitmap of our own records, keyed digests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np
from psycopg.types.json import Jsonb

from cloakroom.adapters.postgres.connection import Connection
from cloakroom.adapters.postgres.queries import load_queries
from cloakroom.claims.register import RegisteredClaim, Sketch
from cloakroom.errors import UsageError
from cloakroom.ledger.record_sets import RecordSetSealer


class PostgresClaimRegister:
    """Keeps claims; implements `cloakroom.claims.register.ClaimRegister`."""

    def __init__(self, connection: Connection, sets: RecordSetSealer) -> None:
        """Take an open connection in autocommit mode, and what seals the sets."""
        self._connection = connection
        self._sets = sets
        self._queries = load_queries("claims")

    def add(self, claim: RegisteredClaim) -> None:
        """Keep a claim and its links in one transaction."""
        with self._connection.transaction():
            self._connection.execute(
                self._queries["add_claim"],
                {
                    "id": UUID(claim.id),
                    "checked_at": claim.checked_at,
                    "checked_by": claim.checked_by,
                    "statement": Jsonb(claim.statement),
                    "report": Jsonb(claim.report),
                    "records": self._sets.seal(f"claim/{UUID(claim.id)}", claim.sketch.records),
                    "sketch_rate": claim.sketch.rate,
                    "sketch": claim.sketch.digests.astype(">u8").tobytes(),
                    "emails": claim.sketch.emails,
                },
            )
            for link in claim.links:
                self._connection.execute(
                    self._queries["add_claim_link"],
                    {"claim": UUID(claim.id), "earlier": UUID(link.id), "share": link.share, "basis": link.basis},
                )

    def all(self) -> Sequence[RegisteredClaim]:
        """Return all claims, oldest first, with the part of their reports that later ones are compared with."""
        return [
            RegisteredClaim(
                id=str(row[0]),
                checked_at=row[1],
                checked_by=row[2],
                statement=row[3],
                report=row[8],
                sketch=Sketch(
                    self._sets.open(f"claim/{row[0]}", row[4]),
                    row[5],
                    np.frombuffer(row[6], ">u8").astype(np.uint64),
                    row[7],
                ),
            )
            for row in self._connection.execute(self._queries["claims"])
        ]

    def releases_run(self) -> dict[str, int]:
        """Return when each release was run, in microseconds, from the entries of the ledger."""
        found = {}
        for at, body in self._connection.execute(self._queries["release_entries"], binary=True):
            detail = json.loads(bytes(body)).get("detail", {})
            if detail.get("phase") == "run":
                found[str(detail.get("release"))] = int(at)
        return found

    def reports(self) -> list[dict[str, Any]]:
        """Return the reports of all claims, oldest first."""
        return [row[4] for row in self._connection.execute(self._queries["claim_list"])]

    def report(self, claim: str) -> dict[str, Any]:
        """Return the report of one claim.

        Raises:
            UsageError: There is no such claim.
        """
        try:
            wanted = UUID(claim)
        except ValueError:
            raise UsageError("a claim is named by the id that `claim list` shows") from None
        row = self._connection.execute(self._queries["claim"], {"id": wanted}).fetchone()
        if row is None:
            raise UsageError(f"no claim {wanted} in the register")
        report: dict[str, Any] = row[0]
        return report
