"""From which moment is it: the as-of times at which the rows equal the history of the records.

Every version of a record holds for an interval of time. What a row shows agrees with some versions, hence with a set
of intervals; the row was taken at some moment in it. A sweep over the ends of all intervals finds the moment that
agrees with most rows. Where the rows left over agree among each other on another moment, the dump was put together
from two thefts: moments are then improved in turn, each for the rows that the others do not explain, until nothing
changes. Shares are estimated for the rows that agree with several moments as well (expectation and maximisation over
the patterns).

A field counts only if the dump shows it as the records have it for most records; missing values count only where
they are missing in the records, too. So a seller who drops, rounds or rewrites a column does not spoil the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from cloakroom.claims.agreement import same_mailbox
from cloakroom.claims.alike_names import LOST, is_with_lost_letters
from cloakroom.claims.concepts import Concept
from cloakroom.claims.exposure import FieldAgreement
from cloakroom.claims.tables import share_of
from cloakroom.claims.values import VAULT_FIELDS, same_number

_Int = np.ndarray[Any, np.dtype[np.int64]]
_Float = np.ndarray[Any, np.dtype[np.float64]]
_Flags = np.ndarray[Any, np.dtype[np.bool_]]

FOREVER = np.iinfo(np.int64).max // 4
DAY = 86_400_000_000
WIDEST = 3 * DAY
_COMPONENTS_MAX = 5
_FIELD_AGREES = 0.85
_MISSING_AGREES = 0.95
_MOSTLY = 0.5
_ROUNDED = 0.01
_ROWS_OF_CODE = 5
CODED = frozenset(concept.value for concept in (
    Concept.LANGUAGE, Concept.KIND, Concept.STORE, Concept.GENDER, Concept.COUNTRY, Concept.REGION))  # fmt: skip
"""Fields of few different values, which systems write as codes of their own."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One as-of time.

    Attributes:
        start: Not before, in microseconds.
        end: Not after, in microseconds; None where the records have not changed since.
        share: Share of the datable rows that it explains.
    """

    start: int
    end: int | None
    share: float


@dataclass(frozen=True, slots=True)
class Curve:
    """The share of rows that equal the history at each of some moments, for the picture."""

    at: tuple[int, ...]
    share: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Dating:
    """The result for one brand.

    Attributes:
        snapshots: As-of times, earliest first.
        explained: Share of the compared rows that agree with one of them.
        compared: Rows compared.
        fields: For each field that was compared, how often rows agree with some version.
        curve: Share of rows by as-of time.
    """

    snapshots: tuple[Snapshot, ...]
    explained: float
    compared: int
    fields: dict[str, FieldAgreement]
    curve: Curve

    @property
    def agreeing(self) -> tuple[str, ...]:
        """Return the fields that bear the as-of times out."""
        return tuple(name for name, found in self.fields.items() if found.is_ours and found.share >= _FIELD_AGREES)

    @property
    def is_borne_out(self) -> bool:
        """Return whether most rows are explained by what more than one field of theirs shows."""
        return self.explained >= _MOSTLY and len(self.agreeing) > 1


@dataclass(frozen=True, slots=True)
class Intervals:
    """The intervals in which rows agree with the history: parallel arrays, several intervals a row."""

    row: _Int = field(repr=False)
    start: _Int = field(repr=False)
    end: _Int = field(repr=False)
    weight: _Float = field(repr=False)


def date_rows(observed: pl.DataFrame, held: pl.DataFrame) -> Dating:
    """Date the rows of one brand.

    Args:
        observed: ``ordinal`` (a list of the records that a row may show), ``weight``, and what rows showed
            (`values.shown_values`).
        held: Versions of the same records (`values.held_values`).
    """
    observed = observed.with_row_index("observation")
    joined = observed.explode("ordinal").join(
        held.select(
            "ordinal", "valid_from", "valid_to", *(pl.col(name).alias(f"held_{name}") for name in _held(held))
        ),
        on="ordinal",
    )
    agreement, shares = _agreement(joined)
    matching = joined.filter(agreement) if agreement is not None else joined.clear()
    weights = observed["weight"].cast(pl.Float64).to_numpy()
    intervals, lives = _merged(matching, weights), _merged(joined, weights)
    moments, explained, parts = find_moments(intervals, lives)
    total = float(weights.sum()) or 1.0
    snapshots = tuple(
        sorted(
            (
                Snapshot(int(start), None if end >= FOREVER else int(end), round(float(share), 4))
                for (start, end), share in zip(moments, parts, strict=True)
            ),
            key=lambda snapshot: snapshot.start,
        )
    )
    return Dating(snapshots, explained / total, int(total), shares, _curve(intervals, moments, total))


def _merged(pairs: pl.DataFrame, weights: _Float) -> Intervals:
    """Return when any of a row's records agrees, overlapping intervals joined."""
    ends = pl.col("valid_to").fill_null(FOREVER)
    ordered = pairs.select(pl.col("observation").cast(pl.Int64), "valid_from", ends.alias("valid_to")).sort(
        "observation", "valid_from"
    )
    reached = pl.col("valid_to").cum_max().shift(1).over("observation")
    begins = reached.is_null() | (pl.col("valid_from") > reached)
    joined = (
        ordered.with_columns(begins.cum_sum().alias("span"))
        .group_by("observation", "span")
        .agg(pl.col("valid_from").min(), pl.col("valid_to").max())
    )
    return Intervals(
        joined["observation"].to_numpy(), joined["valid_from"].to_numpy(), joined["valid_to"].to_numpy(), weights
    )


def _held(held: pl.DataFrame) -> list[str]:
    return [name for name in held.columns if name not in ("ordinal", "valid_from", "valid_to")]


def _agreement(joined: pl.DataFrame) -> tuple[pl.Series | None, dict[str, FieldAgreement]]:
    """Return which pairs of row and version agree, and how well each field agrees over all rows."""
    names = ["name", "email", "phone", "phone_2", *(concept.value for concept in VAULT_FIELDS)]
    shares: dict[str, FieldAgreement] = {}
    best_share = 0.0
    chosen: list[pl.Series] = []
    for name in names:
        if name not in joined.columns:
            continue
        equal = _with_lost_letters(name, joined, joined.select(_equal(name)).to_series())
        rows = pl.DataFrame({"row": joined["observation"], "value": joined[name], "equal": equal})
        best = (
            rows.filter(pl.col("value").is_not_null())
            .group_by("row")
            .agg(pl.col("equal").any(), (pl.col("value").first() != "").alias("filled"))
        )
        filled, missing = best.filter("filled"), best.filter(~pl.col("filled"))
        share = share_of(filled["equal"])
        if filled.height:
            shares[name] = _field_agreement(name, joined, equal, filled.height)
            best_share = max(best_share, share)
        if share >= _FIELD_AGREES or not filled.height:
            is_missing_meant = bool(missing.height) and share_of(missing["equal"]) >= _MISSING_AGREES
            is_silent = joined[name].is_null() if is_missing_meant else joined[name].fill_null("") == ""
            chosen.append(equal.fill_null(value=False) | is_silent)
    if best_share < _FIELD_AGREES:
        return None, shares
    agreement = chosen[0]
    for further in chosen[1:]:
        agreement &= further
    return agreement, shares


def _field_agreement(name: str, joined: pl.DataFrame, equal: pl.Series, compared: int) -> FieldAgreement:
    """Return how often a field agrees, and how often it would if each row were laid beside another row's record."""
    is_filled = (joined[name].fill_null("") != "") & equal.is_not_null()
    is_close = equal | _rounded(joined) if name == Concept.TOTAL_SALES.value else equal
    share = _share_of_rows(joined, is_close, is_filled)
    held = [column for column in joined.columns if column.startswith("held_")]
    others = joined.filter(is_filled)
    away = others.height // 2
    shifted = others.with_columns(pl.concat([others[column][away:], others[column][:away]]).alias(column)
                                  for column in held)  # fmt: skip
    # Versions of one record lie together; half of all rows away there is somebody else.
    chance = share_of(shifted.select(_equal(name)).to_series()) if others.height > 1 else 0.0
    if name in CODED and share < _FIELD_AGREES:
        share, chance = max((share, chance), _as_codes(name, others), key=lambda found: found[0] - found[1])
    return FieldAgreement(round(share, 4), round(chance, 4), compared)


def _as_codes(name: str, pairs: pl.DataFrame) -> tuple[float, float]:
    """Return how often a field agrees if each of its values stands for one of ours, and how often by chance.

    Systems write ``1`` and ``2``, or ``男`` and ``女``, where the import made one word of it.
    """
    rows = pairs.unique("observation", keep="first", maintain_order=True).select(name, held=f"held_{name}")
    rows = rows.filter(pl.col("held").fill_null("") != "")
    if rows.height < _ROWS_OF_CODE * max(rows[name].n_unique(), 1):
        return 0.0, 0.0
    counts = rows.group_by(name, "held").len()
    told = counts.group_by(name).agg(pl.col("len").max())["len"].sum() / rows.height
    return float(told), float(counts.group_by("held").agg(pl.col("len").sum())["len"].max()) / rows.height  # type: ignore[arg-type]


def _share_of_rows(joined: pl.DataFrame, equal: pl.Series, chosen: pl.Series) -> float:
    rows = pl.DataFrame({"row": joined["observation"], "equal": equal}).filter(chosen)
    return share_of(rows.group_by("row").agg(pl.col("equal").any())["equal"])


def _rounded(joined: pl.DataFrame) -> pl.Series:
    """Return whether amounts in cents are nearly those held: sellers round them."""
    name = Concept.TOTAL_SALES.value
    shown, held = (joined[column].cast(pl.Float64, strict=False) for column in (name, f"held_{name}"))
    return ((shown - held).abs() <= held.abs() * _ROUNDED).fill_null(value=False)


def _with_lost_letters(name: str, joined: pl.DataFrame, equal: pl.Series) -> pl.Series:
    """Return what is equal, texts whose letters were lost to question marks compared by those that are left."""
    if name in ("email", "phone", "phone_2"):
        return equal
    lost = joined[name].cast(pl.String).str.contains(f"[?{LOST}\ufffd]") & ~equal
    if not lost.any():
        return equal
    places = lost.fill_null(value=False).arg_true()
    texts = zip(joined[name].gather(places), joined[f"held_{name}"].gather(places), strict=True)
    found = [held is not None and is_with_lost_letters(text, held) for text, held in texts]
    return equal.scatter(places, pl.Series(found, dtype=pl.Boolean))


def _equal(name: str) -> pl.Expr:
    value = pl.col(name)
    if name == "email":
        return same_mailbox(value, pl.col("held_email"))
    if name not in ("phone", "phone_2"):
        return value == pl.col(f"held_{name}")
    first, other = ("held_phone", "held_mobile") if name == "phone_2" else ("held_mobile", "held_phone")
    missing = (pl.col(first) == "") | (pl.col(other) == "")
    held = same_number(value, pl.col(first)) | same_number(value, pl.col(other))
    return pl.when(value == "").then(missing).otherwise(held)


def find_moments(intervals: Intervals, lives: Intervals) -> tuple[list[tuple[int, int]], float, list[float]]:
    """Return as-of intervals, the weight that they explain, and the share of each.

    Args:
        intervals: When rows agree with the history.
        lives: When the records behind the rows existed at all.
    """
    datable = np.unique(intervals.row)
    if datable.size == 0:
        return [], 0.0, []
    total = float(intervals.weight[datable].sum())
    moments = [_best(intervals, np.zeros(intervals.weight.size, np.bool_))]
    while len(moments) < _COMPONENTS_MAX:
        covered = _covered_by_any(intervals, moments)
        left = float(intervals.weight[datable][~covered[datable]].sum())
        tried = _improved(intervals, [*moments, _best(intervals, covered)]) if left > 0 else moments
        gain = float(intervals.weight[_covered_by_any(intervals, tried)].sum() - intervals.weight[covered].sum())
        if gain < max(5.0, 0.004 * total) or gain < 0.3 * left:
            break
        moments = tried
    spans = [_span(intervals, place, moments) for place in range(len(moments))]
    patterns = np.stack([_covered(intervals, moment) for moment in moments], axis=1)
    explained = float(intervals.weight[patterns.any(axis=1)].sum())
    living = np.stack([_covered(lives, moment) for moment in moments], axis=1)
    return spans, explained, _shares(patterns, living, intervals.weight)


def _improved(intervals: Intervals, moments: list[int]) -> list[int]:
    """Choose each moment anew for the rows that the others do not explain, until nothing changes."""
    for _ in range(12):
        before = list(moments)
        for place in range(len(moments)):
            others = moments[:place] + moments[place + 1 :]
            moments[place] = _best(intervals, _covered_by_any(intervals, others))
        if moments == before:
            break
    return moments


def _covered(intervals: Intervals, moment: int) -> _Flags:
    covered = np.zeros(intervals.weight.size, np.bool_)
    covered[intervals.row[(intervals.start <= moment) & (moment < intervals.end)]] = True
    return covered


def _covered_by_any(intervals: Intervals, moments: list[int]) -> _Flags:
    covered = np.zeros(intervals.weight.size, np.bool_)
    for moment in moments:
        covered |= _covered(intervals, moment)
    return covered


def _steps(intervals: Intervals, left_out: _Flags) -> tuple[_Int, _Float]:
    """Return the moments at which the explained weight changes, and the weight from each on."""
    chosen = ~left_out[intervals.row]
    rows, starts, ends = intervals.row[chosen], intervals.start[chosen], intervals.end[chosen]
    weights = intervals.weight[rows]
    times = np.concatenate((starts, ends))
    changes = np.concatenate((weights, -weights))
    unique, inverse = np.unique(times, return_inverse=True)
    return unique, np.cumsum(np.bincount(inverse, changes, unique.size))


def _best(intervals: Intervals, left_out: _Flags) -> int:
    """Return a moment inside the longest span that explains the most weight."""
    times, weight = _steps(intervals, left_out)
    if times.size < 2:
        return int(times[0]) if times.size else 0
    top = np.flatnonzero(weight[:-1] >= weight[:-1].max() - 0.5)
    longest = top[np.argmax(np.minimum(times[top + 1], times[top] + 30 * DAY) - times[top])]
    return int(times[longest])


def _span(intervals: Intervals, place: int, moments: list[int]) -> tuple[int, int]:
    """Return the interval around a moment in which the rows explained by it alone are explained about as well."""
    others = _covered_by_any(intervals, moments[:place] + moments[place + 1 :])
    times, weight = _steps(intervals, others)
    moment = moments[place]
    first = last = max(int(np.searchsorted(times, moment, "right")) - 1, 0)
    slack = max(1.0, 0.0005 * float(weight[first]))
    least = weight[first] - slack - 1e-6
    while True:
        backward = first > 0 and weight[first - 1] >= least
        forward = last + 2 < times.size and weight[last + 1] >= least
        if backward and times[last + 1] - times[first - 1] <= WIDEST:
            first -= 1
        elif forward and times[last + 2] - times[first] <= WIDEST:
            last += 1
        else:
            break
    return int(times[first]), int(times[min(last + 1, times.size - 1)])


def _shares(patterns: _Flags, living: _Flags, weights: _Float) -> list[float]:
    """Estimate the share of each moment among the rows explained by any.

    Estimated from the records that existed at every moment: one that was new by the later theft can only show the
    later state, while nothing shows the earlier theft in the same way.
    """
    explained = patterns.any(axis=1)
    always = explained & living.all(axis=1)
    share = _estimate(patterns[always], weights[always])
    if not explained.any():
        return [0.0] * patterns.shape[1]
    others = explained & ~always
    expected = patterns[others] * share
    sums = expected.sum(axis=1, keepdims=True)
    expected = np.where(
        sums > 0, expected / np.maximum(sums, 1e-300), patterns[others] / patterns[others].sum(axis=1, keepdims=True)
    )
    mass = share * weights[always].sum() + (expected * weights[others][:, None]).sum(axis=0)
    return [float(value) for value in mass / mass.sum()]


def _estimate(patterns: _Flags, weights: _Float) -> _Float:
    """Find the most likely shares, given for each row the moments that explain it."""
    count = patterns.shape[1]
    share: _Float = np.full(count, 1 / count)
    if not weights.size:
        return share
    codes = patterns @ (1 << np.arange(count))
    unique, inverse = np.unique(codes, return_inverse=True)
    mass = np.bincount(inverse, weights, unique.size)
    member = (unique[:, None] >> np.arange(count)) & 1
    for _ in range(500):
        expected = member * share
        expected = expected / np.maximum(expected.sum(axis=1, keepdims=True), 1e-300)
        share = (expected * mass[:, None]).sum(axis=0) / mass.sum()
    return share


def _curve(intervals: Intervals, moments: list[tuple[int, int]], total: float) -> Curve:
    """Sample the explained share around the as-of times, from before the first to after the last."""
    if not moments:
        return Curve((), ())
    times, weight = _steps(intervals, np.zeros(intervals.weight.size, np.bool_))
    first = min(start for start, _ in moments) - 120 * DAY
    last = max(start for start, _ in moments) + 120 * DAY
    points = np.linspace(first, last, 161).astype(np.int64)
    points = np.unique(np.concatenate((points, [start for start, _ in moments])))
    places = np.searchsorted(times, points, "right") - 1
    shares = np.where(places >= 0, weight[np.maximum(places, 0)], 0.0) / total
    return Curve(tuple(int(point) for point in points), tuple(round(float(share), 5) for share in shares))
