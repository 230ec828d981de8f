"""Frames between fronts and core: whole in any pieces, and nothing is guessed from what is none."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloakroom.web.protocol.frames import (
    CancelledRequest,
    ForwardedAnswer,
    ForwardedRequest,
    FrameError,
    KeyQuery,
    KeyReply,
    Readiness,
    RejectedRequests,
    VerifiedSignature,
    core_reader,
    frame,
    front_reader,
)

numbers = st.integers(0, 2**53)
proofs = st.builds(VerifiedSignature, st.text(max_size=20), st.text(max_size=22), numbers)
address = st.none() | st.text(max_size=40)
to_core = st.one_of(
    st.builds(
        ForwardedRequest, numbers, st.text(), proofs, address, st.text(), st.binary(), st.floats(allow_nan=False)
    ),
    st.builds(CancelledRequest, numbers),
    st.builds(KeyQuery, st.text()),
    st.builds(RejectedRequests, st.text(), st.text(), numbers),
)
fields = st.dictionaries(st.text(), st.text())
to_front = st.one_of(
    st.builds(ForwardedAnswer, numbers, st.integers(100, 599), st.binary(), st.binary(), fields, st.text()),
    st.builds(KeyReply, st.text(), st.none() | st.binary(), st.booleans()),
    st.builds(Readiness, st.booleans()),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(to_core, max_size=5), max_size=4), st.integers(1, 50))
def test_what_fronts_send_arrives_in_any_pieces(groups, size):
    data = b"".join(frame(group) for group in groups)
    reader = front_reader()
    seen = [item for at in range(0, len(data), size) for item in reader.feed(data[at : at + size])]
    assert seen == [item for group in groups for item in group]


@settings(max_examples=150, deadline=None)
@given(st.lists(to_front, max_size=5), st.integers(1, 50))
def test_what_the_core_sends_arrives_in_any_pieces(messages, size):
    data = frame(messages)
    reader = core_reader()
    assert [item for at in range(0, len(data), size) for item in reader.feed(data[at : at + size])] == messages


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x03abc",
        b"\x00\x00\x00\x00",
        frame([Readiness(ready=True)])[:-1] + b"\x07",
        frame([ForwardedAnswer(1, 200, b"", b"", {}, "")]),
    ],
)
def test_what_is_no_frame_of_a_front_is_refused(data):
    with pytest.raises(FrameError):
        list(front_reader().feed(data))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.binary(min_size=3, max_size=3))
def test_noise_is_refused_or_waited_for_and_never_anything_else(noise, more):
    with contextlib.suppress(FrameError):
        list(front_reader().feed(len(noise).to_bytes(4, "big") + noise + more))
