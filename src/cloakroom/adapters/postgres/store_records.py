"""The store's own rows: its identity, keys, configuration, catalogue, principals and credentials."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

from cloakroom.adapters.postgres.connection import Connection
from cloakroom.adapters.postgres.queries import load_queries
from cloakroom.clock import from_microseconds, to_microseconds
from cloakroom.crypto import VerifyingKey, sha256
from cloakroom.errors import ConflictError, DeniedError, StoreError
from cloakroom.gate.decision import Principal
from cloakroom.gate.policy import LOCAL, Networks, PrincipalKind
from cloakroom.gate.validity import has_lapsed
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vault.fields import FieldDefinition

FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class StoreIdentity:
    """The identity of a store."""

    id: uuid.UUID
    group_name: str
    origin: str
    created_at: int


@dataclass(frozen=True, slots=True)
class StoredPrincipal:
    """A principal as enrolled, with the state of its lineage.

    Attributes:
        principal: Who it is, as the gate sees it.
        networks: Networks it is confined to, as written.
        token_scope: Whose tokens it holds.
        version: Number of its counted entries.
        epoch: Number of its renewals.
        frozen_at: When it was frozen, in microseconds, or None.
        frozen_reason: Why.
    """

    principal: Principal
    networks: tuple[str, ...]
    token_scope: str
    version: int
    epoch: int
    frozen_at: int | None
    frozen_reason: str | None


@dataclass(frozen=True, slots=True)
class Credential:
    """A public key by which a principal proves who it is; times in microseconds.

    Attributes:
        id: Its id.
        principal: Whose it is.
        key: The key.
        created_at: When it was enrolled.
        expires_at: First moment at which it is no longer valid, or None.
        revoked_at: When it was revoked, or None.
        last_used_at: When it was last used, or None.
        idle: Its own bound on time without use, or None.
        address: The one address that it may be used from, ``local`` for the machine itself, or None for any.
        signed_in_by: What its session was begun with; None for a key that was enrolled for good.
    """

    id: str
    principal: str
    key: VerifyingKey
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    last_used_at: int | None
    idle: int | None = None
    address: str | None = None
    signed_in_by: str | None = None

    def has_lapsed(self, now: int) -> bool:
        """Answer whether it is no longer valid; see `gate.validity`."""
        return has_lapsed(
            created_at=self.created_at,
            expires_at=self.expires_at,
            revoked_at=self.revoked_at,
            last_used_at=self.last_used_at,
            idle=self.idle,
            now=now,
        )

    def serves_from(self, address: str | None) -> bool:
        """Answer whether it may be used from a network address; None is the machine itself."""
        return self.address is None or self.address == (LOCAL if address is None else address)


class StoreRecords:
    """Reads and writes the store's own rows over one connection."""

    def __init__(self, connection: Connection) -> None:
        """Take an open connection in autocommit mode."""
        self._connection = connection
        self._queries = load_queries("store")

    def create(self, group_name: str, origin: str, at: int) -> StoreIdentity:
        """Write the store's identity; there is one."""
        identity = StoreIdentity(uuid.uuid4(), group_name, origin, at)
        self._connection.execute(
            self._queries["create_store"],
            {"id": identity.id, "group_name": group_name, "origin": origin, "at": at},
        )
        return identity

    def identity(self) -> StoreIdentity:
        """Return what this store is.

        Raises:
            StoreError: Making it was interrupted.
        """
        row = self._connection.execute(self._queries["store"]).fetchone()
        if row is None:
            raise StoreError("the store is incomplete: `cloakroom init` was interrupted; remove it and start again")
        return StoreIdentity(*row)

    def set_origin(self, origin: str) -> None:
        """Name the store's ledger; once, while it is made."""
        self._connection.execute(self._queries["set_origin"], {"origin": origin})

    def register_node(self, name: str, at: int) -> int:
        """Note the start of a node; return how often it has started."""
        row = self._connection.execute(self._queries["register_node"], {"id": name, "at": at}).fetchone()
        assert row is not None
        return int(row[0])

    def add_configuration(self, path: str, content: str, at: int) -> None:
        """Store a new version of a configuration file."""
        self._connection.execute(
            self._queries["add_configuration"],
            {"path": path, "content": content, "sha256": sha256(content.encode()), "at": at},
        )

    def configuration(self) -> dict[str, str]:
        """Return the newest text of each configuration file, by its path in the folder."""
        return dict(self._connection.execute(self._queries["configuration"]).fetchall())

    def catalogue(self, definitions: Mapping[str, FieldDefinition]) -> Catalogue:
        """Return the numbers given so far, with the definitions of fields from the configuration."""
        return Catalogue(
            brands=dict(self._connection.execute(self._queries["brands"]).fetchall()),
            fields=dict(self._connection.execute(self._queries["fields"]).fetchall()),
            indexes=dict(self._connection.execute(self._queries["index_kinds"]).fetchall()),
            definitions=definitions,
        )

    def store_catalogue(self, catalogue: Catalogue) -> None:
        """Store numbers that are not stored yet."""
        for name, number in catalogue.brands.items():
            self._connection.execute(self._queries["add_brand"], {"number": number, "name": name})
        for name, number in catalogue.fields.items():
            if name in catalogue.definitions:
                row = {"number": number, "name": name, "class": int(catalogue.envelope_class(name))}
                self._connection.execute(self._queries["add_field"], row)
        for name, number in catalogue.indexes.items():
            self._connection.execute(self._queries["add_index_kind"], {"number": number, "name": name})

    def add_principal(self, principal: Principal, networks: tuple[str, ...], token_scope: str, at: int) -> None:
        """Enrol a principal with a lineage of its own.

        Raises:
            ConflictError: There is one of that id.
        """
        if self.find_principal(principal.id) is not None:
            raise ConflictError(f"there is a principal {principal.id} already")
        valid_until = None if principal.valid_until == FOREVER else to_microseconds(principal.valid_until)
        self._connection.execute(
            self._queries["add_principal"],
            {
                "id": principal.id,
                "kind": str(principal.kind),
                "roles": sorted(principal.roles),
                "brands": sorted(principal.brands),
                "networks": list(networks),
                "valid_from": to_microseconds(principal.valid_from),
                "valid_until": valid_until,
                "at": at,
                "token_scope": token_scope,
            },
        )
        self._connection.execute(self._queries["add_lineage"], {"id": principal.id})

    def principals(self) -> list[StoredPrincipal]:
        """Return all principals, by id."""
        return [stored_principal(row) for row in self._connection.execute(self._queries["principals"])]

    def find_principal(self, name: str) -> StoredPrincipal | None:
        """Return a principal, or None."""
        row = self._connection.execute(self._queries["principal"], {"id": name}).fetchone()
        return None if row is None else stored_principal(row)

    def principal(self, name: str) -> StoredPrincipal:
        """Return a principal.

        Raises:
            DeniedError: There is none of that id.
        """
        found = self.find_principal(name)
        if found is None:
            raise DeniedError("unknown", "no such principal")
        return found

    def add_credential(
        self, name: str, principal: str, key: VerifyingKey, at: int, expires_at: int | None = None
    ) -> None:
        """Enrol a public key for a principal."""
        self._connection.execute(
            self._queries["add_credential"],
            {"id": name, "principal": principal, "public_key": key.raw, "at": at, "expires_at": expires_at},
        )

    def has_key(self, key: VerifyingKey) -> bool:
        """Say whether a public key is enrolled, for whomever."""
        row = self._connection.execute("select 1 from credential where public_key = %s", (key.raw,)).fetchone()
        return row is not None

    def credential(self, name: str) -> Credential | None:
        """Return a credential, or None."""
        row = self._connection.execute(self._queries["credential"], {"id": name}).fetchone()
        return None if row is None else Credential(row[0], row[1], VerifyingKey(row[2]), *row[3:])

    def credentials_of(self, principal: str) -> list[Credential]:
        """Return the credentials of a principal, oldest first."""
        rows = self._connection.execute(self._queries["credentials_of"], {"principal": principal})
        return [Credential(row[0], row[1], VerifyingKey(row[2]), *row[3:]) for row in rows]

    def note_use(self, name: str, at: int) -> None:
        """Note that a credential was used."""
        self._connection.execute(self._queries["credential_used"], {"id": name, "at": at})

    def revoke_credential(self, name: str, at: int) -> bool:
        """Revoke a credential; say whether it was valid."""
        return bool(self._connection.execute(self._queries["revoke_credential"], {"id": name, "at": at}).rowcount)


def _networks(texts: list[str]) -> Networks:
    return Networks(
        ranges=tuple(ip_network(text) for text in texts if text != LOCAL),
        local=LOCAL in texts,
    )


def stored_principal(row: tuple[Any, ...]) -> StoredPrincipal:
    """Return the value of a row of ``principal`` in sql/store.sql."""
    name, kind, roles, brands, networks, valid_from, valid_until, token_scope, version, epoch, frozen_at, reason = row
    principal = Principal(
        id=str(name),
        kind=PrincipalKind(str(kind)),
        roles=frozenset(roles),
        brands=frozenset(brands),
        networks=_networks(networks) if networks else None,
        valid_from=from_microseconds(valid_from),
        valid_until=FOREVER if valid_until is None else from_microseconds(valid_until),
    )
    return StoredPrincipal(
        principal,
        tuple(networks),
        str(token_scope),
        version,
        epoch,
        frozen_at,
        reason,
    )
