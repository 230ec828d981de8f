"""Sinks lose nothing: rotated files, torn lines, real syslog receivers that hang up."""

from __future__ import annotations

import io
import json
import os
import socket
import threading

import pytest
from receivers import HEAD, StreamReceiver, listen

from cloakroom.adapters.siem import Message, open_sink
from cloakroom.adapters.siem.message import Limits
from cloakroom.adapters.siem.streams import FileSink, OutputSink
from cloakroom.adapters.siem.syslog import Receiver, SyslogSink, Transport, frame
from cloakroom.errors import UsageError


def message(index: int, size: int = 0, severity: int = 1) -> Message:
    line = json.dumps({"index": index, "more": "x" * size}).encode()
    short = json.dumps({"index": index}).encode()
    return Message(index, 1_800_000_000_000_000 + index, severity, "reveal", line, short)


def indexes(path) -> list[int]:
    return [json.loads(line)["index"] for line in path.read_text().splitlines()]


def test_a_renamed_removed_or_emptied_file_is_noticed_at_the_next_batch(tmp_path):
    path = tmp_path / "events.jsonl"
    sink = FileSink(path)
    sink.send([message(0), message(1)])
    path.rename(tmp_path / "events.1")
    sink.send([message(2)])
    assert indexes(tmp_path / "events.1") == [0, 1]
    assert indexes(path) == [2]
    path.unlink()
    sink.send([message(3)])
    assert indexes(path) == [3]
    path.rename(tmp_path / "events.2")
    path.touch(mode=0o640)
    sink.send([message(4)])
    assert indexes(tmp_path / "events.2") == [3]
    assert indexes(path) == [4]
    os.truncate(path, 0)
    sink.send([message(5)])
    assert indexes(path) == [5]
    assert path.stat().st_mode & 0o777 == 0o640
    sink.close()


@pytest.mark.parametrize("torn", range(1, 8))
def test_a_line_that_a_crash_tore_is_cut_off_before_more_is_added(tmp_path, torn):
    path = tmp_path / "events.jsonl"
    path.write_bytes(message(0).line + b"\n" + message(1).line[:torn])
    FileSink(path, fsync=False).send([message(1)])
    assert indexes(path) == [0, 1]
    path.write_bytes(message(0).line[:torn])
    FileSink(path).send([message(0)])
    assert indexes(path) == [0]


def test_a_foreign_line_longer_than_any_of_ours_is_left_on_a_line_of_its_own(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"z" * 5_000)
    FileSink(path, limits=Limits(torn_bytes=1_000)).send([message(0)])
    assert path.read_bytes() == b"z" * 5_000 + b"\n" + message(0).line + b"\n"


def test_a_full_disk_leaves_whole_lines_after_the_next_try(tmp_path, monkeypatch):
    path = tmp_path / "events.jsonl"
    sink = FileSink(path)
    real = os.write

    def full(file, data):
        if len(data) > 10:
            return real(file, data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="space"):
        sink.send([message(0), message(1), message(2)])
    monkeypatch.undo()
    assert not path.read_bytes().endswith(b"\n")
    sink.send([message(0), message(1), message(2)])
    found = indexes(path)
    assert found[-3:] == [0, 1, 2]
    assert set(found) == {0, 1, 2}


def test_only_ordinary_files_are_appended_to(tmp_path):
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    with pytest.raises(UsageError):
        FileSink(fifo).send([message(0)])
    with pytest.raises((UsageError, IsADirectoryError)):
        FileSink(tmp_path).send([message(0)])
    with pytest.raises(FileNotFoundError):
        FileSink(tmp_path / "missing" / "x").send([message(0)])


def test_standard_output_gets_lines():
    out = io.BytesIO()
    OutputSink(out).send([message(0), message(1)])
    assert [json.loads(line)["index"] for line in out.getvalue().splitlines()] == [0, 1]


@pytest.mark.parametrize(("severity", "priority"), [(1, 110), (2, 109), (3, 108), (4, 107), (5, 106)])
def test_a_message_is_framed_as_rfc_5424_says(severity, priority):
    found = HEAD.fullmatch(frame(message(2_147_483_647, severity=severity), "node-1"))
    assert found
    assert int(found["priority"]) == priority
    assert found["at"].startswith(b"2027-01-15T08:")
    assert found["sequence"] == b"1"
    assert len(found["at"]) <= 32


def test_a_tcp_receiver_gets_every_message_by_its_length():
    listener = listen()
    receiver = StreamReceiver(listener)
    sink = open_sink(f"syslog://127.0.0.1:{listener.getsockname()[1]}")
    sink.send([message(n, size=n * 50) for n in range(500)])
    sink.send([message(500, size=200_000)])
    sink.close()
    bodies = [json.loads(HEAD.fullmatch(text)["body"]) for text in receiver.finish()]
    assert [body["index"] for body in bodies] == list(range(501))
    assert len(bodies[500]["more"]) == 200_000


def test_a_receiver_that_hung_up_is_noticed_and_reached_again():
    listener = listen()
    receiver = StreamReceiver(listener, hang_up_after=2)
    sink = open_sink(f"syslog+tcp://127.0.0.1:{listener.getsockname()[1]}")
    with pytest.raises(OSError):  # noqa: PT012 - which of these is first to notice is up to the kernel
        for _ in range(50):
            sink.send([message(0), message(1)])
            threading.Event().wait(0.02)
    sink.send([message(2)])
    sink.close()
    assert [json.loads(HEAD.fullmatch(text)["body"])["index"] for text in receiver.finish()][-1] == 2
    assert receiver.connections == 2


def test_a_receiver_that_reads_nothing_is_given_up_in_time():
    with listen() as listener:
        place = Receiver(Transport.TCP, "127.0.0.1", listener.getsockname()[1])
        sink = SyslogSink(place, hostname="h", limits=Limits(answer_s=0.3))
        with pytest.raises(OSError):
            sink.send([message(n, size=1_000_000) for n in range(20)])
        sink.close()


def test_nobody_listening_is_an_error():
    with listen() as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        open_sink(f"syslog://127.0.0.1:{port}").send([message(0)])


def test_a_udp_receiver_gets_one_datagram_each_and_long_ones_shortened():
    with listen(kind=socket.SOCK_DGRAM) as receiver:
        receiver.settimeout(5)
        sink = open_sink(f"syslog+udp://127.0.0.1:{receiver.getsockname()[1]}")
        sink.send([message(0), message(1, size=70_000), message(2, size=30_000)])
        sink.close()
        bodies = [json.loads(HEAD.fullmatch(receiver.recv(65_535))["body"]) for _ in range(3)]
    assert [body["index"] for body in bodies] == [0, 1, 2]
    assert ["more" in body for body in bodies] == [True, False, True]


def test_a_local_socket_of_either_kind_gets_messages(tmp_path):
    with listen(socket.AF_UNIX, str(tmp_path / "log"), socket.SOCK_DGRAM) as receiver:
        receiver.settimeout(5)
        open_sink(f"syslog+unix://{tmp_path}/log").send([message(0)])
        assert HEAD.fullmatch(receiver.recv(65_535))
    listener = listen(socket.AF_UNIX, str(tmp_path / "stream"))
    receiver = StreamReceiver(listener)
    sink = open_sink(f"syslog+unix://{tmp_path}/stream")
    sink.send([message(0), message(1)])
    sink.close()
    assert len(receiver.finish()) == 2


@pytest.mark.parametrize(
    "address",
    ["", "file:", "kafka://x", "syslog://", "syslog+udp://", "syslog://h:99999", "syslog+unix://h/x", "syslog+unix:",
     "syslog://u:p@h", "syslog://h/x", "syslog://h?x=1"],
)  # fmt: skip
def test_an_address_of_another_kind_is_refused(address):
    with pytest.raises(UsageError):
        open_sink(address)


def test_addresses_have_one_spelling_and_default_ports():
    assert open_sink("syslog://h").address == open_sink("syslog+tcp://h:601").address == "syslog+tcp://h:601"
    assert open_sink("syslog+udp://[::1]").address == "syslog+udp://[::1]:514"
    assert open_sink("file:/var/x").address == open_sink("file:///var/x").address == "file:/var/x"
