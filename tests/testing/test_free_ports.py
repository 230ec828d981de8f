"""Ports that tests listen on are theirs until they end."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from free_ports import APART, free_port

TESTS = Path(__file__).parent.parent
ASK = "from free_ports import free_port; print(*(free_port() for _ in range({count})), flush=True); input()"


def test_no_port_is_one_that_the_system_gives_to_outgoing_connections():
    chosen_by_system = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(chosen_by_system.read_text().split()[0]) if chosen_by_system.exists() else 32_768
    assert all(1024 <= free_port() < first for _ in range(20))


def test_no_port_is_given_twice_not_even_to_two_processes():
    asking = [sys.executable, "-c", ASK.format(count=30)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "cwd": TESTS, "text": True}
    with subprocess.Popen(asking, **pipes) as one, subprocess.Popen(asking, **pipes) as other:
        given = [int(port) for process in (one, other) for port in process.stdout.readline().split()]
        given += [free_port() for _ in range(30)]
        for process in (one, other):
            process.communicate("\n")
    assert len(set(given)) == len(given) == 90


def test_a_port_that_something_listens_on_is_passed_over():
    taken = []
    for _ in range(3):
        following = free_port() + APART
        listener = socket.socket()
        taken.append(listener)
        listener.bind(("127.0.0.1", following))
        assert free_port() != following
    for listener in taken:
        listener.close()
