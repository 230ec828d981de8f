"""Disclosures by our own hand, from the ledger's roll-ups and the releases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from pyroaring import BitMap, FrozenBitMap

from cloakroom.adapters.postgres.claim_register import PostgresClaimRegister
from cloakroom.adapters.postgres.disclosures import PostgresDisclosures
from cloakroom.adapters.postgres.release_store import PostgresReleases
from cloakroom.disclosures.disclosure import CLEAR, Disclosure
from cloakroom.disclosures.vocabulary import Channel
from cloakroom.flows.ledger.sequencing import Sequencer
from cloakroom.ledger.disclosed import disclosed_by_entries
from cloakroom.vocabulary import Operation

_RELEASES_MAX = 10_000


class OwnDisclosures:
    """The `claims.ports.DisclosureSource` over the ledger's roll-ups and the releases."""

    def __init__(
        self,
        sequencer: Sequencer,
        disclosures: PostgresDisclosures,
        releases: PostgresReleases,
        claims: PostgresClaimRegister,
        canaries: Mapping[str, BitMap],
    ) -> None:
        """Take what integrates and reads entries, the releases, the register of claims, and the canaries."""
        self._sequencer = sequencer
        self._disclosures = disclosures
        self._releases = releases
        self._claims = claims
        self._canaries = canaries

    def canaries(self) -> Mapping[str, BitMap]:
        """Return the canaries by what they belong to: the id of a release, or a population."""
        return self._canaries

    def disclosures(self) -> Iterator[Disclosure]:
        """Yield each release, and for each lineage everything that it opened."""
        self._sequencer.run()
        self._disclosures.roll_up()
        yield from self._released()
        yield from by_lineage(self._disclosures.disclosed())

    def _released(self) -> Iterator[Disclosure]:
        run_at = self._claims.releases_run()
        for release in self._releases.newest(_RELEASES_MAX):
            if release.records:
                at = run_at.get(release.id, release.requested_at)
                shape = dict.fromkeys(release.standing.content.fields, CLEAR)
                yield disclosed_by_entries(
                    release.standing.requested_by, Operation.RELEASE, shape, release.records,
                    first_at=at, last_at=at, entries=1, release=release.id,
                )  # fmt: skip


def by_lineage(disclosed: Iterable[Disclosure]) -> Iterator[Disclosure]:
    """Unite the disclosures of each lineage in which values were shown; those of releases are told by themselves."""
    united: dict[str, Disclosure] = {}
    for item in disclosed:
        if item.fields.forms and item.where.channel is not Channel.BULK:
            before = united.get(item.who.id)
            united[item.who.id] = item if before is None else _united(before, item)
    yield from united.values()


def _united(one: Disclosure, other: Disclosure) -> Disclosure:
    records = FrozenBitMap((one.records or FrozenBitMap()) | (other.records or FrozenBitMap()))
    names = one.fields.names | other.fields.names
    reduced = {*one.fields.reduced, *other.fields.reduced}
    when = replace(one.when, begin=min(one.when.begin, other.when.begin), end=max(one.when.end, other.when.end))
    return replace(
        one,
        when=when,
        records=records,
        fields=replace(one.fields, names=names, reduced=tuple(sorted(reduced))),
        lower=len(records),
        upper=len(records),
        evidence=(*one.evidence, *other.evidence),
        coverage=replace(one.coverage, begin=when.begin, end=when.end),
    )
