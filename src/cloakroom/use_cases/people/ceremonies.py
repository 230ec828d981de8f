"""Beginning and taking ceremonies: what signing in and enrolling have in common.

A ceremony lies in the store, so that any node can finish what another began. It is of one key, serves once, lapses.
"""

from __future__ import annotations

from uuid import UUID

from cloakroom.adapters.postgres.sign_in_store import BegunCeremony, SignInStore
from cloakroom.crypto import VerifyingKey, random_bytes, sha256
from cloakroom.flows.store.service_file import PasskeyRules, ServiceRules
from cloakroom.gate.policy import LOCAL
from cloakroom.signing.binding import NONCE_SIZE, Ceremony
from cloakroom.use_cases.people.sessions import SignInRefusedError

MAX_CEREMONIES = 5_000
"""Ceremonies kept at once; more are turned away."""
MAX_CEREMONIES_FROM_ADDRESS = 100
"""Those begun from one address."""

LIFETIMES = {Ceremony.PASSKEY: 180_000_000, Ceremony.ENROL: 300_000_000, Ceremony.OPENID: 600_000_000}
"""How long each may take, in microseconds."""


def begin_ceremony(
    store: SignInStore,
    kind: Ceremony,
    key: VerifyingKey,
    *,
    at: int,
    address: str | None,
    detail: str = "",
    verifier: str = "",
) -> tuple[BegunCeremony, int]:
    """Begin a ceremony for a key; return it and when it lapses.

    Raises:
        SignInRefusedError: Too many are under way: ``busy``, or ``waiting`` from this address.
    """
    store.tidy(at)
    here = LOCAL if address is None else address
    total, from_here = store.open_ceremonies(here)
    if total >= MAX_CEREMONIES:
        raise SignInRefusedError("busy", "too many people sign in at this moment")
    if from_here >= MAX_CEREMONIES_FROM_ADDRESS:
        raise SignInRefusedError("waiting", "too many people sign in from this address")
    ceremony = BegunCeremony(
        f"c-{random_bytes(16).hex()}", kind, random_bytes(NONCE_SIZE), key, detail, verifier, here
    )
    store.begin(ceremony, at, at + LIFETIMES[kind])
    return ceremony, at + LIFETIMES[kind]


def use_ceremony(store: SignInStore, name: str, kind: Ceremony, key: VerifyingKey, *, at: int) -> BegunCeremony:
    """Take a ceremony for good.

    Raises:
        SignInRefusedError: ``replayed`` if it was presented before; ``ceremony`` if it is unknown, over or another's.
    """
    found = store.use(name, kind, key, at)
    if found is not None:
        return found
    state = store.ceremony(name)
    if state is not None and state.is_used and state.kind is kind and state.key == key:
        raise SignInRefusedError("replayed", "this sign-in was presented before")
    raise SignInRefusedError("ceremony", "no such sign-in is under way for this key")


def passkey_rules(service: ServiceRules) -> PasskeyRules:
    """Return for whom authenticators sign.

    Raises:
        SignInRefusedError: Nobody signs in with a passkey here.
    """
    rules = service.passkeys
    if rules is None:
        raise SignInRefusedError("off", "nobody signs in with a passkey here")
    return rules


def user_handle(store_id: UUID, name: str) -> bytes:
    """Return what authenticators know a principal by: nothing that can be read."""
    return sha256(b"cloakroom/user-handle/v1\0" + store_id.bytes + name.encode())
