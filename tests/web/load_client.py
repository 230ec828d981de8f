"""A client in a process of its own, who writes down what it received, until its standard input is closed."""

from __future__ import annotations

import json
import select
import sys
from pathlib import Path

from cloakroom.client import Client, RefusedError, UnreachableError

addresses, credential, tokens, notes = (
    sys.argv[1].split(","),
    Path(sys.argv[2]),
    json.loads(Path(sys.argv[3]).read_text()),
    Path(sys.argv[4]),
)
clients = [Client(address, credential, attempts=1, timeout_s=10) for address in addresses]
number = 0
with notes.open("w") as file:
    while not select.select([sys.stdin], [], [], 0)[0]:
        number += 1
        size = (1, 1, 3, 1, 8)[number % 5]
        first = number * 7 % (len(tokens) - size)
        batch = tokens[first : first + size]
        file.write(json.dumps({"asked": batch}) + "\n")
        file.flush()
        try:
            answer = list(
                clients[number % len(clients)].reveal(
                    batch, purpose="clienteling", fields=["email"], reference=f"APPT-{number}"
                )
            )
            got = {"number": number, "shown": [item.token for item in answer]}
        except RefusedError as refused:
            got = {"number": number, "code": refused.code}
        except UnreachableError:
            got = {"number": number, "lost": batch}
        file.write(json.dumps(got) + "\n")
        file.flush()
