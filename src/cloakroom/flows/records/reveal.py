"""Reveal: the use case that everything else exists to bound.

`reveal` takes a batch of requests, each for up to a thousand tokens, and works them off in the only safe order:
read the tokens, decide and append a durable entry (`admission`), open, return. No plaintext exists before the entry
is durable, and there is no way to call the last step without the first. Who has several batches may admit the next
one before the last one is opened: `admit_reveals`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec
from pyroaring import BitMap

from cloakroom.errors import OpenError
from cloakroom.flows.admission.gatekeeper import Gatekeeper
from cloakroom.flows.admission.request import Admission, AdmissionRequest
from cloakroom.flows.opening import EnteredRecords, Openers, RecordOpener
from cloakroom.gate.decision import Principal
from cloakroom.gate.policy import Form
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vault.tokens import RecordReference, TokenCodec
from cloakroom.vocabulary import Operation

MAX_TOKENS = 1_000


class RevealRequest(msgspec.Struct, frozen=True):
    """A principal's wish to see fields of the records behind tokens.

    Attributes:
        principal: Who asks, authenticated.
        tokens: 1 to 1,000 tokens of the principal's token scope.
        codec: Reads those tokens.
        fields: Names of the fields wanted.
        purpose: Named purpose.
        reference: Case or appointment.
        address: Network address of the caller; None on the machine itself.
        credential: Id of the credential presented.
    """

    principal: Principal
    tokens: Sequence[str]
    codec: TokenCodec
    fields: frozenset[str]
    purpose: str
    reference: str | None = None
    address: str | None = None
    credential: str = ""


class Revealed(msgspec.Struct, frozen=True):
    """The values shown of one token.

    Attributes:
        token: As it was asked for.
        values: Text by field, in the form that was permitted; a field that the record lacks is left out.
    """

    token: str
    values: dict[str, str]


class RevealAnswer(msgspec.Struct, frozen=True):
    """The answer to one request.

    Attributes:
        admission: What the gate said; of the first refusal, if any.
        forms: Form of each field shown.
        revealed: One for each token in order, or empty where refused.
        broken: Why a record of an admitted request does not open, or None; then nothing of it is shown.
    """

    admission: Admission
    forms: Mapping[str, Form] = msgspec.field(default_factory=dict)
    revealed: Sequence[Revealed] = ()
    broken: OpenError | None = None


@dataclass(frozen=True, slots=True)
class AdmittedReveals:
    """Requests that have passed admission: the entry of each is durable, and each may be opened when there is time.

    Attributes:
        requests: The requests.
        references: The records that their tokens stand for, None for a token that is none.
        admissions: By request and brand.
        opener: Opens what was admitted, and nothing else.
    """

    requests: Sequence[RevealRequest]
    references: Sequence[Sequence[RecordReference | None]] = field(repr=False)
    admissions: Sequence[Mapping[str, Admission]]
    opener: RecordOpener = field(repr=False)

    def __len__(self) -> int:
        return len(self.requests)

    def size(self, position: int) -> int:
        """Return how many records a request names."""
        return len(self.requests[position].tokens)

    def answers(self, positions: Sequence[int]) -> list[RevealAnswer]:
        """Open the records of some requests together, or say why they are refused; asks the store for nothing."""
        answers: dict[int, RevealAnswer] = {}
        wanted: dict[int, EnteredRecords] = {}
        for position in positions:
            admissions = self.admissions[position]
            refused = next((item for item in admissions.values() if not item.permitted), None)
            if refused is not None:
                answers[position] = RevealAnswer(refused)
            else:
                known = [reference for reference in self.references[position] if reference is not None]
                entries = {brand: item.entry for brand, item in admissions.items() if item.entry is not None}
                wanted[position] = (known, entries)
        for position, shown in zip(wanted, self.opener.show_many(list(wanted.values())), strict=True):
            answers[position] = self._told(position, shown)
        return [answers[position] for position in positions]

    def _told(self, position: int, shown: Sequence[dict[str, str]] | OpenError) -> RevealAnswer:
        first = next(iter(self.admissions[position].values()))
        if isinstance(shown, OpenError):
            return RevealAnswer(first, first.forms, broken=shown)
        tokens = self.requests[position].tokens
        known = [token for token, item in zip(tokens, self.references[position], strict=True) if item is not None]
        return RevealAnswer(first, first.forms, [Revealed(*one) for one in zip(known, shown, strict=True)])

    def opened_by(self, openers: Openers) -> AdmittedReveals:
        """Return the same requests, to be opened with the keys of other openers."""
        return replace(self, opener=self.opener.with_openers(openers))


def reveal(
    requests: Sequence[RevealRequest],
    *,
    gatekeeper: Gatekeeper,
    catalogue: Catalogue,
    openers: Openers,
    refreshed: Callable[[], Openers] | None = None,
) -> list[RevealAnswer]:
    """Answer a batch of requests; each refused or answered whole.

    A record that does not open breaks its own request only: the others of the batch have nothing to do with it.

    Args:
        requests: Requests of any principals.
        gatekeeper: Admits them.
        catalogue: Numbers of brands and fields.
        openers: Opens the records.
        refreshed: Gives the openers of a key ring read anew; called at most once, when a record does not open, since
            its key may have been wrapped under a generation that this node has not seen.
    """
    admitted = admit_reveals(requests, gatekeeper=gatekeeper, catalogue=catalogue, openers=openers)
    answers = admitted.answers(range(len(admitted)))
    broken = [position for position, answer in enumerate(answers) if answer.broken is not None]
    if refreshed is not None and broken:
        again = admitted.opened_by(refreshed()).answers(broken)
        for position, answer in zip(broken, again, strict=True):
            answers[position] = answer
    return answers


def admit_reveals(
    requests: Sequence[RevealRequest],
    *,
    gatekeeper: Gatekeeper,
    catalogue: Catalogue,
    openers: Openers,
) -> AdmittedReveals:
    """Do of `reveal` all but the opening: when this returns, every entry is durable and nothing has been opened."""
    references = [request.codec.read(request.tokens) for request in requests]
    wanted: list[AdmissionRequest] = []
    owners: list[int] = []
    for position, (request, found) in enumerate(zip(requests, references, strict=True)):
        for brand, records in _by_brand(catalogue, found).items():
            wanted.append(_admission_request(request, brand, records))
            owners.append(position)
    admissions, rows = gatekeeper.admit(wanted, fetch=True)
    by_request: list[dict[str, Admission]] = [{} for _ in requests]
    for one, owner, admission in zip(wanted, owners, admissions, strict=True):
        by_request[owner][one.brand] = admission
    opener = RecordOpener(catalogue, openers, rows, gatekeeper.policy.bands)
    return AdmittedReveals(requests, references, by_request, opener)


def _by_brand(catalogue: Catalogue, references: Sequence[RecordReference | None]) -> dict[str, BitMap]:
    """Group records by brand; a token that is none belongs to the brand ``?``, which no policy permits."""
    groups: dict[str, BitMap] = {}
    names = {number: name for name, number in catalogue.brands.items()}
    for reference in references:
        brand = "?" if reference is None else names.get(reference.brand, "?")
        records = groups.setdefault(brand, BitMap())
        if reference is not None:
            records.add(reference.ordinal)
    return groups


def _admission_request(request: RevealRequest, brand: str, records: BitMap) -> AdmissionRequest:
    return AdmissionRequest(
        principal=request.principal,
        operation=Operation.REVEAL,
        purpose=request.purpose,
        brand=brand,
        fields=request.fields,
        records=records,
        reference=request.reference,
        address=request.address,
        credential=request.credential,
    )
