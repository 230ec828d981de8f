"""Frames between fronts and core: whole in any pieces, and nothing is guessed from what is none."""

from __future__ import annotations

import contextlib
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloakroom.web.protocol.frames import (
    Abandoned,
    Answered,
    Asked,
    FrameError,
    KeyFound,
    KeyWanted,
    Proof,
    Pulse,
    TurnedAway,
    frame,
    reads_core,
    reads_fronts,
)

numbers = st.integers(0, 2**53)
proofs = st.builds(Proof, st.text(max_size=20), st.text(max_size=22), numbers)
address = st.none() | st.text(max_size=40)
to_core = st.one_of(
    st.builds(Asked, numbers, st.text(), proofs, address, st.text(), st.binary(), st.floats(allow_nan=False)),
    st.builds(Abandoned, numbers),
    st.builds(KeyWanted, st.text()),
    st.builds(TurnedAway, st.text(), st.text(), numbers),
)
fields = st.dictionaries(st.text(), st.text())
to_front = st.one_of(
    st.builds(Answered, numbers, st.integers(100, 599), st.binary(), st.binary(), fields, st.text()),
    st.builds(KeyFound, st.text(), st.none() | st.binary(), st.booleans()),
    st.builds(Pulse, st.booleans()),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(to_core, max_size=5), max_size=4), st.integers(1, 50))
def test_what_fronts_send_arrives_in_any_pieces(groups, size):
    data = b"".join(frame(group) for group in groups)
    reader = reads_fronts()
    seen = [item for at in range(0, len(data), size) for item in reader.feed(data[at : at + size])]
    assert seen == [item for group in groups for item in group]


@settings(max_examples=150, deadline=None)
@given(st.lists(to_front, max_size=5), st.integers(1, 50))
def test_what_the_core_sends_arrives_in_any_pieces(messages, size):
    data = frame(messages)
    reader = reads_core()
    assert [item for at in range(0, len(data), size) for item in reader.feed(data[at : at + size])] == messages


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x03abc",
        b"\x00\x00\x00\x00",
        frame([Pulse(ready=True)])[:-1] + b"\x07",
        frame([Answered(1, 200, b"", b"", {}, "")]),
    ],
)
def test_what_is_no_frame_of_a_front_is_refused(data):
    with pytest.raises(FrameError):
        list(reads_fronts().feed(data))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_noise_is_refused_or_waited_for_and_never_anything_else(noise):
    with contextlib.suppress(FrameError):
        list(reads_fronts().feed(len(noise).to_bytes(4, "big") + noise + os.urandom(3)))
