"""Genuine, mixed, recycled, foreign, addresses only, or cannot tell: one word, and why.

No word clears more than is known, and none claims more.

- **cannot tell**: nothing was read that could be compared: files that could not be opened, rows without any key, or
  mostly damaged ones. Part of it unread, and nothing of ours in the rest, is this too.
- **addresses only**: ids, addresses or numbers of ours, with nothing beside them that could agree or contradict; or
  beside names and numbers of other records of ours, which somebody put together wrongly; or ids of ours with nothing
  else of their records, which nobody has but from us.
- **foreign**: rows were read, they hold keys, and these are unknown to us or stand beside what contradicts our
  records. Invented rows around real keys are this; the reasons call them a fabrication, since the keys are real.
- **mixed**: our own rows, and at least one row in a hundred that is unknown to us or contradicts our records.
- **recycled**: our own data, all of it much older than the sellers say; or a copy of an earlier dump, where they do
  not say from when it is. A copy that is as old as they say is genuine, and named as a copy.
- **genuine**: our own data, as claimed in substance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cloakroom.claims.dating import DAY, Dating, Snapshot
from cloakroom.claims.matched import Matched
from cloakroom.claims.register import EarlierClaim
from cloakroom.claims.statement import Statement
from cloakroom.clock import from_microseconds

FOREIGN_SHARE = 0.01
REJECTED_SHARE = 0.5
BARE_SHARE = 0.5
_ADDRESSES_OF_ROW = 2
"""A row about one person has no more; where more addresses than that are known, rows were not read as they are."""
_BARE_BESIDE = 4
"""Rows that show nothing to compare are not told apart from those that contradict, where these are not many more."""
_KEY = "an id, address or number of ours"
_FOUND = "by which a record could be found"
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
    dating: Mapping[str, Dating],
    statement: Statement,
    earlier: Sequence[EarlierClaim],
    extent: Extent,
) -> Verdict:
    """Return the verdict on a dump.

    Args:
        matched: Its rows against our records.
        dating: As-of times by brand.
        statement: What the sellers say.
        earlier: Earlier claims that hold part of it.
        extent: How much of it could be read.
    """
    keyed = matched.rows_own + matched.rows_bounded + matched.rows_bare + matched.rows_foreign
    snapshots = {name: found.snapshots for name, found in dating.items() if found.is_borne_out}
    unknown = _unknown(matched, snapshots, extent)
    if not matched.rows_own and not matched.proven:
        word, reasons = _of_nothing_proven(matched, keyed, extent)
        return Verdict(word, reasons, unknown)
    own = _rows(matched.rows_own, "show a record of ours", "shows a record of ours")
    dates = _date_reasons(dating)
    if matched.rows_bare > BARE_SHARE * keyed:
        bare = _rows(matched.rows_bare, f"show {_KEY} and nothing else to compare", f"shows {_KEY} and nothing else")
        own = f"{own}; {bare}: no record is proven by them"
    stray = matched.rows_foreign + matched.rows_bounded
    strangers = _stray_reasons(matched, keyed)
    if keyed and stray >= FOREIGN_SHARE * keyed:
        return Verdict("mixed", (own, *strangers, *dates), unknown)
    if reason := _recycled(snapshots, statement, earlier):
        return Verdict("recycled", (own, reason, *dates), unknown)
    copied = _copied(earlier)
    seen = (f"{copied}, and is as old as claimed",) if copied else ()
    return Verdict("genuine", (own, *(strangers or ("no row is anybody else's",)), *seen, *dates), unknown)


def _stray_reasons(matched: Matched, keyed: int) -> tuple[str, ...]:
    """Return what rows there are that are not ours, and why they are not."""
    reasons = []
    if matched.rows_foreign:
        share = f"({matched.rows_foreign / keyed:.1%})"
        many = f"{share} show only keys that are unknown to us"
        reasons.append(_rows(matched.rows_foreign, many, f"{share} shows only keys that are unknown to us"))
    if matched.rows_bounded:
        share, beside = (
            f"({matched.rows_bounded / keyed:.1%})",
            "a key of ours beside values that contradict our records",
        )
        reasons.append(
            _rows(matched.rows_bounded, f"{share} show {beside}", f"{share} shows {beside}") + _made_up(matched)
        )
    return tuple(reasons)


def _made_up(matched: Matched) -> str:
    if not matched.rows_fabricated:
        return ""
    return f": a fabrication around real keys; in {matched.rows_fabricated:,} of them the id is ours"


def _of_nothing_proven(matched: Matched, keyed: int, extent: Extent) -> tuple[str, tuple[str, ...]]:
    """Return the word and the reasons for a dump that proves no record."""
    known = counted(matched.emails_known, "addresses are known", "address is known")
    is_told_apart = _BARE_BESIDE * matched.rows_bare < matched.rows_bounded
    if matched.rows_bare and matched.rows_bare >= FOREIGN_SHARE * keyed and not is_told_apart:
        bare = f"{matched.rows_bare:,} of {keyed:,} rows show {_KEY} and nothing else to compare"
        told = "no record is proven by them; a name that the address itself tells is no proof"
        return "addresses only", (bare, f"{known}; {told}", *_stray_reasons(matched, keyed))
    if 2 * matched.rows_fabricated > keyed:
        fabricated = f"{matched.rows_fabricated:,} of {keyed:,} rows are a fabrication around ids of ours"
        return "addresses only", (
            fabricated,
            "nothing else in them is that record's; who has the ids has them from us",
        )
    if 2 * matched.rows_jumbled > keyed:
        jumbled = (
            f"{matched.rows_jumbled:,} of {keyed:,} rows set a key of ours beside values of other records of ours"
        )
        return "addresses only", (jumbled, f"{known}; rows were put together wrongly, so no record is proven by them")
    if matched.emails_known > _ADDRESSES_OF_ROW * keyed:
        return "addresses only", (f"{known}; few stand in a row that could be read: no record is proven by them",)
    unread = _unread_reasons(matched, keyed, extent)
    if unread:
        return "cannot tell", unread
    reasons = [f"none of {keyed:,} rows shows a record of ours", *_stray_reasons(matched, keyed)]
    if 2 * matched.rows_bounded > keyed and not matched.rows_fabricated:
        reasons[-1] += ": a fabrication around real keys"
    if bounded := len(matched.bounded):
        shared = counted(bounded, "records share", "record shares")
        reasons.append(f"{known}, beside other content: {shared} an address with the dump, no more")
    return "foreign", tuple(reasons)


def _unread_reasons(matched: Matched, keyed: int, extent: Extent) -> tuple[str, ...]:
    """Return why nothing can be said, empty where enough was read."""
    reasons = []
    if extent.files_unread:
        reasons.append(f"{counted(extent.files_unread, 'files', 'file')} could not be read")
    if not keyed:
        silent = _rows(matched.rows_silent, f"hold nothing {_FOUND}", f"holds nothing {_FOUND}")
        reasons.append(silent if matched.rows_silent else "no row was read that holds an address, a number or an id")
    if extent.rows_rejected and extent.rows_rejected >= REJECTED_SHARE * (keyed + extent.rows_rejected):
        damaged = _rows(extent.rows_rejected, "are damaged", "is damaged")
        reasons.append(f"{damaged}, beside {keyed:,} that could be compared")
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


def _date_reasons(dating: Mapping[str, Dating]) -> list[str]:
    reasons = []
    for brand, found in dating.items():
        spans = " and ".join(
            f"{from_microseconds(one.start):%Y-%m-%d %H:%M} to {_shown_end(one)}" for one in found.snapshots
        )
        if spans and found.is_borne_out:
            rows = f"{found.explained:.0%} of the {found.compared:,} rows of {brand} that were compared"
            fields = ", ".join(name.replace("_", " ") for name in found.agreeing)
            reasons.append(f"{rows} equal our history as of {spans} ({fields})")
    return reasons


def _shown_end(snapshot: Snapshot) -> str:
    return "now" if snapshot.end is None else f"{from_microseconds(snapshot.end):%Y-%m-%d %H:%M}"


def _unknown(matched: Matched, snapshots: Mapping[str, Sequence[Snapshot]], extent: Extent) -> tuple[str, ...]:
    unknown = list(matched.notes)
    if extent.files_unread:
        unknown.append(f"what is in {counted(extent.files_unread, 'files', 'file')} that could not be read")
    if extent.files_cut_short:
        cut_short = counted(extent.files_cut_short, "files", "file")
        unknown.append(f"what follows in {cut_short} that could not be read to the end")
    if matched.rows_silent:
        silent = counted(matched.rows_silent, "rows are", "row is")
        beside = counted(matched.rows_beside, "of them stand", "of them stands")
        where = f"; {beside} in tables beside the customers" if matched.rows_beside else ""
        unknown.append(f"whom {silent} about: nothing is there {_FOUND}{where}")
    if matched.rows_bounded:
        having = _rows(matched.rows_bounded, "have", "has")
        unknown.append(f"from where {having} a key of ours that stands beside other values")
    unknown.extend(
        f"no date for {brand}: too little to compare"
        for brand, match in matched.brands.items()
        if match.proven and not snapshots.get(brand)
    )
    unknown.append("what the sellers hold beyond these files")
    return tuple(unknown)


def counted(number: int, many: str, one: str) -> str:
    """Return a number with what it counts."""
    return f"{number:,} {one if number == 1 else many}"


def _rows(number: int, many: str, one: str) -> str:
    return counted(number, f"rows {many}", f"row {one}")
