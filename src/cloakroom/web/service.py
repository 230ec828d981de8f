"""One process of the service: takes a request apart, verifies its signature, and waits for its answer.

Everything here runs in the event loop and touches no store. A request gets as far as the queue only with a signature
that verifies; the rest is decided in the batch (`core`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psycopg

from cloakroom.adapters.postgres.connection import Connection
from cloakroom.crypto import VerifyingKey
from cloakroom.errors import StoreError
from cloakroom.signing import Message, ReadSignature, RequestError, check_content_digest, check_times, read_signature
from cloakroom.web.addresses import Surroundings, caller_address
from cloakroom.web.batching import Batcher, Pending
from cloakroom.web.core import Core
from cloakroom.web.credentials import NOBODY, KeyReader, KnownKeys
from cloakroom.web.errands import Errands
from cloakroom.web.keeper import Keeper
from cloakroom.web.limits import LIMITS, Limits
from cloakroom.web.metrics import Metrics
from cloakroom.web.newcomers import LINEAGE, PREFIX, key_of
from cloakroom.web.orders import Order
from cloakroom.web.people_orders import NewcomerOrder
from cloakroom.web.problems import Answer, problem
from cloakroom.web.refusals import Refusals
from cloakroom.wiring import Application


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as it came over the wire.

    Attributes:
        method: Upper case.
        path: As sent, percent-encoded.
        query: As sent, without the question mark.
        headers: Fields, names in lower case; a repeated one is joined with commas.
        peer: Address at the other end; None for a Unix socket.
        body: The content.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    peer: str | None
    body: bytes


class Service:
    """The parts of one process, put together."""

    def __init__(
        self,
        open_store: Callable[[str], Application],
        open_connection: Callable[[], Connection],
        around: Surroundings,
        *,
        leads: bool = True,
        limits: Limits = LIMITS,
    ) -> None:
        """Assemble; nothing runs yet.

        Args:
            open_store: Opens the store; takes a suffix for the node's name.
            open_connection: Connects to the database, for looking up keys of credentials.
            around: What stands around the service.
            leads: Whether this is the process that beats and tidies for its node.
            limits: The bounds.
        """
        self.limits = limits
        self.metrics = Metrics()
        self._around = around
        self._refusals = Refusals()
        self._keys = KnownKeys()
        self._core = Core(lambda: open_store(""), self._refusals, limits)
        self._keeper = Keeper(lambda: open_store("keeper"), self._core, leads=leads)
        self._errands = Errands(open_store) if leads else None
        self._batcher = Batcher(self._core.work, limits, idle=self._core.idle, observe=self.metrics.batch)
        self._key_reader = KeyReader(open_connection)
        self.metrics.gauge("waiting_requests", lambda: float(len(self._batcher)))
        self.metrics.gauge("ready", lambda: float(self.is_ready()))

    def start(self) -> None:
        """Open the store and start the threads."""
        self._core.open()
        self._batcher.start()
        self._keeper.start()
        if self._errands is not None:
            self._errands.start()

    def stop(self) -> None:
        """Answer what waits, enter what was counted, integrate, and close."""
        self._batcher.stop()
        self._core.close()
        self._keeper.stop()
        if self._errands is not None:
            self._errands.stop()
        self._key_reader.close()

    def is_ready(self) -> bool:
        """Answer whether requests can be answered."""
        return self._batcher.is_alive and self._keeper.is_well()

    async def ask(self, incoming: Incoming, read_order: Callable[[], Order]) -> Answer:
        """Return the answer to a request.

        Args:
            incoming: The request.
            read_order: Decodes what it asks, once its signature is verified.
        """
        if self._batcher.is_full:
            return problem("busy", retry_after_s=1)
        authority = incoming.headers.get("host", "").lower()
        if authority not in self._around.authorities:
            self._refusals.add("wrong-host")
            return problem("wrong-host")
        try:
            signature = await self._verified(incoming, authority)
        except RequestError as error:
            return problem(error.code)
        try:
            order = read_order()
        except ValueError as error:
            return problem("malformed", _without_values(str(error)))
        newcomer = key_of(signature.key_id) is not None
        pending = Pending(
            lineage=LINEAGE if newcomer else signature.key_id,
            order=order,
            signature=signature,
            address=caller_address(incoming.peer, authority, incoming.headers, self._around),
            answered=asyncio.get_running_loop().create_future(),
        )
        if newcomer != isinstance(order, NewcomerOrder):
            # A key of one's own making signs one in and does nothing else; an enrolled one has nobody to sign in.
            self._refusals.add("bad-signature")
            refused: str | None = "bad-signature"
        else:
            refused = self._batcher.submit(pending)
        if refused is not None:
            return problem(refused, retry_after_s=None if refused == "bad-signature" else 1)
        return await pending.answered

    async def _verified(self, incoming: Incoming, authority: str) -> ReadSignature:
        name = ""
        try:
            headers = incoming.headers
            signature = read_signature(headers.get("signature-input"), headers.get("signature"))
            key = self._keys.get(signature.key_id) or key_of(signature.key_id) or await self._key(signature.key_id)
            name = signature.key_id if key is not None and not signature.key_id.startswith(PREFIX) else ""
            check_times(signature, time.time())
            digest = _checked_digest(incoming)
            message = Message(incoming.method, authority, incoming.path, f"?{incoming.query}", digest)
            # A credential that does not exist is refused as late and in the same words as a wrong signature.
            signature.verify(message, key or NOBODY)
        except RequestError as error:
            self._refusals.add(error.code, name)
            raise
        return signature

    async def _key(self, credential: str) -> VerifyingKey | None:
        """Return the key of a credential that this process has not met yet, or None."""
        if self._keys.is_unknown(credential, time.monotonic()):
            return None
        try:
            key = await asyncio.to_thread(self._key_reader.read, credential)
        except (psycopg.Error, StoreError):
            raise RequestError("unavailable", "the store does not answer") from None
        if key is None:
            self._keys.add_unknown(credential, time.monotonic())
        else:
            self._keys.add(credential, key)
        return key


def _checked_digest(incoming: Incoming) -> str | None:
    digest = incoming.headers.get("content-digest")
    if digest is None and not incoming.body:
        return None
    if not check_content_digest(digest or "", incoming.body):
        raise RequestError("body-digest", "Content-Digest is not that of the body")
    return digest


def _without_values(text: str) -> str:
    """Return a decoder's complaint; msgspec's name the place and the expectation, not what stood there."""
    return text[:300]
