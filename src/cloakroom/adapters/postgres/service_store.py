"""The service's own rows in PostgreSQL: nonces, presented credentials, kept answers."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cloakroom.adapters.postgres.connection import Connection
from cloakroom.adapters.postgres.queries import load_queries
from cloakroom.adapters.postgres.statements import Statements, int8_array, text_array, uuid_array
from cloakroom.adapters.postgres.store_records import Credential, StoredPrincipal, stored_principal
from cloakroom.crypto import VerifyingKey


@dataclass(frozen=True, slots=True)
class Presented:
    """A credential that a request presents, as the store knows it now, with its principal."""

    credential: Credential
    stored: StoredPrincipal


@dataclass(frozen=True, slots=True)
class StoreChanges:
    """Numbers that move when keys, configuration or canaries change; compared, never interpreted."""

    keys: str
    configuration: int
    canaries: int


class ServiceStore:
    """Reads and writes over one connection; not for use by two threads at once."""

    def __init__(self, connection: Connection) -> None:
        """Take an open connection in autocommit mode."""
        self._connection = connection
        self._queries = load_queries("service")
        self._statements = Statements(connection)
        self._seen: dict[str, tuple[tuple[object, ...], Presented]] = {}

    def use_waiting(self, work: Callable[[], bool]) -> None:
        """Have something done while nonces are claimed; see `Statements.use_waiting`."""
        self._statements.use_waiting(work)

    def claim(
        self, credentials: Sequence[str], nonces: Sequence[str], expires: Sequence[int]
    ) -> tuple[set[int], Mapping[str, Presented]]:
        """Claim the nonces of a batch and read the credentials it presents, in one round trip.

        Returns:
            The positions whose nonce nobody presented before, and the credentials that exist, by id.
        """
        ids = [base64.urlsafe_b64decode(nonce + "==") for nonce in nonces]
        claimed, rows = self._statements.run(
            (
                self._queries["claim_nonces"],
                {
                    "credentials": text_array(credentials),
                    "nonces": uuid_array(ids),
                    "expires": int8_array(expires),
                },
            ),
            (self._queries["presented"], {"credentials": text_array(sorted(set(credentials)))}),
        )
        positions = {row[0] - 1 for row in claimed}
        return positions, {row[0]: self._presented(row) for row in rows}

    def presented(self, credentials: Sequence[str]) -> Mapping[str, Presented]:
        """Return the credentials that exist, by id."""
        rows = self._connection.execute(self._queries["presented"], {"credentials": list(credentials)})
        return {row[0]: self._presented(row) for row in rows}

    def _presented(self, row: tuple[object, ...]) -> Presented:
        name = str(row[0])
        known = self._seen.get(name)
        # The lineage's version moves with every opening; whoever decides by it reads it in its own transaction.
        state = (*row[:17], *row[18:])
        if known is not None and known[0] == state:
            return known[1]
        credential = Credential(name, str(row[9]), VerifyingKey(row[1]), *row[2:9])  # type: ignore[arg-type]
        presented = Presented(credential, stored_principal(row[9:]))
        if len(self._seen) > 50_000:
            self._seen.clear()
        self._seen[name] = (state, presented)
        return presented

    def forget_nonces(self, before_s: int) -> None:
        """Drop nonces whose signatures have expired."""
        self._connection.execute(self._queries["forget_nonces"], {"before": before_s})

    def forget_sessions(self, before: int) -> None:
        """Drop sessions that ended before `before`, in microseconds."""
        self._connection.execute(self._queries["forget_sessions"], {"before": before})

    def note_use(self, at: Mapping[str, int]) -> None:
        """Note when credentials were last used, in microseconds."""
        if at:
            names = sorted(at)
            self._connection.execute(
                self._queries["used"], {"credentials": names, "at": [at[name] for name in names]}
            )

    def changes(self) -> StoreChanges:
        """Return what tells whether keys, configuration or canaries changed."""
        row = self._connection.execute(self._queries["changes"]).fetchone()
        assert row is not None
        return StoreChanges(row[0], int(row[1]), int(row[2]))

    def forget_answers(self, before: int) -> None:
        """Drop answers kept before a moment, in microseconds."""
        self._connection.execute(self._queries["forget_answers"], {"before": before})

    def facet_changes(self) -> Mapping[int, int]:
        """Return how many changes of facets wait to be folded in, by brand."""
        return dict(self._connection.execute(self._queries["facet_changes"]).fetchall())

    def entries_from(self, leaf_index: int, limit: int) -> list[tuple[int, bytes]]:
        """Return (place, leaf) of the integrated entries at the next `limit` places of the log."""
        rows = self._connection.execute(
            self._queries["entries_after"], {"from": leaf_index, "limit": limit}, binary=True
        )
        return [(row[0], row[1]) for row in rows]
