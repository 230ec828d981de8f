"""Addresses as people type them, and messages by RFC 5424: each part within its bounds, long datagrams shortened."""

from __future__ import annotations

import re
import socket

import pytest

from cloakroom.adapters.siem import Message, open_sink
from cloakroom.adapters.siem.message import Limits
from cloakroom.adapters.siem.streams import FileSink
from cloakroom.adapters.siem.syslog import Receiver, SyslogSink, Transport, frame
from cloakroom.errors import UsageError


def message(index: int = 0, at: int = 0, size: int = 10, severity: int = 1) -> Message:
    return Message(index, at, severity, "reveal", b'"' + b"x" * (size - 2) + b'"', b'"short"')


@pytest.mark.parametrize(
    ("index", "sequence"),
    [(0, 1), (1, 2), (2_147_483_645, 2_147_483_646), (2_147_483_646, 2_147_483_647), (2_147_483_647, 1), (2**62, 2)],
)
def test_sequence_ids_go_from_1_to_the_largest_that_rfc_5424_allows_and_begin_again(index, sequence):
    """RFC 5424, section 7.3.1: after 2147483647 comes 1. 2^62 is 1 modulo 2^31 - 1."""
    text = frame(message(index), "node-1").decode()
    assert f'sequenceId="{sequence}"' in text


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000001Z"),
        (1_800_000_000_500_000, "2027-01-15T08:00:00.500000Z"),
    ],
)
def test_a_time_has_at_most_the_six_digits_that_rfc_5424_allows(at, text):
    assert frame(message(at=at), "node-1").split(b" ")[1] == text.encode()


def test_a_message_is_its_head_and_its_line_without_anything_between():
    whole = frame(message(6), "node-1")
    assert whole == b'<110>1 1970-01-01T00:00:00Z node-1 cloakroom - reveal [meta sequenceId="7"] "xxxxxxxx"'
    assert frame(message(6), "node-1", short=True) == whole.replace(b'"xxxxxxxx"', b'"short"')
    assert re.match(rb"<\d{1,3}>1 \S+ \S+ \S+ - \S+ \[", whole)


@pytest.mark.parametrize(
    ("hostname", "shown"),
    [("node-1", "node-1"), ("", "-"), ("a b\tc", "abc"), ("ü", "-"), ("nöde", "nde"), ("\x00\x7f!~", "!~"),
     ("x" * 255, "x" * 255), ("x" * 256, "x" * 255)],
)  # fmt: skip
def test_a_hostname_is_of_printed_ascii_and_at_most_255_characters(hostname, shown, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "log"))
        sink = SyslogSink(Receiver(Transport.UNIX, path=str(tmp_path / "log")), hostname=hostname)
        sink.send([message()])
        assert receiver.recv(65_536).split(b" ")[2] == shown.encode()
        sink.close()


@pytest.mark.parametrize(("beyond", "is_short"), [(-1, False), (0, False), (1, True)])
def test_a_datagram_is_shortened_only_beyond_the_limit(tmp_path, beyond, is_short):
    sent = message(size=500)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(tmp_path / "log"))
        limits = Limits(unix_datagram_bytes=len(frame(sent, "n")) - beyond, datagram_bytes=1)
        sink = SyslogSink(Receiver(Transport.UNIX, path=str(tmp_path / "log")), hostname="n", limits=limits)
        sink.send([sent, message(1)])
        assert receiver.recv(65_536).endswith(b'"short"') == is_short
        assert receiver.recv(65_536).endswith(b'"xxxxxxxx"')
        sink.close()


@pytest.mark.parametrize(
    ("address", "spelling"),
    [
        ("syslog://h", "syslog+tcp://h:601"), ("syslog://h/", "syslog+tcp://h:601"),
        ("syslog+tcp://h:1", "syslog+tcp://h:1"),
        ("syslog+udp://h", "syslog+udp://h:514"), ("syslog+udp://h:65535", "syslog+udp://h:65535"),
        ("syslog://[2001:db8::1]:6514", "syslog+tcp://[2001:db8::1]:6514"), ("SYSLOG://H", "syslog+tcp://h:601"),
        ("syslog+unix:///dev/log", "syslog+unix:///dev/log"), ("stdout", "stdout"),
        ("file:/var/a b", "file:/var/a b"),
        ("file:///var/x", "file:/var/x"),
    ],
)  # fmt: skip
def test_an_address_has_one_spelling(address, spelling):
    assert open_sink(address).address == spelling


def test_a_relative_file_is_of_the_folder_at_hand(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert open_sink("file:x/events.jsonl").address == f"file:{tmp_path}/x/events.jsonl"


@pytest.mark.parametrize(
    "address",
    ["syslog", "syslog:", "syslog:h", "tcp://h:1", "syslog+tls://h", "syslog://h:-1", "syslog://h:65536", "syslog://h:x",
     "syslog://h#x", "syslog://u@h", "syslog+unix://", "syslog+unix:///x?y", "syslog+unix:///x#y", "syslog+unix:x",
     "syslog://[::1", "STDOUT", "stdout:", "http://h", "/var/x", "file", "file:"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_with_all_that_are_taken(address):
    with pytest.raises(UsageError) as caught:
        open_sink(address)
    told = "file:PATH, stdout, syslog://HOST:PORT, syslog+udp://HOST:PORT or syslog+unix:///PATH"
    assert str(caught.value) == f"--to takes {told}"


def test_a_sink_says_whether_to_try_again_and_how_much_may_be_lost_unseen():
    limits = Limits(unread_messages=7)
    for transport, overlap in ((Transport.TCP, 7), (Transport.UDP, 7), (Transport.UNIX, 0)):
        sink = SyslogSink(Receiver(transport, "h", 1, "/x"), hostname="n", limits=limits)
        assert (sink.recoverable, sink.overlap) == (True, overlap)
    assert (open_sink("file:/x").recoverable, open_sink("file:/x").overlap) == (True, 0)
    assert (open_sink("stdout").recoverable, open_sink("stdout").overlap) == (False, 0)


@pytest.mark.parametrize(("lines", "torn", "kept"), [(1, 3, 4), (2, 3, 8), (0, 9, 0), (0, 10, 0), (1, 9, 4)])
def test_a_torn_line_within_the_bound_is_cut_off_and_whole_ones_stay(tmp_path, lines, torn, kept):
    path = tmp_path / "events"
    path.write_bytes(b"abc\n" * lines + b"z" * torn)
    FileSink(path, limits=Limits(torn_bytes=10)).send([])
    assert path.stat().st_size == kept


@pytest.mark.parametrize(("torn", "is_cut"), [(9, True), (10, False), (11, False)])
def test_a_line_longer_than_any_of_ours_gets_an_end_and_is_not_cut(tmp_path, torn, is_cut):
    """The bound holds the torn line and the end of the line before it."""
    path = tmp_path / "events"
    path.write_bytes(b"abc\n" + b"z" * torn)
    FileSink(path, limits=Limits(torn_bytes=10)).send([])
    assert path.read_bytes() == (b"abc\n" if is_cut else b"abc\n" + b"z" * torn + b"\n")
