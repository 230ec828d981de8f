"""Works batches off, in a process of its own that alone knows the store and its keys.

For each batch, in this order:

1. Claim the nonces and read the credentials presented, in one round trip. A nonce that was claimed before is a
   replay; a credential that is gone, revoked, expired or lapsed is refused.
2. Reveals together, searches together: each one admission, one transaction, one wait for the disk.
3. Everything else one by one.

Reveals that were admitted are opened while the store works on the next batch, or by `Core.finish`.

If the store fails, everything that has no answer yet is answered "unavailable", and the application is opened anew:
what a lineage has opened is read from the ledger again, so nothing is counted twice or forgotten.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec
import psycopg
from pyroaring import BitMap

from cloakroom.adapters.postgres.service_store import ServiceStore, StoreChanges
from cloakroom.errors import CloakroomError, ConflictError, InputError, StoreError, UncheckableError
from cloakroom.flows.admission_request import AdmissionRequest
from cloakroom.flows.authorisation import Caller
from cloakroom.flows.find import FindRequest, find, normal_form
from cloakroom.flows.opening import Openers
from cloakroom.flows.reveal import RevealRequest, admit_reveals
from cloakroom.vault.tokens import TokenCodec
from cloakroom.vocabulary import Operation
from cloakroom.web.api.problems import Answer, denial, problem
from cloakroom.web.api.requests.elements import UnenrolledRequest
from cloakroom.web.api.requests.records import Find, Found, Reveal
from cloakroom.web.core.answering import place, reach, seconds
from cloakroom.web.core.batching import PendingRequest
from cloakroom.web.core.openings import Deliver, Openings
from cloakroom.web.core.rejections import RejectionCounts
from cloakroom.web.core.unenrolled_requests import answer_unenrolled
from cloakroom.web.handlers.failures import failure
from cloakroom.web.handlers.table import HANDLERS
from cloakroom.web.protocol.limits import Limits
from cloakroom.wiring import Application

_log = logging.getLogger("cloakroom.service")
_encode = msgspec.json.Encoder().encode
FLUSH_SECONDS = 1.0
NOTICE_SECONDS = 0.5
"""How often the core looks whether keys, configuration or planted records changed."""
USE_SECONDS = 5.0
NONCE_SECONDS = 60
"""By how much a nonce is remembered longer than its signature is valid, whatever the clocks of nodes say."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """Requests on their way to answers.

    Attributes:
        items: The requests.
        deliver: Takes the answers that come later.
        answers: The answers so far.
        later: Places of those whose answers come later.
    """

    items: Sequence[PendingRequest]
    deliver: Deliver
    answers: list[Answer | None]
    later: set[int] = field(default_factory=set)


class Core:
    """Answers batches from one application."""

    def __init__(self, open_store: Callable[[], Application], limits: Limits) -> None:
        """Take what opens the application, and the bounds.

        Args:
            open_store: Opens the store; called again after a failure.
            limits: The bounds.
        """
        self._open_store = open_store
        self._rejections = RejectionCounts()
        self._limits = limits
        self._application: Application | None = None
        self._store: ServiceStore | None = None
        self._codecs: dict[str, TokenCodec] = {}
        self._used: dict[str, int] = {}
        self._changes: StoreChanges | None = None
        self._openings = Openings()
        self._behind = False
        self._due = {"flush": 0.0, "notice": 0.0, "use": 0.0}

    def open(self) -> Application:
        """Return the application, opened if need be."""
        if self._application is None:
            self._application = self._open_store()
            self._store = ServiceStore(self._application.connection)
            self._store.use_waiting(self._openings.open_some)
            self._application.ledger.use_waiting(self._openings.open_some)
            self._codecs.clear()
            self._changes = None
            self._application.gatekeeper.policy  # noqa: B018 - assembled now, not with the first request
        return self._application

    def close(self) -> None:
        """Enter what is still counted, and close."""
        try:
            self._enter_rejections()
            self._note_use()
        finally:
            self._drop()

    def count_rejected(self, credential: str, code: str, count: int) -> None:
        """Count requests that a front process rejected; they are entered within a second."""
        self._rejections.add(code, credential, count=count)

    def keys(self, credentials: Sequence[str]) -> Mapping[str, bytes] | None:
        """Return the public keys of those credentials that exist; None where the store does not answer."""
        try:
            self.open()
            assert self._store is not None
            found = self._store.presented(credentials)
        except (psycopg.Error, CloakroomError) as error:
            self._fail(error)
            return None
        return {name: item.credential.key.raw for name, item in found.items()}

    def idle(self) -> None:
        """Do what is due between batches."""
        try:
            if self._is_due("notice", NOTICE_SECONDS):
                self._notice()
            if self._is_due("flush", FLUSH_SECONDS):
                self._enter_rejections()
            if self._is_due("use", USE_SECONDS):
                self._note_use()
        except (psycopg.Error, CloakroomError) as error:
            self._fail(error)

    def work(self, items: Sequence[PendingRequest], deliver: Deliver) -> None:
        """Answer a batch, reveals perhaps only with the next batch or `finish`; never raises.

        Args:
            items: The requests.
            deliver: Takes the place of each request and its answer, each once.
        """
        batch = _Batch(items, deliver, [None] * len(items))
        missing = problem("internal")
        try:
            self._work(batch)
        except (psycopg.OperationalError, psycopg.InterfaceError, StoreError) as error:
            self._fail(error)
            missing = problem("unavailable", retry_after_s=1)
        except Exception as error:  # noqa: BLE001 - one batch's defect must not end the service
            # Its text may hold a value; its type and place do not.
            _log.critical("a batch failed: %s at %s", type(error).__name__, place(error))
            self._drop()
        for at, answer in enumerate(batch.answers):
            if at not in batch.later:
                deliver(at, missing if answer is None else answer)

    def finish(self) -> None:
        """Open what was admitted and has no answer yet; never raises."""
        try:
            self._openings.finish(self._refreshed_openers)
        except (psycopg.Error, CloakroomError) as error:
            self._fail(error)

    def _work(self, batch: _Batch) -> None:
        application = self.open()
        callers = self._identify(application, batch)
        reveals = [at for at in callers if isinstance(batch.items[at].request, Reveal)]
        finds = [at for at in callers if isinstance(batch.items[at].request, Find)]
        if reveals:
            self._reveal(application, batch, callers, reveals)
        if finds:
            self._find(application, batch, callers, finds)
        for at, caller in callers.items():
            if batch.answers[at] is None and at not in batch.later:
                batch.answers[at] = self._other(application, caller, batch.items[at])

    def _identify(self, application: Application, batch: _Batch) -> dict[int, Caller]:
        assert self._store is not None
        signatures = [item.signature for item in batch.items]
        fresh, presented = self._store.claim(
            [signature.key_id for signature in signatures],
            [signature.nonce for signature in signatures],
            [signature.expires + NONCE_SECONDS for signature in signatures],
        )
        now = application.now()
        callers: dict[int, Caller] = {}
        seen: set[tuple[str, str]] = set()
        for at, signature in enumerate(signatures):
            found = presented.get(signature.key_id)
            place = (signature.key_id, signature.nonce)
            if at not in fresh or place in seen:
                code = "replayed"
            elif found is None and isinstance(batch.items[at].request, UnenrolledRequest):
                seen.add(place)
                batch.answers[at] = answer_unenrolled(application, self._rejections, batch.items[at])
                continue
            elif found is None or isinstance(batch.items[at].request, UnenrolledRequest):
                code = "bad-signature"
            elif found.credential.has_lapsed(now):
                code = "expired"
            elif not found.credential.serves_from(batch.items[at].address):
                code = "network"
            else:
                seen.add(place)
                callers[at] = Caller(
                    found.stored.principal, found.credential.id, found.stored.token_scope, batch.items[at].address
                )
                continue
            self._rejections.add(code, signature.key_id if found is not None else "")
            batch.answers[at] = denial(code) if code == "network" else problem(code)
        self._used.update({signatures[at].key_id: now for at in callers})
        return callers

    def _reveal(
        self, application: Application, batch: _Batch, callers: dict[int, Caller], positions: Sequence[int]
    ) -> None:
        requests, asked = [], []
        for at, caller, codec in self._readable(application, batch, callers, positions):
            request = batch.items[at].request
            assert isinstance(request, Reveal)
            asked.append(at)
            requests.append(
                RevealRequest(
                    principal=caller.principal,
                    tokens=request.tokens,
                    codec=codec,
                    fields=frozenset(request.fields),
                    purpose=request.purpose,
                    reference=request.reference,
                    address=caller.address,
                    credential=caller.credential,
                )
            )
        admitted = admit_reveals(
            requests,
            gatekeeper=application.gatekeeper,
            catalogue=application.catalogue,
            openers=application.openers,
        )
        admitted_at = application.now()  # May ask the store, hence fail; from the next line on answers are promised.
        batch.later.update(asked)
        self._openings.add(admitted, asked, admitted_at, batch.deliver, self._refreshed_openers)

    def _refreshed_openers(self) -> Openers:
        application = self.open()
        with suppress(UncheckableError):
            application.refresh_keys()
        return application.openers

    def _find(
        self, application: Application, batch: _Batch, callers: dict[int, Caller], positions: Sequence[int]
    ) -> None:
        requests, asked = [], []
        for at, caller, codec in self._readable(application, batch, callers, positions):
            request = batch.items[at].request
            assert isinstance(request, Find)
            brands = request.brands or reach(application, caller)
            if not brands or any(brand not in application.catalogue.brands for brand in brands):
                batch.answers[at] = self._refuse_brand(application, caller, request)
                continue
            try:
                normal_form(application.catalogue, request.by, request.value, request.country)
            except InputError:
                batch.answers[at] = problem("malformed", "no such index, or not a value of its kind")
                continue
            asked.append(at)
            requests.append(
                FindRequest(
                    principal=caller.principal,
                    codec=codec,
                    brands=list(dict.fromkeys(brands)),
                    index=request.by,
                    text=request.value,
                    purpose=request.purpose,
                    country=request.country,
                    reference=request.reference,
                    address=caller.address,
                    credential=caller.credential,
                )
            )
        found = find(
            requests,
            gatekeeper=application.gatekeeper,
            catalogue=application.catalogue,
            digests=application.digests,
            index_reader=application.vault,
        )
        now = application.now()
        for at, answer in zip(asked, found, strict=True):
            if not answer.admission.permitted:
                batch.answers[at] = denial(
                    answer.admission.code, retry_after_s=seconds(answer.admission.back_at, now)
                )
            elif answer.too_many:
                batch.answers[at] = problem("too-many")
            else:
                tokens = {brand: list(items) for brand, items in answer.tokens.items()}
                batch.answers[at] = Answer(200, _encode(Found(tokens)))

    def _refuse_brand(self, application: Application, caller: Caller, request: Find) -> Answer:
        """Refuse a search in brands that do not exist or that nothing grants, with the entry of any refusal."""
        refused = AdmissionRequest(
            principal=caller.principal,
            operation=Operation.FIND,
            purpose=request.purpose,
            brand="?",
            fields=frozenset(),
            records=BitMap(),
            reference=request.reference,
            address=caller.address,
            credential=caller.credential,
        )
        admissions, _ = application.gatekeeper.admit([refused])
        return denial(admissions[0].code)

    def _other(self, application: Application, caller: Caller, pending: PendingRequest) -> Answer:
        assert self._store is not None
        try:
            return HANDLERS[type(pending.request)](application, caller, pending.request)
        except ConflictError as error:
            return failure(error)
        except StoreError:
            raise
        except CloakroomError as error:
            return failure(error)
        except psycopg.DataError:
            # Text that the database does not take fails its own request, not those that came with it.
            return problem("malformed", "a text holds what cannot be stored")

    def _readable(
        self,
        application: Application,
        batch: _Batch,
        callers: Mapping[int, Caller],
        positions: Sequence[int],
    ) -> Iterator[tuple[int, Caller, TokenCodec]]:
        """Yield the callers whose tokens this node can read; the others are told to come again."""
        for at in positions:
            codec = self._codec(application, callers[at].token_scope)
            if codec is None:
                batch.answers[at] = problem("unavailable", retry_after_s=1)
            else:
                yield at, callers[at], codec

    def _codec(self, application: Application, scope: str) -> TokenCodec | None:
        """Return what reads the caller's tokens; None where this node cannot read the key, after a rotation."""
        codec = self._codecs.get(scope)
        if codec is None:
            try:
                codec = application.codec(scope)
            except StoreError:  # enrolled after this node read the keys
                try:
                    application.refresh_keys()
                except UncheckableError:
                    return None
                codec = application.codec(scope)
            self._codecs[scope] = codec
        return codec

    def _notice(self) -> None:
        application = self.open()
        assert self._store is not None
        found, before = self._store.changes(), self._changes
        try:
            if before is None or (found.configuration, found.canaries) != (before.configuration, before.canaries):
                # Also once after opening: what changed meanwhile would otherwise go unnoticed.
                application.refresh_configuration()
            elif found.keys != before.keys:
                application.refresh_keys()
        except UncheckableError as error:
            # After a rotation of the root key: what is open is good until the new one lies where the old one did.
            if not self._behind:
                _log.error("the store's keys cannot be read anew, going on with those opened before: %s", error)
            self._behind = True
            return
        self._behind = False
        self._changes = found

    def _enter_rejections(self) -> None:
        if self._rejections:
            application = self.open()
            application.ledger.append({}, self._rejections.take(application.entries))

    def _note_use(self) -> None:
        if self._used:
            self.open()
            assert self._store is not None
            used, self._used = self._used, {}
            self._store.note_use(used)

    def _is_due(self, what: str, every_s: float) -> bool:
        now = time.monotonic()
        if now < self._due[what]:
            return False
        self._due[what] = now + every_s
        return True

    def _fail(self, error: Exception) -> None:
        _log.error("the store does not answer: %s", type(error).__name__)
        self._drop()

    def _drop(self) -> None:
        application, self._application, self._store = self._application, None, None
        if application is not None:
            try:
                application.close()
            except psycopg.Error as error:
                _log.warning("closing the store: %s", type(error).__name__)
