"""A thief with stolen credentials, as one of several processes: he pages, batches and searches for all he can.

He is a client like any other: he goes through the same flows, and notes on his own side what he received, so that the
ledger's account can be held against his.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cloakroom.flows.records.find import FindRequest, find
from cloakroom.flows.records.reveal import RevealRequest, reveal
from cloakroom.settings import Settings
from cloakroom.use_cases.people.principals import authenticate
from cloakroom.wiring import Application, open_application

WANTED = frozenset({"given_name", "family_name", "email", "phone", "mobile", "city", "spend_total"})


@dataclass(frozen=True, slots=True)
class Loot:
    """The loot that a thief begins with.

    Attributes:
        credential: The stolen credential file.
        tokens: Tokens out of the application's database.
        addresses: E-mail addresses from elsewhere, to see who is a customer.
        brands: Brands that he tries.
        seconds: When he gives up.
    """

    credential: Path
    tokens: Sequence[str]
    addresses: Sequence[str]
    brands: Sequence[str]
    seconds: float = 20.0


@dataclass(slots=True)
class Haul:
    """The loot, by the thief's own notes.

    Attributes:
        opened: Tokens of which he saw at least one value.
        found: Tokens that searches gave him.
        refused: Requests that were refused.
        requests: Requests he made.
        frozen_at: When he was first told that the credential is frozen, by `time.time`, or None.
    """

    opened: set[str] = field(default_factory=set)
    found: set[str] = field(default_factory=set)
    refused: int = 0
    requests: int = 0
    frozen_at: float | None = None


def steal(settings: Settings, url: str, loot: Loot, share: int, shares: int) -> Haul:
    """Run one process of the theft and return what it got.

    Args:
        settings: The store, reached as a node of its own.
        url: Address of the database.
        loot: What the thief has.
        share: Which part of the tokens this process works on, from 0.
        shares: How many processes there are.
    """
    application = open_application(settings, url=url)
    haul = Haul()
    until = time.monotonic() + loot.seconds
    try:
        for attempt in _attempts(loot, share, shares):
            if haul.frozen_at is not None or time.monotonic() > until:
                break
            if isinstance(attempt, str):
                _search(application, loot, attempt, haul)
            else:
                _open(application, loot, attempt, haul)
    finally:
        application.close()
    return haul


def _attempts(loot: Loot, share: int, shares: int) -> Iterator[list[str] | str]:
    """Alternate single openings, batches of growing size, and searches."""
    tokens = iter(loot.tokens[share::shares])
    addresses = iter(loot.addresses[share::shares])
    for size in itertools.cycle((1, 1, 5, 1, 20, 1, 100)):
        batch = list(itertools.islice(tokens, size))
        if not batch:
            return
        yield batch
        address = next(addresses, None)
        if address is not None:
            yield address


def _open(application: Application, loot: Loot, tokens: list[str], haul: Haul) -> None:
    who = authenticate(application.records, loot.credential, at=application.now())
    request = RevealRequest(
        principal=who.principal,
        tokens=tokens,
        codec=application.codec(who.token_scope),
        fields=WANTED,
        purpose="clienteling",
        reference="APPT-1",
        credential=who.credential,
    )
    answer = reveal(
        [request],
        gatekeeper=application.gatekeeper,
        catalogue=application.catalogue,
        openers=application.openers,
    )[0]
    haul.requests += 1
    haul.opened.update(item.token for item in answer.revealed if item.values)
    _note(haul, answer.admission.permitted, answer.admission.code)


def _search(application: Application, loot: Loot, address: str, haul: Haul) -> None:
    who = authenticate(application.records, loot.credential, at=application.now())
    request = FindRequest(
        principal=who.principal,
        codec=application.codec(who.token_scope),
        brands=loot.brands,
        index="email",
        text=address,
        purpose="clienteling",
        reference="APPT-1",
        credential=who.credential,
    )
    answer = find(
        [request],
        gatekeeper=application.gatekeeper,
        catalogue=application.catalogue,
        digests=application.digests,
        index_reader=application.vault,
    )[0]
    haul.requests += 1
    haul.found.update(token for tokens in answer.tokens.values() for token in tokens)
    _note(haul, answer.admission.permitted, answer.admission.code)


def _note(haul: Haul, permitted: bool, code: str) -> None:  # noqa: FBT001 - one internal flag
    if not permitted:
        haul.refused += 1
        if code == "frozen" and haul.frozen_at is None:
            haul.frozen_at = time.time()
