"""Genuine, mixed, recycled, foreign, addresses only, or cannot tell: one word, and why.

No word clears more than is known, and none claims more.

- **cannot tell**: nothing was read that could be compared: files that could not be opened, rows without any key, or
  mostly damaged ones. Part of it unread, and nothing of ours in the rest, is this too.
- **addresses only**: addresses or numbers of ours, with nothing beside them that could agree or contradict.
- **foreign**: rows were read, they hold keys, and none shows a record of ours.
- **mixed**: our own rows, and at least one row in a hundred of somebody else's.
- **recycled**: our own data, all of it much older than the sellers say; or a copy of an earlier dump, where they do
  not say from when it is. A copy that is as old as they say is genuine, and named as a copy.
- **genuine**: our own data, as claimed in substance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cloakroom.claims.dating import DAY, Snapshot
from cloakroom.claims.matched import Matched
from cloakroom.claims.register import EarlierClaim
from cloakroom.claims.statement import Statement
from cloakroom.clock import from_microseconds

FOREIGN_SHARE = 0.01
REJECTED_SHARE = 0.5
BARE_SHARE = 0.5
_ADDRESSES_OF_ROW = 2
"""A row about one person has no more; where more addresses than that are known, rows were not read as they are."""
MUCH_OLDER = 30 * DAY


@dataclass(frozen=True, slots=True)
class Verdict:
    """The word, the reasons for it, and what remains unknown."""

    word: str
    reasons: tuple[str, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Extent:
    """The part of a dump that could not be read.

    Attributes:
        files_unread: Files of which nothing could be read.
        files_cut_short: Files that ended early, were damaged, or met a limit.
        rows_rejected: Rows lost in broken lines.
    """

    files_unread: int = 0
    files_cut_short: int = 0
    rows_rejected: int = 0


def judge(
    matched: Matched,
    snapshots: Mapping[str, Sequence[Snapshot]],
    statement: Statement,
    earlier: Sequence[EarlierClaim],
    extent: Extent,
) -> Verdict:
    """Return the verdict on a dump.

    Args:
        matched: Its rows against our records.
        snapshots: As-of times by brand.
        statement: What the sellers say.
        earlier: Earlier claims that hold part of it.
        extent: How much of it could be read.
    """
    keyed = matched.rows_own + matched.rows_bounded + matched.rows_bare + matched.rows_foreign
    unknown = _unknown(matched, snapshots, extent)
    if not matched.rows_own and not matched.proven:
        word, reasons = _of_nothing_proven(matched, keyed, extent)
        return Verdict(word, reasons, unknown)
    own = f"{matched.rows_own:,} rows show records of ours"
    dates = _date_reasons(snapshots)
    if matched.rows_bare > BARE_SHARE * keyed:
        bare = f"{matched.rows_bare:,} rows show an address or number of ours and nothing else"
        own = f"{own}; {bare}: no record is proven by them"
    stray = matched.rows_foreign + matched.rows_bounded
    if keyed and stray >= FOREIGN_SHARE * keyed:
        return Verdict("mixed", (own, f"{stray:,} rows ({stray / keyed:.1%}) are not ours", *dates), unknown)
    if reason := _recycled(snapshots, statement, earlier):
        return Verdict("recycled", (own, reason, *dates), unknown)
    copied = _copied(earlier)
    seen = (f"{copied}, and is as old as claimed",) if copied else ()
    return Verdict("genuine", (own, f"{stray:,} rows are not ours", *seen, *dates), unknown)


def _of_nothing_proven(matched: Matched, keyed: int, extent: Extent) -> tuple[str, tuple[str, ...]]:
    """Return the word and the reasons for a dump that proves no record."""
    known = f"{matched.emails_known:,} addresses are known"
    if matched.rows_bare and matched.rows_bare >= FOREIGN_SHARE * keyed:
        bare = (
            f"{matched.rows_bare:,} of {keyed:,} rows show an address or number of ours and nothing else to compare"
        )
        return "addresses only", (bare, f"{known}; no record is proven by them")
    if matched.emails_known > _ADDRESSES_OF_ROW * keyed:
        return "addresses only", (f"{known}; few stand in a row that could be read: no record is proven by them",)
    unread = _unread_reasons(matched, keyed, extent)
    if unread:
        return "cannot tell", unread
    reasons = [f"none of {keyed:,} rows shows a record of ours"]
    bounded = sum(len(match.bounded) for match in matched.brands.values())
    if bounded:
        reasons.append(f"{known}, but with other content: {bounded:,} records share an address only")
    return "foreign", tuple(reasons)


def _unread_reasons(matched: Matched, keyed: int, extent: Extent) -> tuple[str, ...]:
    """Return why nothing can be said, empty where enough was read."""
    reasons = []
    if extent.files_unread:
        reasons.append(f"{extent.files_unread:,} files could not be read")
    if not keyed:
        silent = f"{matched.rows_silent:,} rows hold nothing by which a record could be found"
        reasons.append(silent if matched.rows_silent else "no row was read that holds an address, a number or an id")
    if extent.rows_rejected and extent.rows_rejected >= REJECTED_SHARE * (keyed + extent.rows_rejected):
        reasons.append(f"{extent.rows_rejected:,} rows are damaged, beside {keyed:,} that could be compared")
    return tuple(reasons)


def _recycled(
    snapshots: Mapping[str, Sequence[Snapshot]], statement: Statement, earlier: Sequence[EarlierClaim]
) -> str | None:
    begins = statement.theft_begins()
    every = [snapshot for found in snapshots.values() for snapshot in found]
    if begins is None or not every:
        return _copied(earlier)
    newest = max(snapshot.end if snapshot.end is not None else 1 << 62 for snapshot in every)
    if newest + MUCH_OLDER > begins:
        return None  # As old as they say: a copy of an earlier dump too is what it is said to be.
    days = (begins - newest) // DAY
    day = from_microseconds(newest).date()
    return f"the newest data is from {day}, {days} days before the claimed theft ({statement.theft})"


def _copied(earlier: Sequence[EarlierClaim]) -> str | None:
    for claim in earlier:
        if claim.relation == "copy":
            day = from_microseconds(claim.checked_at).date()
            return f"{claim.share:.1%} of it was in the dump checked on {day} (claim {claim.id})"
    return None


def _date_reasons(snapshots: Mapping[str, Sequence[Snapshot]]) -> list[str]:
    reasons = []
    for brand, found in snapshots.items():
        spans = " and ".join(f"{from_microseconds(one.start):%Y-%m-%d %H:%M} to {_shown_end(one)}" for one in found)
        if spans:
            reasons.append(f"the rows of {brand} equal our history as of {spans}")
    return reasons


def _shown_end(snapshot: Snapshot) -> str:
    return "now" if snapshot.end is None else f"{from_microseconds(snapshot.end):%Y-%m-%d %H:%M}"


def _unknown(matched: Matched, snapshots: Mapping[str, Sequence[Snapshot]], extent: Extent) -> tuple[str, ...]:
    unknown = list(matched.notes)
    if extent.files_unread:
        unknown.append(f"what is in {extent.files_unread:,} files that could not be read")
    if extent.files_cut_short:
        unknown.append(f"what follows in {extent.files_cut_short:,} files that could not be read to their end")
    if matched.rows_silent:
        unknown.append(f"{matched.rows_silent} rows show nothing by which a record could be found")
    if matched.rows_bounded:
        unknown.append(f"{matched.rows_bounded} rows share an address or number with ours, but not the rest")
    unknown.extend(
        f"no date for {brand}: too little to compare"
        for brand, match in matched.brands.items()
        if match.proven and not snapshots.get(brand)
    )
    unknown.append("what the sellers hold beyond these files")
    return tuple(unknown)
