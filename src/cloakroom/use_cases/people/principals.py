"""Enrolling, authenticating, freezing and renewing principals."""

from __future__ import annotations

import re
from datetime import datetime
from ipaddress import ip_network
from pathlib import Path

from cloakroom.adapters.credentials import PrivateCredential, read_credential, write_credential
from cloakroom.adapters.postgres.store_records import FOREVER, StoreRecords
from cloakroom.crypto import SigningKey, VerifyingKey, random_bytes
from cloakroom.errors import ConflictError, DeniedError, RuleError, UsageError
from cloakroom.flows.admission.authorisation import FROZEN, Caller
from cloakroom.flows.admission.gatekeeper import Gatekeeper
from cloakroom.gate.decision import Principal, decide_renewal
from cloakroom.gate.policy import EVERY_BRAND, LOCAL, PrincipalKind
from cloakroom.ledger.entry import check_identifier
from cloakroom.vault.key_ring import GROUP, KeyName, KeyPurpose
from cloakroom.vocabulary import Operation
from cloakroom.wiring import Application

_REASON = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")


def enrol(
    application: Application,
    name: str,
    *,
    kind: PrincipalKind,
    roles: frozenset[str],
    brands: frozenset[str] = frozenset({EVERY_BRAND}),
    networks: tuple[str, ...] = (),
    valid_until: datetime | None = None,
    works_through: str | None = None,
    public_key: VerifyingKey | None = None,
    by: str = "operator",
) -> Path | None:
    """Enrol a principal.

    Args:
        application: The opened store.
        name: Its id, for ever: an identifier without personal data.
        kind: Person, application or system.
        roles: Roles of the policy.
        brands: Brands it is confined to.
        networks: Networks it is confined to.
        valid_until: First moment at which it is no longer valid.
        works_through: The application whose tokens it sees; its own otherwise.
        public_key: Its key, if it made one; otherwise one is made and its private half is written to a file.
        by: Who enrols it.

    Returns:
        The file of the private key, if one was made.

    Raises:
        RuleError: A role or brand does not exist.
        ConflictError: There is such a principal.
    """
    _check_asked(application, name, roles=roles, brands=brands, networks=networks, works_through=works_through)
    scope = works_through or name
    principal = Principal(
        id=name,
        kind=kind,
        roles=roles,
        brands=brands,
        networks=None,
        valid_from=application.clock.now(),
        valid_until=valid_until or FOREVER,
    )
    private = SigningKey.generate()
    key = public_key or private.verifying_key
    if application.records.has_key(key):
        raise ConflictError("this key is enrolled already; one key is one credential")
    credential = f"{name}:{random_bytes(4).hex()}"
    path = application.settings.credentials / f"{name.replace('/', '_')}.key" if public_key is None else None
    if path is not None and path.exists():
        raise ConflictError(f"{path} exists already")
    at = application.now()
    detail = {"action": "enrol", "credential": credential, "roles": sorted(roles), "brands": sorted(brands)}
    with application.keys.changing():
        application.records.add_principal(principal, networks, scope, at)
        application.records.add_credential(credential, name, key, at)
        if works_through is None:
            application.keys.add(KeyName(KeyPurpose.TOKEN, GROUP, name, 1), at)
        application.entries.append(lineage=name, operation=Operation.PRINCIPAL, principal=by, detail=detail)
        if path is not None:
            write_credential(path, PrivateCredential(credential, name, private))
    application.refresh_keys()
    return path


def _check_asked(
    application: Application,
    name: str,
    *,
    roles: frozenset[str],
    brands: frozenset[str],
    networks: tuple[str, ...],
    works_through: str | None,
) -> None:
    """Refuse a principal that could never work, before anything is made for it."""
    check_identifier("principal", name)
    _check_networks(networks)
    _check_known("role", roles, application.configuration.policy.roles)
    _check_known("brand", brands - {EVERY_BRAND}, application.catalogue.brands)
    if works_through is not None:
        through = application.records.find_principal(works_through)
        if through is None or through.principal.kind is not PrincipalKind.APPLICATION:
            raise UsageError("no such application to work through")


def authenticate(records: StoreRecords, credential_file: Path, *, at: int) -> Caller:
    """Return the principal whose private key lies in a file.

    Raises:
        UncheckableError: The file is no credential.
        DeniedError: The key is not enrolled, revoked, expired, or lapsed because nobody used it.
    """
    private = read_credential(credential_file)
    known = records.credential(private.id)
    if known is None or known.principal != private.principal or known.key != private.key.verifying_key:
        raise DeniedError("credential", "this credential is not enrolled here")
    if known.has_lapsed(at):
        raise DeniedError("expired", "this credential is revoked, has expired, or has lapsed because nobody used it")
    if not known.serves_from(None):
        raise DeniedError("network", "this credential serves from another address only")
    records.note_use(known.id, at)
    stored = records.principal(known.principal)
    return Caller(stored.principal, known.id, stored.token_scope)


def freeze(gatekeeper: Gatekeeper, records: StoreRecords, name: str, *, by: str, reason: str) -> bool:
    """Freeze a lineage everywhere from its next request on; say whether it was not frozen before."""
    records.principal(name)
    if not _REASON.fullmatch(reason):
        raise UsageError("a reason is an identifier such as stolen-laptop or INC-2026-031, without personal data")
    return gatekeeper.freeze(name, by=by, reason=reason)


def renew(application: Application, name: str, renewer: Caller, *, thaw: bool = False) -> None:
    """Start the lifetime budget of a lineage anew, by somebody else with another credential.

    Args:
        application: The opened store.
        name: The principal whose budget is renewed.
        renewer: Who renews.
        thaw: Whether a freeze ends, too; a frozen lineage is not renewed without.

    Raises:
        DeniedError: The renewer may not, or the lineage is frozen and `thaw` is not given.
    """
    renewed = application.records.principal(name)
    by = renewer.principal
    decision = decide_renewal(
        application.configuration.policy,
        renewer=by,
        credential=renewer.credential,
        renewed=renewed.principal,
        renewed_credentials=frozenset(item.id for item in application.records.credentials_of(name)),
        at=application.clock.now(),
        address=renewer.address,
    )
    with application.authoriser.entering_refusals(renewer, Operation.RENEW, lineage=name):
        if not decision.permitted:
            raise DeniedError(str(decision.reasons[0].code), decision.explanation)
        if application.records.principal(by.id).frozen_at is not None:
            raise DeniedError(FROZEN, "a frozen credential renews nobody")
        if renewed.frozen_at is not None and not thaw:
            raise DeniedError(FROZEN, f"{name} is frozen; look into it first, then renew with thaw")
    entries = application.entries
    detail: dict[str, object] = {"credential": renewer.credential, "epoch": renewed.epoch + 1}
    with application.connection.transaction():
        if renewed.frozen_at is not None:
            entry = entries.prepare(lineage=name, operation=Operation.THAW, principal=by.id, detail=detail)
            application.ledger.thaw(name, entry)
        state = application.ledger.states([name])[name]
        entry = entries.prepare(lineage=name, operation=Operation.RENEW, principal=by.id, counted=True, detail=detail)
        application.ledger.renew(name, state.version, entry)
    application.gatekeeper.forget(name)


def _check_networks(networks: tuple[str, ...]) -> None:
    for text in networks:
        try:
            if text != LOCAL:
                ip_network(text)
        except ValueError as error:
            raise UsageError("a network is a CIDR such as 10.20.0.0/16, or `local`") from error


def _check_known(what: str, names: frozenset[str], known: object) -> None:
    unknown = sorted(name for name in names if name not in known)  # type: ignore[operator]
    if unknown:
        raise RuleError.at("principal", f"no such {what}: {', '.join(unknown)}", field=what)
