"""Works batches off. Owned by the worker thread, like the application in it.

For each batch, in this order:

1. Claim the nonces and read the credentials presented, in one round trip. A nonce that was claimed before is a
   replay; a credential that is gone, revoked, expired or lapsed is refused.
2. Reveals together, searches together: each one admission, one transaction, one wait for the disk.
3. Everything else one by one.

If the store fails, everything that has no answer yet is answered "unavailable", and the application is opened anew:
what a lineage has opened is read from the ledger again, so nothing is counted twice or forgotten.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

import msgspec
import psycopg
from pyroaring import BitMap

from cloakroom.adapters.postgres.service_store import Presented, ServiceStore
from cloakroom.errors import CloakroomError, ConflictError, InputError, StoreError
from cloakroom.flows.admission import Ask
from cloakroom.flows.find import FindRequest, find, normal_form
from cloakroom.flows.reveal import RevealAnswer, RevealRequest, reveal
from cloakroom.gate.decision import roles_of
from cloakroom.gate.policy import EVERY_BRAND, Operation
from cloakroom.vault.sealing import BrandSealer
from cloakroom.vault.tokens import TokenCodec
from cloakroom.web.batching import Pending
from cloakroom.web.limits import Limits
from cloakroom.web.operations import OPERATIONS, Caller, failure
from cloakroom.web.orders import Find, Found, Reveal, Revealed, RevealedRecord
from cloakroom.web.people_operations import PEOPLE_OPERATIONS
from cloakroom.web.people_orders import NewcomerOrder
from cloakroom.web.problems import Answer, problem, refusal
from cloakroom.web.refusals import Refusals
from cloakroom.web.sign_in_operations import answer_newcomer
from cloakroom.wiring import Application

_log = logging.getLogger("cloakroom.service")
_encode = msgspec.json.Encoder().encode
_OPERATIONS = {**OPERATIONS, **PEOPLE_OPERATIONS}
FLUSH_SECONDS = 1.0
NONCE_SECONDS = 60
"""By how much a nonce is remembered longer than its signature is valid, whatever the clocks of nodes say."""


class Core:
    """Answers batches from one application."""

    def __init__(self, open_store: Callable[[], Application], refusals: Refusals, limits: Limits) -> None:
        """Take what opens the application, and the refusals to enter.

        Args:
            open_store: Opens the store; called again after a failure.
            refusals: Counted by the event loop, entered here.
            limits: The bounds.
        """
        self._open_store = open_store
        self._refusals = refusals
        self._limits = limits
        self._application: Application | None = None
        self._store: ServiceStore | None = None
        self._codecs: dict[str, TokenCodec] = {}
        self._used: dict[str, int] = {}
        self._used_lock = threading.Lock()
        self._flushed = time.monotonic()
        self._stale_keys = threading.Event()
        self._stale_configuration = threading.Event()

    def open(self) -> Application:
        """Return the application, opened if need be."""
        if self._application is None:
            self._application = self._open_store()
            self._store = ServiceStore(self._application.connection)
            self._codecs.clear()
            self._application.gatekeeper.policy  # noqa: B018 - assembled now, not with the first request
        return self._application

    def close(self) -> None:
        """Enter what is still counted, and close."""
        try:
            self._enter_refusals()
        finally:
            self._drop()

    def keys_changed(self) -> None:
        """Read the keys anew before the next batch. May be called by any thread."""
        self._stale_keys.set()

    def configuration_changed(self) -> None:
        """Read configuration and planted records anew before the next batch. May be called by any thread."""
        self._stale_configuration.set()

    def take_used(self) -> dict[str, int]:
        """Return when credentials were last used since last asked. May be called by any thread."""
        with self._used_lock:
            used, self._used = self._used, {}
        return used

    def idle(self) -> None:
        """Do what is due between batches."""
        due = time.monotonic() - self._flushed >= FLUSH_SECONDS
        try:
            self._catch_up()
            if due:
                self._flushed = time.monotonic()
                self._enter_refusals()
        except (psycopg.Error, CloakroomError) as error:
            _log.error("the store does not answer: %s", type(error).__name__)
            self._drop()

    def work(self, batch: Sequence[Pending]) -> list[Answer]:
        """Answer a batch; never raises."""
        answers: list[Answer | None] = [None] * len(batch)
        try:
            self._work(batch, answers)
        except (psycopg.OperationalError, psycopg.InterfaceError, StoreError) as error:
            _log.error("the store does not answer: %s", type(error).__name__)
            self._drop()
            missing = problem("unavailable", retry_after_s=1)
        except Exception as error:  # noqa: BLE001 - one batch's defect must not end the service
            # Its text may hold a value; its type and place do not.
            _log.critical("a batch failed: %s at %s", type(error).__name__, _place(error))
            self._drop()
            missing = problem("internal")
        else:
            missing = problem("internal")
        return [missing if answer is None else answer for answer in answers]

    def _work(self, batch: Sequence[Pending], answers: list[Answer | None]) -> None:
        application = self.open()
        self._catch_up()
        callers = self._identify(application, batch, answers)
        reveals = [at for at in callers if isinstance(batch[at].order, Reveal)]
        finds = [at for at in callers if isinstance(batch[at].order, Find)]
        if reveals:
            self._reveal(application, batch, callers, reveals, answers)
        if finds:
            self._find(application, batch, callers, finds, answers)
        for at, caller in callers.items():
            if answers[at] is None:
                answers[at] = self._other(application, caller, batch[at])

    def _identify(
        self, application: Application, batch: Sequence[Pending], answers: list[Answer | None]
    ) -> dict[int, Caller]:
        assert self._store is not None
        signatures = [item.signature for item in batch]
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
            elif found is None and isinstance(batch[at].order, NewcomerOrder):
                seen.add(place)
                answers[at] = answer_newcomer(application, self._refusals, batch[at])
                continue
            elif found is None:
                code = "bad-signature"
            elif found.credential.has_lapsed(now):
                code = "expired"
            elif not found.credential.serves_from(batch[at].address):
                code = "network"
            else:
                seen.add(place)
                callers[at] = Caller(found, batch[at].address)
                continue
            self._refusals.add(code, signature.key_id if found is not None else "")
            answers[at] = refusal(code) if code == "network" else problem(code)
        with self._used_lock:
            self._used.update({signatures[at].key_id: now for at in callers})
        return callers

    def _reveal(
        self,
        application: Application,
        batch: Sequence[Pending],
        callers: dict[int, Caller],
        positions: Sequence[int],
        answers: list[Answer | None],
    ) -> None:
        requests = []
        for at in positions:
            caller, order = callers[at], batch[at].order
            assert isinstance(order, Reveal)
            requests.append(
                RevealRequest(
                    principal=caller.principal,
                    tokens=order.tokens,
                    codec=self._codec(application, caller.presented),
                    fields=frozenset(order.fields),
                    purpose=order.purpose,
                    reference=order.reference,
                    address=caller.address,
                    credential=caller.credential,
                )
            )
        found = reveal(
            requests,
            gatekeeper=application.gatekeeper,
            catalogue=application.catalogue,
            sealers=application.sealers,
            refreshed=self._refreshed_sealers,
        )
        now = application.now()
        for at, answer in zip(positions, found, strict=True):
            answers[at] = _revealed(answer, now)

    def _refreshed_sealers(self) -> dict[int, BrandSealer]:
        application = self.open()
        application.refresh_keys()
        return dict(application.sealers)

    def _find(
        self,
        application: Application,
        batch: Sequence[Pending],
        callers: dict[int, Caller],
        positions: Sequence[int],
        answers: list[Answer | None],
    ) -> None:
        requests, asked = [], []
        for at in positions:
            caller, order = callers[at], batch[at].order
            assert isinstance(order, Find)
            brands = order.brands or _reach(application, caller)
            if not brands or any(brand not in application.catalogue.brands for brand in brands):
                answers[at] = self._refuse_brand(application, caller, order)
                continue
            try:
                normal_form(application.catalogue, order.by, order.value, order.country)
            except InputError:
                answers[at] = problem("malformed", "no such index, or not a value of its kind")
                continue
            asked.append(at)
            requests.append(
                FindRequest(
                    principal=caller.principal,
                    codec=self._codec(application, caller.presented),
                    brands=list(dict.fromkeys(brands)),
                    index=order.by,
                    text=order.value,
                    purpose=order.purpose,
                    country=order.country,
                    reference=order.reference,
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
                answers[at] = refusal(answer.admission.code, retry_after_s=_seconds(answer.admission.back_at, now))
            elif answer.too_many:
                answers[at] = problem("too-many")
            else:
                tokens = {brand: list(items) for brand, items in answer.tokens.items()}
                answers[at] = Answer(200, _encode(Found(tokens)))

    def _refuse_brand(self, application: Application, caller: Caller, order: Find) -> Answer:
        """Refuse a search in brands that do not exist or that nothing grants, with the entry of any refusal."""
        ask = Ask(
            principal=caller.principal,
            operation=Operation.FIND,
            purpose=order.purpose,
            brand="?",
            fields=frozenset(),
            records=BitMap(),
            reference=order.reference,
            address=caller.address,
            credential=caller.credential,
        )
        admissions, _ = application.gatekeeper.admit([ask])
        return refusal(admissions[0].code)

    def _other(self, application: Application, caller: Caller, pending: Pending) -> Answer:
        assert self._store is not None
        try:
            return _OPERATIONS[type(pending.order)](application, self._store, caller, pending.order)
        except ConflictError as error:
            return failure(error)
        except StoreError:
            raise
        except CloakroomError as error:
            return failure(error)
        except psycopg.DataError:
            # Text that the database does not take fails its own request, not those that came with it.
            return problem("malformed", "a text holds what cannot be stored")

    def _codec(self, application: Application, presented: Presented) -> TokenCodec:
        scope = presented.stored.token_scope
        codec = self._codecs.get(scope)
        if codec is None:
            try:
                codec = application.codec(scope)
            except StoreError:  # enrolled after this node read the keys
                application.refresh_keys()
                codec = application.codec(scope)
            self._codecs[scope] = codec
        return codec

    def _catch_up(self) -> None:
        application = self._application
        if application is None:
            return
        if self._stale_configuration.is_set():
            self._stale_configuration.clear()
            application.refresh_configuration()
        elif self._stale_keys.is_set():
            self._stale_keys.clear()
            application.refresh_keys()

    def _enter_refusals(self) -> None:
        if self._refusals:
            application = self.open()
            application.ledger.append({}, self._refusals.take(application.gatekeeper))

    def _drop(self) -> None:
        application, self._application, self._store = self._application, None, None
        if application is not None:
            try:
                application.close()
            except psycopg.Error as error:
                _log.warning("closing the store: %s", type(error).__name__)


def _revealed(answer: RevealAnswer, now: int) -> Answer:
    if not answer.admission.permitted:
        return refusal(answer.admission.code, retry_after_s=_seconds(answer.admission.back_at, now))
    if answer.broken is not None:
        _log.error("%s", answer.broken)
        return problem("broken-record")
    forms = {name: str(form) for name, form in answer.forms.items()}
    records = [RevealedRecord(item.token, dict(item.values)) for item in answer.revealed]
    return Answer(200, _encode(Revealed(forms, records)))


def _reach(application: Application, caller: Caller) -> list[str]:
    """Return the brands within a caller's reach, for a search that names none."""
    principal, policy = caller.principal, application.configuration.policy
    roles = roles_of(policy, principal)
    return [
        brand
        for brand in sorted(application.catalogue.brands)
        if (EVERY_BRAND in principal.brands or brand in principal.brands)
        and any(role.covers_brand(brand) for role in roles)
    ]


def _seconds(back_at: int | None, now: int) -> int | None:
    return None if back_at is None else -(-(back_at - now) // 1_000_000)


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
