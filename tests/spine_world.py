"""What several suites over the real spine need: staff, requests, and what the deliveries of a store say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cloakroom.adapters.deliveries import open_delivery
from cloakroom.flows.records.find import FindRequest, find
from cloakroom.flows.records.reveal import RevealRequest, reveal
from cloakroom.gate.policy import PrincipalKind
from cloakroom.use_cases.people import principals
from cloakroom.vault.opening import BrandOpener
from cloakroom.vault.tokens import RecordReference

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
FIELDS = frozenset({"given_name", "family_name", "email", "phone", "mobile"})


@dataclass(frozen=True)
class Row:
    """One accepted row of a delivery."""

    record_id: str
    deleted: bool
    values: dict[str, str]
    normal: dict[str, str]


def staff(application, name="anna", role="store_associate", **options):
    """Enrol somebody and authenticate with the credential just made."""
    path = principals.enrol(application, name, kind=PrincipalKind.PERSON, roles=frozenset({role}), **options)
    return principals.authenticate(application.records, path, at=application.now())


def scope_of(who):
    return who.token_scope


def tokens_of(application, who, ordinals):
    """Return the tokens of live records, in the scope that `who` sees."""
    rows = sorted(application.vault.sealed_rows(ordinals), key=lambda row: row.record.ordinal)
    return application.codec(scope_of(who)).issue([RecordReference(row.brand, row.record.ordinal) for row in rows])


def open_records(application, who, tokens, *, fields=FIELDS, purpose="clienteling", reference="A-1"):
    """Reveal through the real flow."""
    request = RevealRequest(who.principal, tokens, application.codec(scope_of(who)), fields, purpose, reference)
    return reveal(
        [request], gatekeeper=application.gatekeeper, catalogue=application.catalogue, openers=application.openers
    )[0]


def search(application, who, brands, text, *, index="email", purpose="clienteling", reference="A-1", country=None):
    """Find through the real flow."""
    request = FindRequest(
        who.principal,
        application.codec(scope_of(who)),
        brands,
        index,
        text,
        purpose,
        reference=reference,
        country=country,
    )
    return find(
        [request],
        gatekeeper=application.gatekeeper,
        catalogue=application.catalogue,
        digests=application.digests,
        index_reader=application.vault,
    )[0]


def live_ordinals(application, brand=None):
    """Return the ordinals of live records, of one brand or all."""
    number = None if brand is None else application.catalogue.brand(brand)
    rows = application.vault.sealed_rows(range(application.vault.ordinals_end()))
    return sorted(row.record.ordinal for row in rows if row.state == 0 and number in {None, row.brand})


def rows_of(configuration, brand, path: Path):
    """Yield the accepted rows of a delivery."""
    for batch in open_delivery(path, configuration.mappings[brand], configuration.group).batches():
        for at, record_id in enumerate(batch.record_ids):
            yield Row(
                record_id,
                batch.deleted[at],
                {name: column[at] for name, column in batch.columns.items() if column[at]},
                {name: column[at] for name, column in batch.normal.items() if column[at]},
            )


def opened_world(application):
    """Open every live record with the keys of the store, past the gate: (brand, record id) to values by field."""
    numbers = {number: name for name, number in application.catalogue.fields.items()}
    wanted = {}
    for name, number in application.catalogue.fields.items():
        wanted.setdefault(application.catalogue.envelope_class(name), []).append(number)
    world = {}
    for row in application.vault.sealed_rows(range(application.vault.ordinals_end())):
        if row.state != 0 or row.keys is None:
            continue
        values = BrandOpener(application.ring, row.brand).open(row.record, row.keys, wanted)
        named = {numbers[number]: text.decode() for number, text in values.items()}
        world[application.catalogue.brand_name(row.brand), named["customer_number"]] = named
    return world
