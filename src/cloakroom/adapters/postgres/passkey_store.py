"""Passkeys in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cloakroom.adapters.postgres.connection import Connection
from cloakroom.adapters.postgres.queries import load_queries
from cloakroom.errors import DeniedError


class PasskeyState(StrEnum):
    """The state of a passkey; only an active one signs anybody in."""

    REQUESTED = "requested"
    ACTIVE = "active"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class StoredPasskey:
    """A passkey as stored; times in microseconds.

    Attributes:
        id: Its id here.
        principal: Whose.
        credential_id: As the authenticator names it.
        public_key: COSE key.
        fingerprint: SHA-256 over both, in hex: what approvals are of.
        asked_with: Public key that signed the request.
        sign_count: Signatures that the authenticator counted so far.
        state: Whether it signs anybody in.
        requested_at: When it was asked for.
        expires_at: Until when it may be approved.
        activated_at: When it became active, or None.
        revoked_at: When it was revoked, or None.
        last_used_at: When somebody last signed in with it, or None.
        approvals: (principal, credential) of those who approved it.
    """

    id: str
    principal: str
    credential_id: bytes
    public_key: bytes
    fingerprint: str
    asked_with: bytes
    sign_count: int
    state: PasskeyState
    requested_at: int
    expires_at: int
    activated_at: int | None = None
    revoked_at: int | None = None
    last_used_at: int | None = None
    approvals: tuple[tuple[str, str], ...] = ()


class PasskeyStore:
    """Reads and writes passkeys over one connection."""

    def __init__(self, connection: Connection) -> None:
        """Take an open connection in autocommit mode."""
        self._connection = connection
        self._queries = load_queries("sign_in")

    def request(self, passkey: StoredPasskey, bound: int) -> bool:
        """Keep a request, within a transaction; false if its principal has `bound` of them, or the key is known."""
        self._connection.execute(self._queries["lock_principal"], {"principal": passkey.principal})
        row = self._connection.execute(self._queries["requested_passkeys"], {"principal": passkey.principal})
        if (row.fetchone() or (0,))[0] >= bound:
            return False
        cursor = self._connection.execute(
            self._queries["request_passkey"],
            {
                "id": passkey.id,
                "principal": passkey.principal,
                "credential_id": passkey.credential_id,
                "public_key": passkey.public_key,
                "fingerprint": passkey.fingerprint,
                "asked_with": passkey.asked_with,
                "sign_count": passkey.sign_count,
                "at": passkey.requested_at,
                "expires_at": passkey.expires_at,
            },
        )
        return bool(cursor.rowcount)

    def get(self, name: str, *, lock: bool = False) -> StoredPasskey:
        """Return a passkey; with `lock`, nobody else changes it until the transaction ends.

        Raises:
            DeniedError: There is none of that id.
        """
        query = self._queries["lock_passkey" if lock else "passkey"]
        row = self._connection.execute(query, {"id": name}).fetchone()
        if row is None:
            raise DeniedError("not-found", "no such passkey")
        return self._passkey(row)

    def presented(self, credential_id: bytes) -> StoredPasskey | None:
        """Return the passkey that an authenticator names so, locked until the transaction ends, or None."""
        row = self._connection.execute(
            self._queries["lock_presented_passkey"], {"credential_id": credential_id}
        ).fetchone()
        return None if row is None else self._passkey(row)

    def passkeys(self, now: int, principal: str | None = None) -> list[StoredPasskey]:
        """Return passkeys, newest first, without requests whose time is up; of everybody unless told."""
        rows = self._connection.execute(self._queries["passkeys"], {"now": now, "principal": principal}).fetchall()
        return [self._passkey(row) for row in rows]

    def approve(self, name: str, principal: str, credential: str, at: int) -> None:
        """Note an approval."""
        arguments = {"id": name, "principal": principal, "credential": credential, "at": at}
        self._connection.execute(self._queries["approve_passkey"], arguments)

    def activate(self, name: str, at: int) -> None:
        """Let it sign in."""
        self._connection.execute(self._queries["activate_passkey"], {"id": name, "at": at})

    def revoke(self, name: str, at: int) -> bool:
        """Let it sign nobody in any more; say whether it was not revoked before."""
        return bool(self._connection.execute(self._queries["revoke_passkey"], {"id": name, "at": at}).rowcount)

    def used(self, name: str, sign_count: int, at: int) -> None:
        """Note that somebody signed in with it."""
        arguments = {"id": name, "sign_count": sign_count, "at": at}
        self._connection.execute(self._queries["passkey_used"], arguments)

    def _passkey(self, row: Sequence[Any]) -> StoredPasskey:
        approvals = self._connection.execute(self._queries["passkey_approvals"], {"id": row[0]}).fetchall()
        named = tuple((str(item[0]), str(item[1])) for item in approvals)
        name, principal, known_as, key, fingerprint, asked_with, count, state, *times = row
        requested_at, expires_at, activated_at, revoked_at, last_used_at = times
        return StoredPasskey(
            id=name,
            principal=principal,
            credential_id=known_as,
            public_key=key,
            fingerprint=fingerprint,
            asked_with=asked_with,
            sign_count=count,
            state=PasskeyState(state),
            requested_at=requested_at,
            expires_at=expires_at,
            activated_at=activated_at,
            revoked_at=revoked_at,
            last_used_at=last_used_at,
            approvals=named,
        )
