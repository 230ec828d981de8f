"""The keys of one batch of rows, and the records that they lead to."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from cloakroom.claims.remembered import Answered
from cloakroom.claims.row_pairs import crowd_rows, without


@dataclass(frozen=True, slots=True)
class BatchKeys:
    """Rows and records by key: frames of ``row`` and ``ordinal``.

    Attributes:
        email_keys: ``row`` and ``key`` of addresses.
        emails: What was found of them.
        phone_keys: ``row`` and ``key`` of numbers, but for rows that an id settles.
        phones: What was found of them.
        by_id: Pairs by id.
        by_mailbox: Pairs of unknown addresses, with what follows a plus left out.
        by_possible_number: Pairs of national numbers of no known country.
        height: Rows of the batch.
    """

    email_keys: pl.DataFrame = field(repr=False)
    emails: Answered = field(repr=False)
    phone_keys: pl.DataFrame = field(repr=False)
    phones: Answered = field(repr=False)
    by_id: pl.DataFrame = field(repr=False)
    by_mailbox: pl.DataFrame = field(repr=False)
    by_possible_number: pl.DataFrame = field(repr=False)
    height: int

    @property
    def by_address(self) -> pl.DataFrame:
        """Return the pairs by address."""
        return pl.concat([self.emails.pairs, self.by_mailbox])

    @property
    def by_number(self) -> pl.DataFrame:
        """Return the pairs by number, whatever country it may be of."""
        return pl.concat([self.phones.pairs, self.by_possible_number]).unique()

    @property
    def by_exact_key(self) -> pl.DataFrame:
        """Return the pairs by address and number as they stand there."""
        return pl.concat([self.emails.pairs, self.phones.pairs]).unique()

    @property
    def addressed(self) -> pl.Series:
        """Return the rows with an address that is not shared by too many."""
        return self.email_keys["row"].filter(~pl.Series(self.emails.crowded, dtype=pl.Boolean))

    @property
    def crowded_by_address(self) -> pl.Series:
        """Return the rows with an address that too many records share."""
        return crowd_rows(self.email_keys, self.emails)

    @property
    def crowded(self) -> pl.Series:
        """Return the rows with an address or a number that too many records share."""
        return pl.concat([self.crowded_by_address, crowd_rows(self.phone_keys, self.phones)])

    @property
    def unknown(self) -> pl.Series:
        """Return the rows with an address or a number that nobody of ours has."""
        unknown = [
            keys.filter(pl.Series(~answered.known, dtype=pl.Boolean))["row"].cast(pl.UInt32)
            for keys, answered in ((self.email_keys, self.emails), (self.phone_keys, self.phones))
        ]
        return without(pl.concat(unknown).to_frame("row"), self.by_number["row"], self.height)["row"]
