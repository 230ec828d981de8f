"""Rows against records: proven, bounded, or never held.

- A row that shows the id of a record proves it, unless nothing else that it shows is that record's (`fabrication`).
  Ids that anybody could have made up (short numbers) prove only where an address or a number of the row agrees, or
  the table as a whole does.
- A row without such an id proves the records of which one version agrees with it (`agreement`). That needs values to
  be opened, for the records that share a key only; beyond `Limits.open_records` a row proves a record only where
  address and number both lead to it.
- A row that proves nothing but whose address some records hold makes these **bounded**. An address that more than
  `Limits.holders` records share says nothing.
- A row is foreign where it shows an address or a number that nobody of ours has, or an id in a table about people.
  Rows of other tables, such as orders, without a key of ours are silent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from pyroaring import BitMap

from cloakroom.claims.agreement import (
    COMPARED,
    Agreement,
    RecordChoices,
    agreement,
    best_pairs,
    compare,
    pairs_by_name,
)
from cloakroom.claims.batch_keys import BatchKeys
from cloakroom.claims.concepts import Concept, Recognised
from cloakroom.claims.doubtful_ids import values_bear_out
from cloakroom.claims.fabrication import fabricated_pairs
from cloakroom.claims.learning import (
    ROWS_LOOKED_AT,
    learn_columns,
    possible_id_columns,
    spelling_of_ids,
    unknown_columns,
)
from cloakroom.claims.limits import Limits
from cloakroom.claims.matched import BrandMatch, Matched
from cloakroom.claims.observations import Observations
from cloakroom.claims.opened_records import OpenedRecords, is_name_partial
from cloakroom.claims.ports import CustomerIndex, History
from cloakroom.claims.remembered import Answered, Asked, RememberedIndex
from cloakroom.claims.repeated_rows import RepeatedRows
from cloakroom.claims.row_kinds import KINDS, RowKinds
from cloakroom.claims.row_pairs import is_single, records_of, row_flags, settled_rows, without
from cloakroom.claims.side_tables import side_tables
from cloakroom.claims.sizing import KeyedRows
from cloakroom.claims.survey import TableKey
from cloakroom.claims.table_state import TableState, all_fields, filled_fields, without_foreign_ids

_CROWD_OPENED = 20_000
_BEYOND_LIMIT = "records beyond the limit of openings are proven only where address and number agree"
_NO_ROWS = pl.Series("row", [], dtype=pl.UInt32)
_OF_PEOPLE = (Concept.EMAIL, Concept.PHONE, Concept.GIVEN_NAME, Concept.FAMILY_NAME, Concept.BIRTH_DATE,
              Concept.GENDER)  # fmt: skip
"""Columns of a table about people; one with names alone may be about products."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """A batch whose addresses and ids are being looked up."""

    table: TableState
    keyed: KeyedRows
    ids: pl.DataFrame
    asked_emails: Asked
    asked_ids: Asked


class Matcher:
    """The matching of a dump's rows against records, batch by batch.

    Args:
        index: Finds records by their keys.
        history: Opens their values.
        limits: How many may be opened.
        seed: Random number that seeds hashes and the sample for dating.
        today: The day after which no two-digit year lies.
        canaries: Records of nobody: whatever shows a key of theirs shows them.
    """

    def __init__(
        self,
        index: CustomerIndex,
        history: History,
        limits: Limits,
        seed: int,
        today: date,
        *,
        canaries: BitMap | None = None,
    ) -> None:
        self._index = index
        self._opened = OpenedRecords(history, limits.open_records, today)
        self._today = today
        self._emails = RememberedIndex(index, "email", seed, limits.holders)
        self._phones = RememberedIndex(index, "phone", seed + 1, limits.holders)
        self._ids = RememberedIndex(index, "customer_number", seed + 2, limits.holders)
        self._untagged = RememberedIndex(index, "email", seed + 3, limits.holders)
        self._repeated = RepeatedRows(seed + 4)
        self._tables: dict[TableKey, TableState] = {}
        self._brand_sets = dict(index.brands())
        self._regions = tuple(index.regions())
        self._brand_names = {0: "", **dict(enumerate(self._brand_sets, 1))}
        self._brand_of = _brand_numbers(list(self._brand_sets.values()))
        self._once = {is_broken: RecordChoices() for is_broken in (False, True)}
        self._with_copies = {is_broken: RecordChoices() for is_broken in (False, True)}
        self._bounded = BitMap()
        self._open_ended = BitMap()
        self._sure = BitMap()
        self._known_emails = BitMap()
        self._canaries = canaries or BitMap()
        self._touched = BitMap()
        self._alike = BitMap()
        self._waiting: _Batch | None = None
        self._seed = seed
        self._rows_by_brand: Counter[str] = Counter()
        self._notes: dict[str, None] = {}
        self._observations = Observations(limits.dating_records, seed)

    @property
    def opened(self) -> BitMap:
        """Return the records whose values were opened to prove rows."""
        return self._opened.asked

    def take(self, key: TableKey, keyed: KeyedRows) -> None:
        """Take one batch in. It is matched when the next one comes, while the keys of that are looked up."""
        table = self._tables.setdefault(key, TableState())
        emails = self._emails.ask(keyed.emails)
        keyed = self._with_ids(table, keyed)
        ids = keyed.ids().with_columns(_UNMISTAKABLE.alias("unmistakable"))
        coming = _Batch(table, keyed, ids, emails, self._ids.ask(ids))
        self._match_waiting()
        self._waiting = coming

    def _match_waiting(self) -> None:
        if self._waiting is not None:
            self._match(self._waiting)
            self._waiting = None

    def _match(self, batch: _Batch) -> None:
        table = batch.table
        keys = self._looked_up(batch)
        keyed = self._learned(table, batch.keyed, [keys.by_id, keys.emails.pairs, keys.phones.pairs])
        if not keyed.is_broken or keyed.is_beside:
            self._known_emails |= BitMap(keys.emails.numbers[keys.emails.known].astype(np.uint32))
        proven, fabricated = self._by_id(batch, keyed, keys)
        found = self._by_agreement(keyed, keys, proven["row"])
        further = self._settled(table, found)
        if further.height:
            proven = pl.concat([proven, further])
        has_ids = proven.join(keys.by_id, on=["row", "ordinal"], how="semi").height > 0
        self._record(table, without_foreign_ids(keyed, has_ids=has_ids), proven, keys.emails.pairs)
        settled = pl.concat([proven["row"], found.contradicted, fabricated])
        for pairs in (keys.by_address, keys.by_number, keys.by_id):
            self._open_ended |= records_of(without(pairs, settled, keys.height))
            self._touched |= self._canaries & records_of(pairs) if self._canaries else BitMap()
        if not keyed.is_broken:
            table.links.take(keyed.frame, keyed.recognised, proven["row"], self._seed)
            kinds = RowKinds(
                ids=batch.ids["row"],
                unknown=keys.unknown,
                known=pl.concat([keys.by_address["row"], keys.by_number["row"]]),
                known_by_id=keys.by_id["row"],
                crowded=keys.crowded,
                contradicted=found.contradicted,
                jumbled=found.jumbled,
                fabricated=fabricated,
                proven=proven["row"],
            )
            table.rows += kinds.counts(
                keys.height,
                is_about_people=bool(keyed.recognised.columns(*_OF_PEOPLE)),
                are_ids_contradicted=table.ids.are_contradicted,
            )

    def _looked_up(self, batch: _Batch) -> BatchKeys:
        keyed = batch.keyed
        emails = self._emails.answer(batch.asked_emails)
        by_id = self._ids.answer(batch.asked_ids).pairs
        # Numbers of rows that an id settles need not be looked up.
        settled = settled_rows(batch.ids, by_id, emails.pairs)
        phone_keys = without(keyed.phones, settled, keyed.frame.height)
        phones = self._phones.pairs(phone_keys)
        possible = keyed.possible_phones(BitMap(settled.to_numpy()), self._regions)
        return BatchKeys(
            email_keys=keyed.emails,
            emails=emails,
            phone_keys=phone_keys,
            phones=phones,
            by_id=by_id,
            by_mailbox=self._by_mailbox(keyed.emails, emails),
            by_possible_number=self._phones.pairs(possible).pairs,
            height=keyed.frame.height,
        )

    def _by_mailbox(self, keys: pl.DataFrame, emails: Answered) -> pl.DataFrame:
        """Return the pairs of unknown addresses with what follows a plus left out."""
        tagged = keys.filter(pl.Series(~emails.known, dtype=pl.Boolean) & keys["key"].str.contains("+", literal=True))
        bare = tagged.select("row", pl.col("key").str.replace(r"\+[^@]*@", "@"))
        return self._untagged.pairs(bare).pairs

    def _learned(self, table: TableState, keyed: KeyedRows, found: Sequence[pl.DataFrame]) -> KeyedRows:
        """Give columns of unknown meaning the one that their values have, found out once for each table."""
        if keyed.is_broken or not unknown_columns(keyed.recognised):
            return keyed
        columns = keyed.batch.columns
        if columns not in table.learned and any(pairs.height for pairs in found):
            looked_at = pl.concat(found).unique(maintain_order=True).head(ROWS_LOOKED_AT)
            held = self._opened.open(records_of(looked_at))
            if held.height:
                table.learned[columns] = learn_columns(keyed.frame, keyed.recognised, looked_at, held, self._today)
        known = table.learned.get(columns)
        return keyed if known is None else replace(keyed, recognised=known)

    def _with_ids(self, table: TableState, keyed: KeyedRows) -> KeyedRows:
        """Give a column the meaning of a record id where most of its values are ids of ours, whatever its header."""
        columns = keyed.batch.columns
        if columns not in table.ids.columns and not keyed.is_broken:
            spelled = {
                column: spelling_of_ids(keyed.frame[column], self._index) for column in possible_id_columns(keyed)
            }
            table.ids.columns[columns] = {column: spelling for column, spelling in spelled.items() if spelling}
        found = table.ids.columns.get(columns)
        if not found:
            return keyed
        meanings = {**keyed.recognised.by_column, **dict.fromkeys(found, Concept.RECORD_ID)}
        frame = keyed.frame.with_columns(spelling.of(pl.col(column)) for column, spelling in found.items())
        return replace(keyed, batch=replace(keyed.batch, frame=frame, unparsed=None), recognised=Recognised(meanings))

    def _by_id(self, batch: _Batch, keyed: KeyedRows, keys: BatchKeys) -> tuple[pl.DataFrame, pl.Series]:
        """Return the pairs that ids prove, and the rows around an id of ours that are made up."""
        pairs, by_key = keys.by_id, keys.by_exact_key
        if pairs.height == 0:
            return pairs.with_columns(pl.lit(0, pl.Int64).alias("score")), _NO_ROWS
        unmistakable = pl.Series(
            row_flags(batch.ids.filter("unmistakable")["row"], keyed.frame.height)[pairs["row"].to_numpy()]
        )
        backed = pairs.join(by_key, on=["row", "ordinal"], how="semi")
        trusted = without(pairs.filter(unmistakable), backed["row"], keyed.frame.height)
        further = batch.table.ids.proving(
            pairs.filter(~unmistakable), by_key, keys.addressed, lambda some: self._bear_out(keyed, some)
        )
        proven = pl.concat([backed, trusted, further]).unique(maintain_order=True)
        # Short numbers are counted from one in every shop; other ids that are ours are not there by chance.
        telling = batch.ids.filter(~_SHORT_NUMBER)["row"]
        unproven = without(pairs, proven["row"], keyed.frame.height).filter(pl.col("row").is_in(telling.implode()))
        fabricated = pl.concat([
            pairs.clear().select("row", "ordinal"),
            *(fabricated_pairs(some, backed, lambda some: self._opened.compared(keyed, some))
            for some in (proven, unproven) if some.height),
        ])  # fmt: skip
        kept = proven.join(fabricated, on=["row", "ordinal"], how="anti") if fabricated.height else proven
        made_up = without(fabricated, kept["row"], keyed.frame.height)["row"].unique()
        return kept.with_columns(pl.lit(0, pl.Int64).alias("score")), made_up

    def _bear_out(self, keyed: KeyedRows, pairs: pl.DataFrame) -> bool | None:
        held = self._opened.open(records_of(pairs))
        return values_bear_out(self._opened.shown(keyed, pairs["row"].unique().sort()), pairs, held)

    def _by_agreement(self, keyed: KeyedRows, keys: BatchKeys, done: pl.Series) -> Agreement:
        """Compare rows that are not done with the records that share an address or a number with them."""
        rest = without(keys.by_address, done, keys.height), without(keys.by_number, done, keys.height)
        pairs = pl.concat(rest).unique()
        crowded = without(keys.crowded_by_address.to_frame("row"), done, keys.height)["row"]
        if pairs.height == 0 and crowded.len() == 0:
            return _nothing_compared()
        wanted = records_of(pairs)
        if self._opened.is_beyond_limit(wanted):
            self._notes[_BEYOND_LIMIT] = None
            both = rest[0].join(rest[1], on=["row", "ordinal"]).unique()
            return replace(_nothing_compared(), proving=both.with_columns(pl.lit(0, pl.Int64).alias("score")))
        addresses = keyed.emails.filter(pl.col("row").is_in(crowded.implode()))["key"] if crowded.len() else crowded
        crowd = self._emails.crowd_of(addresses, _CROWD_OPENED) if crowded.len() else np.zeros(0, np.int64)
        wanted |= BitMap(crowd.astype(np.uint32))
        shown = self._opened.shown(keyed, pl.concat([pairs["row"], crowded]).unique().sort(), is_marked=True)
        held = self._opened.open(wanted)
        if crowd.size:
            pairs = pl.concat(
                [pairs, pairs_by_name(shown.filter(pl.col("row").is_in(crowded.implode())), held)]
            ).unique()
        return agreement(compare(shown, pairs, held, is_name_partial=is_name_partial(keyed)), shown, held)

    def _settled(self, table: TableState, found: Agreement) -> pl.DataFrame:
        """Return the pairs that rows without ids prove; names told by addresses where the table is borne out."""
        proving = found.proving
        table.agreeing += proving["row"].n_unique()
        table.contradicting += found.contradicted.len()
        if found.told.height and table.is_borne_out:
            proving = pl.concat([proving, found.told.join(proving.select("row"), on="row", how="anti")])
        elif found.told.height:
            table.told |= BitMap(found.told["ordinal"].to_numpy().astype(np.uint32))
        if proving.height == 0:
            return proving
        brands = pl.Series("brand", self._brand_numbers(proving["ordinal"].to_numpy()))
        best = best_pairs(proving.with_columns(brands), self._brand_names, table.brands)
        return best.select("row", "ordinal", "score")

    def _brand_numbers(self, ordinals: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Return the number of each record's brand, 0 for canaries."""
        known = ordinals < self._brand_of.size
        numbers = np.zeros(ordinals.size, np.uint8)
        numbers[known] = self._brand_of[ordinals[known]]
        return numbers

    def _record(self, table: TableState, keyed: KeyedRows, proven: pl.DataFrame, email_pairs: pl.DataFrame) -> None:
        once = self._repeated.without_copies(proven, keyed.frame)
        self._once[keyed.is_broken].add(once)
        self._with_copies[keyed.is_broken].add(proven)
        self._alike |= records_of(proven)
        ordinals = proven["ordinal"].to_numpy()
        self._bounded |= records_of(without(email_pairs, proven["row"], keyed.frame.height))
        if ordinals.size == 0:
            return
        self._sure |= BitMap(proven["ordinal"].to_numpy()[is_single(proven)].astype(np.uint32))
        numbers = self._brand_numbers(ordinals)
        for number in np.flatnonzero(np.bincount(numbers)):
            name = self._brand_names[int(number)]
            if not name:  # Canaries are nobody's customers.
                continue
            part = proven.filter(pl.Series(numbers == number))
            rows = np.flatnonzero(row_flags(part["row"], keyed.frame.height))
            table.fields.setdefault(name, set()).update(filled_fields(keyed, rows))
            if not keyed.is_broken:
                self._rows_by_brand[name] += rows.size
                self._observations.add(name, part, lambda chosen: self._opened.shown(keyed, chosen))

    def finish(self) -> Matched:
        """Settle what only the whole can tell, and return the result."""
        self._match_waiting()
        choices = self._once if self._repeated.are_copies else self._with_copies
        whole = choices[False].chosen()
        for table in self._tables.values():
            if table.ids.are_believed:
                whole |= table.ids.unbacked
            if table.is_borne_out:
                whole |= table.told
        rows = self._rows_by_kind()
        proven = whole | choices[True].chosen(whole)
        bounded = self._bounded - proven
        brands = {}
        for name, population in self._brand_sets.items():
            match = BrandMatch(
                proven & population,
                whole & population,
                self._sure & population,
                bounded & population,
                self._rows_by_brand[name],
                all_fields(self._tables.values(), name),
            )
            if match.proven or match.bounded:
                brands[name] = match
        return Matched(
            brands,
            len(self._known_emails),
            rows["own"],
            rows["bounded"],
            rows["bare"],
            rows["foreign"],
            rows["silent"],
            proven | self._touched,
            self._observations.frames(),
            tuple(self._notes),
            rows_fabricated=rows["fabricated"],
            rows_jumbled=rows["jumbled"],
            rows_crowded=rows["crowded"],
            rows_beside=rows["beside"],
            possible=self._open_ended - proven - self._canaries,
            alike=self._alike | proven | self._touched,
        )

    def _rows_by_kind(self) -> Counter[str]:
        """Count the rows of all tables by kind; those of tables beside the customers say nothing about anybody."""
        tables = list(self._tables.values())
        total: Counter[str] = Counter()
        beside = side_tables([table.links for table in tables], [bool(table.rows["own"]) for table in tables])
        for table, is_beside in zip(tables, beside, strict=True):
            rows = sum(table.rows[kind] for kind in KINDS)
            total += Counter(silent=rows, beside=rows) if is_beside else table.rows
        return total


_UNMISTAKABLE = pl.col("key").str.contains(r"^[0-9A-Za-z]{15,18}$") & pl.col("key").str.contains("[A-Za-z]")


_SHORT_NUMBER = pl.col("key").str.contains(r"^[0-9]{1,7}$")


def _nothing_compared() -> Agreement:
    compared = pl.DataFrame(schema=COMPARED)
    return agreement(compared, compared, compared)


def _brand_numbers(sets: list[BitMap]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    size = max((records.max() + 1 for records in sets if records), default=0)
    numbers = np.zeros(size, np.uint8)
    for number, records in enumerate(sets, 1):
        numbers[np.asarray(records.to_array(), np.int64)] = number
    return numbers
