"""Sign-ins under way and the sessions that came of them, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cloakroom.adapters.postgres.connection import Connection
from cloakroom.adapters.postgres.queries import load_queries
from cloakroom.crypto import VerifyingKey
from cloakroom.signing.binding import Ceremony

CODES = "cloakroom_codes"
"""Channel on which nodes hear that a provider's code waits to be redeemed."""


@dataclass(frozen=True, slots=True)
class BegunCeremony:
    """A sign-in or enrolment that was begun.

    Attributes:
        id: Its id, which is no secret.
        kind: What it is for.
        nonce: Ties the key to it.
        key: Public half of the session's key.
        detail: Principal or provider.
        verifier: PKCE (RFC 7636); empty where there is none.
        address: Where it began; ``local`` for the machine itself.
    """

    id: str
    kind: Ceremony
    nonce: bytes
    key: VerifyingKey
    detail: str
    verifier: str
    address: str


@dataclass(frozen=True, slots=True)
class CeremonyState:
    """The outcome of a ceremony.

    Attributes:
        kind: What it is for.
        key: Public half of the session's key.
        is_used: Whether it was presented.
        is_waiting: Whether a provider's code waits to be redeemed.
        outcome: Id of the credential, or the reason of the refusal after an exclamation mark; None before.
    """

    kind: Ceremony
    key: VerifyingKey
    is_used: bool
    is_waiting: bool
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Session:
    """A session as stored; times in microseconds.

    Attributes:
        id: Id of its credential.
        principal: Whose.
        created_at: When it began.
        expires_at: When it ends at the latest.
        revoked_at: When it was revoked, or None.
        last_used_at: When it was last used, or None.
        idle: How long it lives without use.
        address: The one address it serves, or None.
        signed_in_by: What it was begun with.
    """

    id: str
    principal: str
    created_at: int
    expires_at: int
    revoked_at: int | None
    last_used_at: int | None
    idle: int
    address: str | None
    signed_in_by: str


class SignInStore:
    """Reads and writes over one connection; not for use by two threads at once."""

    def __init__(self, connection: Connection) -> None:
        """Take an open connection in autocommit mode."""
        self._connection = connection
        self._queries = load_queries("sign_in")

    def tidy(self, now: int) -> None:
        """Forget ceremonies and requests for passkeys whose time is up."""
        self._connection.execute(self._queries["tidy_ceremonies"], {"now": now})
        self._connection.execute(self._queries["tidy_passkeys"], {"now": now})

    def open_ceremonies(self, address: str) -> tuple[int, int]:
        """Return how many ceremonies are kept, and how many of them began at `address`."""
        row = self._connection.execute(self._queries["open_ceremonies"], {"address": address}).fetchone()
        assert row is not None
        return int(row[0]), int(row[1])

    def begin(self, ceremony: BegunCeremony, at: int, expires_at: int) -> None:
        """Keep a ceremony that begins."""
        self._connection.execute(
            self._queries["begin_ceremony"],
            {
                "id": ceremony.id,
                "kind": str(ceremony.kind),
                "nonce": ceremony.nonce,
                "public_key": ceremony.key.raw,
                "detail": ceremony.detail,
                "verifier": ceremony.verifier,
                "address": ceremony.address,
                "at": at,
                "expires_at": expires_at,
            },
        )

    def use(self, name: str, kind: Ceremony, key: VerifyingKey, at: int) -> BegunCeremony | None:
        """Take a ceremony for good; None if it is unknown, over, used, another's, or for something else."""
        row = self._connection.execute(
            self._queries["use_ceremony"], {"id": name, "kind": str(kind), "public_key": key.raw, "at": at}
        ).fetchone()
        return None if row is None else BegunCeremony(name, kind, row[0], key, row[1], row[2], "")

    def ceremony(self, name: str) -> CeremonyState | None:
        """Return what became of a ceremony, or None if nothing is known of it."""
        row = self._connection.execute(self._queries["ceremony"], {"id": name}).fetchone()
        if row is None:
            return None
        return CeremonyState(Ceremony(row[0]), VerifyingKey(row[1]), row[2] is not None, row[4], row[3])

    def wait_for_provider(self, name: str, code: str) -> None:
        """Hand a provider's code to whichever node is first."""
        with self._connection.transaction():
            self._connection.execute(self._queries["wait_for_provider"], {"id": name, "code": code})
            self._connection.execute(self._queries["notify"], {"channel": CODES})

    def take_code(self, now: int, lease_until: int) -> tuple[BegunCeremony, str] | None:
        """Lease a code that nobody redeems; None if there is none."""
        row = self._connection.execute(
            self._queries["take_code"], {"now": now, "lease_until": lease_until}
        ).fetchone()
        if row is None:
            return None
        name, nonce, key, detail, verifier, address, code = row
        ceremony = BegunCeremony(name, Ceremony.OPENID, nonce, VerifyingKey(key), detail, verifier, address)
        return ceremony, str(code)

    def settle(self, name: str, outcome: str) -> bool:
        """Note what became of a ceremony whose code was redeemed; false if another node did already."""
        cursor = self._connection.execute(self._queries["settle_ceremony"], {"id": name, "outcome": outcome})
        return bool(cursor.rowcount)

    def add_session(self, session: Session, key: VerifyingKey) -> None:
        """Enrol the key of a session."""
        self._connection.execute(
            self._queries["add_session"],
            {
                "id": session.id,
                "principal": session.principal,
                "public_key": key.raw,
                "at": session.created_at,
                "expires_at": session.expires_at,
                "idle": session.idle,
                "address": session.address,
                "signed_in_by": session.signed_in_by,
            },
        )

    def sessions(self, now: int, principal: str | None = None) -> list[Session]:
        """Return the sessions that live, newest first; of everybody unless told."""
        rows = self._connection.execute(self._queries["sessions"], {"now": now, "principal": principal})
        return [_session(row) for row in rows]

    def session(self, name: str) -> Session | None:
        """Return a session whether or not it still lives, or None."""
        row = self._connection.execute(self._queries["session"], {"id": name}).fetchone()
        return None if row is None else _session(row)

    def revoke_sessions_of(self, principal: str, at: int, signed_in_by: str | None = None) -> list[str]:
        """Revoke every session of a principal, or those begun with one thing; return the ids."""
        rows = self._connection.execute(
            self._queries["revoke_sessions_of"],
            {"principal": principal, "at": at, "signed_in_by": signed_in_by},
        )
        return sorted(str(row[0]) for row in rows)

    def link_subject(self, digest: bytes, provider: str, principal: str, at: int) -> bool:
        """Let a subject of a provider be a principal here; false if it is somebody already."""
        cursor = self._connection.execute(
            self._queries["link_subject"],
            {"digest": digest, "provider": provider, "principal": principal, "at": at},
        )
        return bool(cursor.rowcount)

    def unlink_subjects(self, provider: str, principal: str) -> int:
        """Take a principal's subjects of a provider away; return how many they were."""
        arguments = {"provider": provider, "principal": principal}
        return self._connection.execute(self._queries["unlink_subjects"], arguments).rowcount

    def subject(self, digest: bytes) -> str | None:
        """Return which principal a subject is, or None."""
        row = self._connection.execute(self._queries["subject"], {"digest": digest}).fetchone()
        return None if row is None else str(row[0])


def _session(row: Sequence[Any]) -> Session:
    return Session(*row)
