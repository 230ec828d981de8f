"""The store as a core has it open: what is read anew, all of it, after the store has failed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

from cloakroom.adapters.postgres.service_store import ServiceStore, StoreChanges
from cloakroom.errors import StoreError, UncheckableError
from cloakroom.flows.opening import Openers
from cloakroom.vault.tokens import TokenCodec
from cloakroom.wiring import Application

_log = logging.getLogger("cloakroom.core")


class OpenedStore:
    """An application, what the service keeps in the store besides, and what was derived from both."""

    def __init__(self, application: Application, while_waiting: Callable[[], bool]) -> None:
        """Take an application that was just opened.

        Args:
            application: The application.
            while_waiting: Does a piece of work while the store works on a batch; see `Statements.use_waiting`.
        """
        self.application = application
        self.service = ServiceStore(application.connection)
        self.service.use_waiting(while_waiting)
        application.ledger.use_waiting(while_waiting)
        self._codecs: dict[str, TokenCodec] = {}
        self._changes: StoreChanges | None = None
        self._is_behind = False

    def close(self) -> None:
        """Close the connection."""
        self.application.close()

    def codec(self, scope: str) -> TokenCodec | None:
        """Return what reads the tokens of a scope; None where this node cannot read the key, after a rotation."""
        codec = self._codecs.get(scope)
        if codec is None:
            try:
                codec = self.application.codec(scope)
            except StoreError:  # enrolled after this node read the keys
                try:
                    self.application.refresh_keys()
                except UncheckableError:
                    return None
                codec = self.application.codec(scope)
            self._codecs[scope] = codec
        return codec

    def refreshed_openers(self) -> Openers:
        """Return the openers of the brands, from a key ring read anew where that is possible."""
        with suppress(UncheckableError):
            self.application.refresh_keys()
        return self.application.openers

    def refresh_if_changed(self) -> None:
        """Read anew what changed in the store: keys, configuration, canaries.

        Raises:
            StoreError: The store does not answer.
        """
        found, before = self.service.changes(), self._changes
        try:
            if before is None or (found.configuration, found.canaries) != (before.configuration, before.canaries):
                # Also once after opening: what changed meanwhile would otherwise go unnoticed.
                self.application.refresh_configuration()
            elif found.keys != before.keys:
                self.application.refresh_keys()
        except UncheckableError as error:
            # After a rotation of the root key: what is open is good until the new one lies where the old one did.
            if not self._is_behind:
                _log.error("the store's keys cannot be read anew, going on with those opened before: %s", error)
            self._is_behind = True
            return
        self._is_behind = False
        self._changes = found
