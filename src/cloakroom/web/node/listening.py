"""Listen on every port of a node before anything starts: one that is taken is told at once, by its number."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from cloakroom.errors import UsageError
from cloakroom.web.metrics.port import METRICS_HOST
from cloakroom.web.node.options import NodeOptions

_BACKLOG: Final = 1024


@dataclass(frozen=True, slots=True)
class ListeningSockets:
    """The sockets on which a node listens.

    Attributes:
        service: Shared by the front processes.
        fronts_metrics: Of each front process, in order; None where no metrics are shown.
        core_metrics: Of the core.
    """

    service: socket.socket
    fronts_metrics: Sequence[socket.socket | None]
    core_metrics: socket.socket | None

    @property
    def all(self) -> Sequence[socket.socket]:
        """Every one of them."""
        metrics = (*self.fronts_metrics, self.core_metrics)
        return [self.service, *(item for item in metrics if item is not None)]


def listen(serving: NodeOptions) -> ListeningSockets:
    """Listen on all ports of a node, or on none.

    Raises:
        UsageError: One of them is taken, is none, or is not for this user; names it.
    """
    with ExitStack() as opened:
        service = opened.enter_context(_listen(serving.host, serving.port, "the service", _BACKLOG))
        metrics: list[socket.socket | None] = [None] * (serving.workers + 1)
        if serving.metrics_port is not None:
            names = [*(f"the metrics of front process {number + 1}" for number in range(serving.workers))]
            names.append("the metrics of the core")
            metrics = [
                opened.enter_context(_listen(METRICS_HOST, serving.metrics_port + at, name))
                for at, name in enumerate(names)
            ]
        opened.pop_all()
    return ListeningSockets(service, metrics[:-1], metrics[-1])


def _listen(host: str, port: int, use: str, backlog: int | None = None) -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=backlog, reuse_port=False)
    except OverflowError:
        reason = "ports end at 65535"
    except OSError as error:
        # The library adds the address, which is told already.
        reason = (error.strerror or type(error).__name__).partition(" (while ")[0]
    raise UsageError(f"cannot listen on port {port} of {host} for {use}: {reason}")
