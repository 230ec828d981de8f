"""Reveal: the use case that everything else exists to bound.

`reveal` takes a batch of requests, each for up to a thousand tokens, and works them off in the only safe order:
read the tokens, decide and append a durable entry (`admission`), open, return. No plaintext exists before the entry
is durable, and there is no way to call the last step without the first. Who has several batches may admit the next
one before the last one is opened: `admit_reveals`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import msgspec
from pyroaring import BitMap

from cloakroom.errors import OpenError
from cloakroom.flows.admission import Gatekeeper
from cloakroom.flows.asks import Admission, Ask
from cloakroom.flows.ports import StoredRow
from cloakroom.gate.decision import Principal
from cloakroom.gate.forms import mask_kind, render
from cloakroom.gate.policy import Form
from cloakroom.vault.catalogue import Catalogue
from cloakroom.vault.envelope import EnvelopeClass
from cloakroom.vault.opening import BrandOpener
from cloakroom.vault.sealed_record import SealedKeys, SealedRecord
from cloakroom.vault.tokens import RecordReference, TokenCodec
from cloakroom.vocabulary import Operation

MAX_TOKENS = 1_000
ERASED = 2


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
    """What is shown of one token.

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
        wanted: dict[int, Wanted] = {}
        for position in positions:
            admissions = self.admissions[position]
            refused = next((item for item in admissions.values() if not item.permitted), None)
            if refused is not None:
                answers[position] = RevealAnswer(refused)
            else:
                known = [reference for reference in self.references[position] if reference is not None]
                wanted[position] = (known, admissions)
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

    def opened_by(self, openers: Mapping[int, BrandOpener]) -> AdmittedReveals:
        """Return the same requests, to be opened with the keys of other openers."""
        return replace(self, opener=self.opener.with_openers(openers))


def reveal(
    requests: Sequence[RevealRequest],
    *,
    gatekeeper: Gatekeeper,
    catalogue: Catalogue,
    openers: Mapping[int, BrandOpener],
    refreshed: Callable[[], Mapping[int, BrandOpener]] | None = None,
) -> list[RevealAnswer]:
    """Answer a batch of requests; each refused or answered whole.

    A record that does not open breaks its own request only: the others of the batch have nothing to do with it.

    Args:
        requests: Requests of any principals.
        gatekeeper: Admits them.
        catalogue: Numbers of brands and fields.
        openers: Opens the records of each brand, by its number.
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
    openers: Mapping[int, BrandOpener],
) -> AdmittedReveals:
    """Do of `reveal` all but the opening: when this returns, every entry is durable and nothing has been opened."""
    references = [request.codec.read(request.tokens) for request in requests]
    asks: list[Ask] = []
    owners: list[int] = []
    for position, (request, found) in enumerate(zip(requests, references, strict=True)):
        for brand, records in _by_brand(catalogue, found).items():
            asks.append(_ask(request, brand, records))
            owners.append(position)
    admissions, rows = gatekeeper.admit(asks, fetch=True)
    by_request: list[dict[str, Admission]] = [{} for _ in requests]
    for ask, owner, admission in zip(asks, owners, admissions, strict=True):
        by_request[owner][ask.brand] = admission
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


def _ask(request: RevealRequest, brand: str, records: BitMap) -> Ask:
    return Ask(
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


Wanted = tuple[Sequence[RecordReference], Mapping[str, Admission]]
"""The records of an admitted request, and what was admitted, by name of the brand."""


_Shown = tuple[tuple[str, Form], ...]
"""The fields shown, and the form of each."""


_Rendering = Callable[[str], str | None]
"""Makes of a text what may be seen of it, if anything."""

_Field = tuple[int, str, _Rendering | None]
"""Number and name of a field, and what makes its form of it; None where it is shown as it is."""


class RecordOpener:
    """Opens admitted records and shows their fields in the permitted forms."""

    def __init__(
        self,
        catalogue: Catalogue,
        openers: Mapping[int, BrandOpener],
        rows: Mapping[int, StoredRow],
        bands: Mapping[str, Sequence[int]],
    ) -> None:
        """Take the numbers, what opens each brand, the sealed rows by ordinal, and the steps of bands."""
        self._catalogue = catalogue
        self._openers = openers
        self._rows = rows
        self._bands = bands
        self._names = {number: name for name, number in catalogue.brands.items()}
        self._plans: dict[_Shown, tuple[Mapping[EnvelopeClass, list[int]], list[_Field]]] = {}

    def with_openers(self, openers: Mapping[int, BrandOpener]) -> RecordOpener:
        """Return what opens the same records with other openers."""
        return RecordOpener(self._catalogue, openers, self._rows, self._bands)

    def show(
        self, references: Sequence[RecordReference], admissions: Mapping[str, Admission]
    ) -> list[dict[str, str]]:
        """Return what may be seen of each record; nothing where it is erased or gone.

        Args:
            references: The records, all of admitted requests.
            admissions: What was admitted, by name of the brand.

        Raises:
            OpenError: One of them does not open; names the record.
        """
        (shown,) = self.show_many([(references, admissions)])
        if isinstance(shown, OpenError):
            raise shown
        return shown

    def show_many(self, requests: Sequence[Wanted]) -> list[list[dict[str, str]] | OpenError]:
        """Return for each request what `show` does, or what it would raise; one call opens what is shown alike."""
        shown: list[list[dict[str, str]]] = [[{}] * len(references) for references, _ in requests]
        broken: dict[int, OpenError] = {}
        groups: dict[tuple[int, _Shown], list[tuple[int, int, SealedRecord, SealedKeys]]] = {}
        for request, (references, admissions) in enumerate(requests):
            for brand, rows in self._present(references).items():
                forms = tuple(admissions[self._names[brand]].forms.items())
                group = groups.setdefault((brand, forms), [])
                group += [(request, at, record, keys) for at, record, keys in rows]
        for (brand, forms), group in groups.items():
            wanted, fields = self._plan(forms)
            opened = self._openers[brand].open_many([(record, keys) for _, _, record, keys in group], wanted)
            for (request, at, record, _), values in zip(group, opened, strict=True):
                if values is None:
                    broken[request] = OpenError(f"record {record.ordinal} does not open: a stored row was changed")
                else:
                    shown[request][at] = _rendered(values, fields)
        return [broken.get(request, one) for request, one in enumerate(shown)]

    def _present(
        self, references: Sequence[RecordReference]
    ) -> Mapping[int, list[tuple[int, SealedRecord, SealedKeys]]]:
        """Return by brand the place of each record that is neither erased nor gone, and what is stored of it."""
        by_brand: dict[int, list[tuple[int, SealedRecord, SealedKeys]]] = {}
        for at, reference in enumerate(references):
            row = self._rows.get(reference.ordinal)
            if row is None or row.keys is None or row.brand != reference.brand or row.state == ERASED:
                continue
            by_brand.setdefault(row.brand, []).append((at, row.record, row.keys))
        return by_brand

    def _plan(self, shown: _Shown) -> tuple[Mapping[EnvelopeClass, list[int]], list[_Field]]:
        plan = self._plans.get(shown)
        if plan is None:
            wanted: dict[EnvelopeClass, list[int]] = {}
            fields: list[_Field] = []
            for name, form in shown:
                if form is not Form.TOKEN and name in self._catalogue.fields:
                    number, definition = self._catalogue.fields[name], self._catalogue.definitions[name]
                    wanted.setdefault(self._catalogue.envelope_class(name), []).append(number)
                    masked = mask_kind(str(definition.kind), definition.data_element)
                    rendering = partial(render, form, masked, steps=self._bands.get(name, ()))
                    fields.append((number, name, None if form is Form.REVEAL else rendering))
            plan = self._plans[shown] = (wanted, fields)
        return plan


def _rendered(values: Mapping[int, bytes], fields: Sequence[_Field]) -> dict[str, str]:
    """Return the values in their forms; most are shown as they are, and asked for in thousands."""
    shown: dict[str, str] = {}
    for number, name, rendering in fields:
        value = values.get(number)
        if value is None:
            continue
        text = value.decode()
        rendered = text if rendering is None else rendering(text)
        if rendered is not None:
            shown[name] = rendered
    return shown
