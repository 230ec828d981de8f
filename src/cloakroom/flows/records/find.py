"""Find: which records have this e-mail, telephone number or customer number?

The answer is tokens, never values. A search tells whether somebody is a customer, so it is bounded and recorded like
an opening: it counts one probe and each record it names, its entry with the set of found records is durable before
anything is said, and a refusal looks the same whether or not there was anything to find.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pyroaring import BitMap

from cloakroom.canonical.email import canonical_email
from cloakroom.canonical.phone import canonical_phone
from cloakroom.errors import InputError
from cloakroom.flows.admission.gatekeeper import Gatekeeper
from cloakroom.flows.admission.request import Admission, AdmissionRequest
from cloakroom.gate.decision import Principal
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vault.fields import FieldKind
from cloakroom.vault.rows import RowDigests
from cloakroom.vault.tokens import RecordReference, TokenCodec
from cloakroom.vocabulary import Operation

MAX_FOUND = 10
"""More records than this under one value is a shared placeholder, not an answer."""


class IndexReader(Protocol):
    """Looks digests up."""

    def look_up_pairs(
        self, brands: Sequence[int], index_ids: Sequence[int], digests: Sequence[str], *, only_current: bool
    ) -> Sequence[tuple[int, int]]:
        """Return (position of the digest, ordinal) of each match."""
        ...


@dataclass(frozen=True, slots=True)
class FindRequest:
    """A principal's search.

    Attributes:
        principal: Who asks, authenticated.
        codec: Makes the tokens of the principal's scope.
        brands: Names of the brands to search.
        index: ``email``, ``phone``, ``customer_number`` or another index of the group.
        text: What to look for, as typed.
        purpose: Named purpose.
        country: ISO code of the country whose national telephone numbers are meant.
        reference: Case or appointment.
        address: Network address of the caller; None on the machine itself.
        credential: Id of the credential presented.
    """

    principal: Principal
    codec: TokenCodec
    brands: Sequence[str]
    index: str
    text: str
    purpose: str
    country: str | None = None
    reference: str | None = None
    address: str | None = None
    credential: str = ""

    def __repr__(self) -> str:
        """Leave out what is looked for."""
        return f"FindRequest(principal={self.principal.id!r}, index={self.index!r})"


@dataclass(frozen=True, slots=True)
class FindAnswer:
    """The answer to one search.

    Attributes:
        admission: What the gate said; of the first refusal, if any.
        tokens: Tokens by brand; empty where refused.
        too_many: Brands of which more records share the value than a search may name; then there are no tokens.
    """

    admission: Admission
    tokens: Mapping[str, Sequence[str]]
    too_many: Sequence[str] = ()


def find(
    requests: Sequence[FindRequest],
    *,
    gatekeeper: Gatekeeper,
    catalogue: Catalogue,
    digests: Mapping[int, RowDigests],
    index_reader: IndexReader,
) -> list[FindAnswer]:
    """Answer a batch of searches; each refused or answered whole.

    Args:
        requests: Searches of any principals.
        gatekeeper: Admits them.
        catalogue: Numbers of brands and indexes.
        digests: Digests of each brand, by its number.
        index_reader: Looks digests up.

    Raises:
        InputError: An index does not exist, or what is looked for is not of its kind.
    """
    limits = [_limit(gatekeeper, request) for request in requests]
    found = _look_up(requests, catalogue, digests, index_reader)
    wanted = [
        _admission_request(request, brand, records, limit)
        for request, by_brand, limit in zip(requests, found, limits, strict=True)
        for brand, records in by_brand.items()
    ]
    admissions, _ = gatekeeper.admit(wanted)
    # From here on every permitted search has its durable entry.
    answers, at = [], 0
    for request, by_brand, limit in zip(requests, found, limits, strict=True):
        answers.append(_answer(request, catalogue, by_brand, admissions[at : at + len(by_brand)], limit))
        at += len(by_brand)
    return answers


def normal_form(catalogue: Catalogue, index: str, text: str, country: str | None) -> str:
    """Return the normal form of `text` for an index.

    Raises:
        InputError: There is no such index, or `text` is nothing of its kind.
    """
    kinds = {item.kind for item in catalogue.definitions.values() if item.index == index}
    if not kinds or index not in catalogue.indexes:
        known = ", ".join(sorted(catalogue.indexes))
        raise InputError.at("search", f"no such index; known: {known}", field="by")
    if FieldKind.EMAIL in kinds:
        form = canonical_email(text)
    elif FieldKind.PHONE in kinds:
        form = canonical_phone(text, country)
    else:
        form = text.strip() or None
    if form is None:
        raise InputError.at("search", f"not a value of the index {index}", field="value")
    return form


def _look_up(
    requests: Sequence[FindRequest],
    catalogue: Catalogue,
    digests: Mapping[int, RowDigests],
    index_reader: IndexReader,
) -> list[dict[str, BitMap]]:
    brands: list[int] = []
    index_ids: list[int] = []
    wanted: list[str] = []
    owners: list[BitMap] = []
    found: list[dict[str, BitMap]] = []
    for request in requests:
        form = normal_form(catalogue, request.index, request.text, request.country)
        by_brand = {brand: BitMap() for brand in request.brands}
        for brand, records in by_brand.items():
            number = catalogue.brand(brand)
            for generation in digests[number].generations:
                brands.append(number)
                index_ids.append(catalogue.index_id(request.index, generation))
                wanted.append(digests[number].stored(request.index, [form], generation).hex())
                owners.append(records)
        found.append(by_brand)
    for position, ordinal in index_reader.look_up_pairs(brands, index_ids, wanted, only_current=True):
        owners[position].add(ordinal)
    return found


def _limit(gatekeeper: Gatekeeper, request: FindRequest) -> int:
    """Return how many records of one brand a search may name."""
    purpose = gatekeeper.policy.purposes.get(request.purpose)
    return min(MAX_FOUND, purpose.max_records) if purpose is not None else MAX_FOUND


def _admission_request(request: FindRequest, brand: str, records: BitMap, limit: int) -> AdmissionRequest:
    too_many = len(records) > limit
    return AdmissionRequest(
        principal=request.principal,
        operation=Operation.FIND,
        purpose=request.purpose,
        brand=brand,
        fields=frozenset(),
        records=BitMap() if too_many else records,
        reference=request.reference,
        address=request.address,
        credential=request.credential,
        detail={"index": request.index} | ({"too_many": True} if too_many else {}),
        reserved=1 + limit,
        cost=1 + limit if too_many else 0,
    )


def _answer(
    request: FindRequest,
    catalogue: Catalogue,
    found: Mapping[str, BitMap],
    admissions: Sequence[Admission],
    limit: int,
) -> FindAnswer:
    refused = next((admission for admission in admissions if not admission.permitted), None)
    if refused is not None:
        return FindAnswer(refused, {})
    too_many = [brand for brand, records in found.items() if len(records) > limit]
    if too_many:
        return FindAnswer(admissions[0], {}, too_many)
    tokens = {
        brand: request.codec.issue([RecordReference(catalogue.brand(brand), ordinal) for ordinal in records])
        for brand, records in found.items()
    }
    return FindAnswer(admissions[0], tokens)
