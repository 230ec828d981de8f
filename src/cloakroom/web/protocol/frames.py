"""Messages between the front processes of a node and its core: MessagePack over a pair of Unix sockets.

A frame is the length of its content in four bytes, most significant first, and a list of messages; whatever is sent
together travels in one frame. Both ends are the same program on the same machine, so the format has no version. The
core reads what fronts send as strictly as anything else: a front stands next to the network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

import msgspec

MAX_FRAME = 1 << 28
_HEAD = 4


class VerifiedSignature(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The proof that a verified signature is; its nonce is not claimed yet.

    Attributes:
        key_id: Id of the credential.
        nonce: 22 characters of base64url.
        expires: First second after its validity.
    """

    key_id: str
    nonce: str
    expires: int


class ForwardedRequest(msgspec.Struct, frozen=True, array_like=True, tag=1, gc=False):
    """A request whose signature verifies.

    Attributes:
        number: Names it on this pair of sockets.
        endpoint: Name of the endpoint.
        signature: What its signature proves.
        address: Network address of the caller; None on the machine itself.
        query: As sent, without the question mark.
        body: The content.
        arrived: When it came, by the machine's monotonic clock.
    """

    number: int
    endpoint: str
    signature: VerifiedSignature
    address: str | None
    query: str
    body: bytes
    arrived: float


class CancelledRequest(msgspec.Struct, frozen=True, array_like=True, tag=2, gc=False):
    """Nobody waits any more for the answer to `number`."""

    number: int


class KeyQuery(msgspec.Struct, frozen=True, array_like=True, tag=3, gc=False):
    """The key of a credential that the front has not met yet."""

    credential: str


class RejectedRequests(msgspec.Struct, frozen=True, array_like=True, tag=4, gc=False):
    """Requests that the front rejected before anybody knew who they were from."""

    credential: str
    code: str
    count: int


class ForwardedAnswer(msgspec.Struct, frozen=True, array_like=True, tag=1, gc=False):
    """The answer to `number`; see `problems.Answer`."""

    number: int
    status: int
    body: bytes
    media_type: bytes
    headers: dict[str, str]
    code: str


class KeyReply(msgspec.Struct, frozen=True, array_like=True, tag=2, gc=False):
    """The key of a credential.

    Attributes:
        credential: Its id.
        key: The 32 bytes; None where there is no such credential.
        failed: Whether the store did not answer; then nothing is known.
    """

    credential: str
    key: bytes | None
    failed: bool = False


class Readiness(msgspec.Struct, frozen=True, array_like=True, tag=3, gc=False):
    """Sent twice a second: whether the core and what works beside it are well."""

    ready: bool


ToCore = ForwardedRequest | CancelledRequest | KeyQuery | RejectedRequests
ToFront = ForwardedAnswer | KeyReply | Readiness

M = TypeVar("M")

_encoder = msgspec.msgpack.Encoder()


def frame(messages: Sequence[ToCore] | Sequence[ToFront]) -> bytes:
    """Return one frame that holds `messages`."""
    content = bytearray(_HEAD)
    _encoder.encode_into(messages, content, _HEAD)
    content[:_HEAD] = (len(content) - _HEAD).to_bytes(_HEAD, "big")
    return bytes(content)


class FrameError(ValueError):
    """Bytes that are no frame; the other end is not to be trusted any further."""


class FrameReader(Generic[M]):
    """A reader that takes frames apart as their bytes come in."""

    def __init__(self, decoder: msgspec.msgpack.Decoder[list[M]]) -> None:
        """Take what decodes a frame's content: `front_reader` or `core_reader`."""
        self._decode = decoder.decode
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[M]:
        """Yield the messages that are complete with `data`.

        Raises:
            FrameError: That is no frame.
        """
        rest = self._rest
        rest += data
        begin = 0
        try:
            while len(rest) - begin >= _HEAD:
                size = int.from_bytes(rest[begin : begin + _HEAD], "big")
                if size > MAX_FRAME:
                    raise FrameError("a frame is too long")
                end = begin + _HEAD + size
                if len(rest) < end:
                    break
                content = bytes(rest[begin + _HEAD : end])
                begin = end
                try:
                    messages = self._decode(content)
                except msgspec.MsgspecError:
                    raise FrameError("a frame is not of this format") from None
                yield from messages
        finally:
            del rest[:begin]


def front_reader() -> FrameReader[ToCore]:
    """Return what the core reads a front with."""
    return FrameReader(msgspec.msgpack.Decoder(list[ToCore]))


def core_reader() -> FrameReader[ToFront]:
    """Return what a front reads the core with."""
    return FrameReader(msgspec.msgpack.Decoder(list[ToFront]))
