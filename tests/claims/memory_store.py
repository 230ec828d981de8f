"""A store of invented customers in memory: what the check of a claim asks of a store, from a clone alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from memory_dump import MemoryDump
from pyroaring import BitMap

from cloakroom.claims.keys import email_keys, id_keys, phone_keys
from cloakroom.claims.limits import Limits
from cloakroom.claims.ports import Answer, Found
from cloakroom.claims.register import RegisteredClaim
from cloakroom.claims.report import ClaimReport, Evidence, PersonInterval
from cloakroom.claims.sources import InTurn
from cloakroom.claims.statement import Statement
from cloakroom.clock import parse_time, to_microseconds
from cloakroom.disclosures.disclosure import Disclosure
from cloakroom.flows.incident.check_claim import CheckRequest, Vault, check_claim

DAY = 86_400_000_000
START = to_microseconds(parse_time("2025-01-01T00:00:00Z"))
CHECKED = to_microseconds(parse_time("2025-07-01T00:00:00Z"))
_FIELDS = ("id", "given_name", "family_name", "email", "phone", "country", "city", "birth_date")


@dataclass(frozen=True)
class Version:
    """What a record held from a moment on."""

    ordinal: int
    texts: Mapping[str, str]
    brand: str = "house"
    valid_from: int = START
    valid_to: int | None = None


def customer(number: int, **texts: str) -> dict[str, str]:
    """Return the fields of an invented customer; no two customers share any but the country."""
    return {
        "id": f"{number:08d}", "given_name": f"Ada{_letters(number)}", "family_name": f"Example{_letters(number)}",
        "email": f"ada.{number}@example.org", "phone": f"+39333{number:07d}", "country": "IT",
        "city": f"Town{_letters(number)}", "birth_date": f"19{50 + number % 50}-0{1 + number % 9}-1{number % 10}",
    } | texts  # fmt: skip


def _letters(number: int) -> str:
    return "".join(chr(97 + int(digit)) for digit in str(number))


@dataclass
class MemoryStore:
    """Implements all ports of a check, and remembers what it was asked."""

    versions: Sequence[Version]
    disclosed: Sequence[Disclosure] = ()
    canary_records: Mapping[str, BitMap] = field(default_factory=dict)
    claims: list[RegisteredClaim] = field(default_factory=list)
    opened: list[BitMap] = field(default_factory=list)
    looked_up: list[tuple[str, list[str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        texts = {name: [one.texts.get(name) for one in self.versions] for name in _FIELDS}
        self._frame = pl.DataFrame(
            {
                "ordinal": [one.ordinal for one in self.versions],
                "valid_from": [one.valid_from for one in self.versions],
                "valid_to": [one.valid_to for one in self.versions],
                **texts,
            },
            schema_overrides={"ordinal": pl.Int64, "valid_to": pl.Int64, **dict.fromkeys(_FIELDS, pl.String)},
        )
        keys = {
            "email": email_keys(self._frame["email"])[0],
            "phone": phone_keys(self._frame["phone"], self._frame["country"]),
            "customer_number": id_keys(self._frame["id"]),
        }
        self._index = {
            kind: pl.DataFrame({"key": values, "ordinal": self._frame["ordinal"]}).drop_nulls().unique()
            for kind, values in keys.items()
        }

    def look_up(self, kind: str, normalised: pl.Series) -> Answer:
        self.looked_up.append((kind, normalised.to_list()))
        asked = pl.DataFrame({"key": normalised}, schema={"key": pl.String}).with_row_index("position")
        found = asked.join(self._index[kind], on="key")
        return lambda: Found(found["position"].cast(pl.Int64).to_numpy(), found["ordinal"].to_numpy())

    def brands(self) -> Mapping[str, BitMap]:
        canaries = BitMap.union(BitMap(), *self.canary_records.values())
        names = dict.fromkeys(one.brand for one in self.versions)
        return {name: BitMap(one.ordinal for one in self.versions if one.brand == name) - canaries for name in names}

    def regions(self) -> Sequence[str]:
        return ("IT",)

    def open_versions(self, ordinals: BitMap, fields: Sequence[str]) -> Iterator[pl.DataFrame]:
        self.opened.append(BitMap(ordinals))
        present = [name for name in fields if name in self._frame.columns]
        wanted = pl.Series(np.asarray(ordinals.to_array(), np.int64))
        yield self._frame.filter(pl.col("ordinal").is_in(wanted.implode())).select(
            "ordinal", "valid_from", "valid_to", *present
        )

    def disclosures(self) -> Iterable[Disclosure]:
        return iter(self.disclosed)

    def canaries(self) -> Mapping[str, BitMap]:
        return self.canary_records

    def add(self, claim: RegisteredClaim) -> None:
        self.claims.append(claim)

    def all(self) -> Sequence[RegisteredClaim]:
        return list(self.claims)

    def count(self, whole: BitMap, all_proven: BitMap, possible: BitMap, further: int) -> PersonInterval:
        return PersonInterval(len(whole), len(all_proven | possible) + further, "one record, one person")

    def by_country(self, records: BitMap) -> Mapping[str, int]:
        return {"IT": len(records)} if records else {}


def check(
    store: MemoryStore,
    files: Mapping[str, bytes | str],
    statement: Statement | None = None,
    *,
    limits: Limits | None = None,
    content: str = "a",
) -> ClaimReport:
    """Check a dump against a store, one thing after the other."""
    vault = Vault(
        store, store, store, store, store, store, lambda forms: [form.encode()[:8].ljust(8) for form in forms]
    )
    request = CheckRequest(
        id=f"00000000-0000-4000-8000-{len(store.claims):012d}", evidence=[Evidence("a", 1, content)],
        statement=statement or Statement(), by="operator", at=CHECKED, seed=4711,
    )  # fmt: skip
    return check_claim(request, MemoryDump(files), vault, workers=InTurn(), limits=limits or Limits())


def table(rows: Iterable[Mapping[str, str]], *columns: str) -> bytes:
    """Return rows as a comma-separated file with a header."""
    lines = [",".join(columns), *(",".join(row.get(column, "") for column in columns) for row in rows)]
    return ("\n".join(lines) + "\n").encode()
