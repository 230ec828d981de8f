"""Work batches off, in a process of its own that alone knows the store and its keys.

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
from collections.abc import Callable, Mapping, Sequence

from cloakroom.errors import CloakroomError, ConflictError, StatementError, StoreError, UnstorableError
from cloakroom.flows.admission.authorisation import Caller
from cloakroom.flows.opening import Openers
from cloakroom.web.api.problems import Answer, problem
from cloakroom.web.core.answering import place
from cloakroom.web.core.batch import Batch
from cloakroom.web.core.identification import identify
from cloakroom.web.core.opened_store import OpenedStore
from cloakroom.web.core.openings import Deliver, Openings
from cloakroom.web.core.pending import PendingRequest
from cloakroom.web.core.rejections import RejectionCounts
from cloakroom.web.core.reveals import admit
from cloakroom.web.core.searches import search
from cloakroom.web.handlers.failures import failure
from cloakroom.web.handlers.table import HANDLERS
from cloakroom.wiring import Application

_log = logging.getLogger("cloakroom.core")
FLUSH_SECONDS = 1.0
REFRESH_SECONDS = 0.5
"""Time between two looks whether keys, configuration or canaries changed."""
USE_SECONDS = 5.0


class Core:
    """The answers to batches, from one store."""

    def __init__(self, open_store: Callable[[], Application]) -> None:
        """Take what opens the store; called again after a failure."""
        self._open_store = open_store
        self._rejections = RejectionCounts()
        self._store: OpenedStore | None = None
        self._used: dict[str, int] = {}
        self._openings = Openings()
        self._due = {"flush": 0.0, "refresh": 0.0, "use": 0.0}

    def open(self) -> OpenedStore:
        """Return the store, opened if need be.

        Raises:
            CloakroomError: It cannot be opened.
        """
        if self._store is None:
            self._store = OpenedStore(self._open_store(), self._openings.open_some)
            self._store.application.gatekeeper.policy  # noqa: B018 - assembled now, not with the first request
        return self._store

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
            found = self.open().service.presented(credentials)
        except CloakroomError as error:
            self._fail(error)
            return None
        return {name: item.credential.key.raw for name, item in found.items()}

    def idle(self) -> None:
        """Do what is due between batches."""
        try:
            if self._is_due("refresh", REFRESH_SECONDS):
                self.open().refresh_if_changed()
            if self._is_due("flush", FLUSH_SECONDS):
                self._enter_rejections()
            if self._is_due("use", USE_SECONDS):
                self._note_use()
        except CloakroomError as error:
            self._fail(error)

    def work(self, items: Sequence[PendingRequest], deliver: Deliver) -> None:
        """Answer a batch, reveals perhaps only with the next batch or `finish`; never raises.

        Args:
            items: The requests.
            deliver: Takes the place of each request and its answer, each once.
        """
        batch = Batch.of(items, deliver)
        missing = problem("internal")
        try:
            self._work(batch)
        except (StatementError, UnstorableError) as error:
            self._give_up(error)
        except StoreError as error:
            self._fail(error)
            missing = problem("unavailable", retry_after_s=1)
        except Exception as error:  # noqa: BLE001 - one batch's defect must not end the service
            self._give_up(error)
        for at, answer in enumerate(batch.answers):
            if at not in batch.later:
                deliver(at, missing if answer is None else answer)

    def finish(self) -> None:
        """Open what was admitted and has no answer yet; never raises."""
        try:
            self._openings.finish(self._refreshed_openers)
        except CloakroomError as error:
            self._fail(error)

    def _work(self, batch: Batch) -> None:
        store = self.open()
        callers = identify(store, batch, self._rejections)
        now = store.application.now()
        self._used.update({batch.items[at].signature.key_id: now for at in callers})
        admit(store, batch, callers, self._openings, self._refreshed_openers)
        search(store, batch, callers)
        for at, caller in callers.items():
            if batch.is_open(at):
                batch.answers[at] = _handle(store.application, caller, batch.items[at])

    def _refreshed_openers(self) -> Openers:
        return self.open().refreshed_openers()

    def _enter_rejections(self) -> None:
        if self._rejections:
            application = self.open().application
            application.ledger.append({}, self._rejections.take(application.entries))

    def _note_use(self) -> None:
        if self._used:
            store = self.open()
            used, self._used = self._used, {}
            store.service.note_use(used)

    def _is_due(self, what: str, every_s: float) -> bool:
        now = time.monotonic()
        if now < self._due[what]:
            return False
        self._due[what] = now + every_s
        return True

    def _fail(self, error: CloakroomError) -> None:
        _log.error("the store does not answer: %s", type(error).__name__)
        self._drop()

    def _give_up(self, error: Exception) -> None:
        # Its text may hold a value; its type and place do not.
        _log.critical("a batch failed: %s at %s", type(error).__name__, place(error))
        self._drop()

    def _drop(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            store.close()


def _handle(application: Application, caller: Caller, pending: PendingRequest) -> Answer:
    """Answer one request by its handler.

    Raises:
        StoreError: The store does not answer, which concerns those who came with it, too.
    """
    try:
        return HANDLERS[type(pending.request)](application, caller, pending.request)
    except (ConflictError, UnstorableError) as error:
        # Text that the database does not take fails its own request, not those that came with it.
        return failure(error)
    except StoreError:
        raise
    except CloakroomError as error:
        return failure(error)
