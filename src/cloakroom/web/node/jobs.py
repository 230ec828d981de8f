"""Ask OpenID providers and run releases, in the background, for people who wait. A thread for each.

Work waits in the store and is leased, so whichever node is first does it, and what a dead node left is taken up by
another. Threads are woken by PostgreSQL's notifications and look by themselves besides.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from cloakroom.adapters.openid import OpenIDClient
from cloakroom.adapters.postgres.notifications import Notifications
from cloakroom.adapters.postgres.release_run_store import RUNS
from cloakroom.adapters.postgres.service_store import ServiceStore
from cloakroom.adapters.postgres.sign_in_store import CODES
from cloakroom.errors import CloakroomError
from cloakroom.use_cases.people.signing_in import redeem_code
from cloakroom.use_cases.releases.background_runs import run_waiting
from cloakroom.wiring import Application

_log = logging.getLogger("cloakroom.jobs")

LOOK_SECONDS = 2.0
"""How often a thread looks without being woken."""
TIDY_SECONDS = 60.0

Work = Callable[[Application], bool]


class Jobs:
    """The threads of one process."""

    def __init__(self, open_store: Callable[[str], Application]) -> None:
        """Take what opens the store for one thread; it takes a suffix for the node's name."""
        self._client = OpenIDClient()
        self._next_tidy = 0.0
        self._threads = [
            _Job("sign-ins", CODES, open_store, lambda application: redeem_code(application, self._client)),
            _Job("releases", RUNS, open_store, self._run_release),
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End them; a release that is under way is left to another node, or to the next start of this one."""
        for thread in self._threads:
            thread.stop()
        for thread in self._threads:
            thread.join()
        self._client.close()

    def _run_release(self, application: Application) -> bool:
        if time.monotonic() >= self._next_tidy:
            self._next_tidy = time.monotonic() + TIDY_SECONDS
            application.release_runs.forget_parts(application.now())
        return run_waiting(application)


class _Job:
    """One kind of work, in a thread of its own over a store of its own."""

    def __init__(self, name: str, channel: str, open_store: Callable[[str], Application], work: Work) -> None:
        self._name = name
        self._channel = channel
        self._open_store = open_store
        self._work = work
        self._stopping = threading.Event()
        self._application: Application | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        application = self._application
        if application is not None:
            application.connection.cancel()

    def join(self) -> None:
        if self._thread.is_alive():
            self._thread.join(5.0)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._serve()
            except CloakroomError as error:
                if not self._stopping.is_set():
                    _log.error("%s: the store does not answer: %s", self._name, type(error).__name__)
            except Exception as error:  # noqa: BLE001 - one piece of work must not end the thread
                # Its text may hold a value; its type does not.
                _log.critical("%s: failed: %s", self._name, type(error).__name__)
            finally:
                self._close()
            self._stopping.wait(1.0)

    def _serve(self) -> None:
        application = self._application = self._open_store(self._name)
        notifications = Notifications(application.connection, self._channel)
        known = None
        while not self._stopping.is_set():
            found = ServiceStore(application.connection).changes()
            if found != known:
                application.refresh_configuration()
            known = found
            if self._work(application):
                continue
            notifications.wait(LOOK_SECONDS)

    def _close(self) -> None:
        application, self._application = self._application, None
        if application is not None:
            application.close()
