"""Sinks of events for security monitoring: a file, standard output, a syslog receiver.

`open_sink` reads an address; every sink takes batches of messages and returns when these are out of the process's
hands.
"""

from __future__ import annotations

from cloakroom.adapters.siem.addresses import open_sink
from cloakroom.adapters.siem.message import Message, Sink

__all__ = ["Message", "Sink", "open_sink"]
