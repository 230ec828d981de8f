"""The synthetic Valmont world: for every set with known truth the interval holds it, and is tight."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from pyroaring import BitMap

from cloakroom.canonical.email import canonical_email
from cloakroom.canonical.name import PersonName
from cloakroom.canonical.phone import canonical_phone
from cloakroom.scoping.link_keys import link_texts
from cloakroom.scoping.persons import KeyColumns, link_persons

ROOT = Path(__file__).parents[2]
WORLD = Path(os.environ.get("CLOAKROOM_WORLD", ROOT.parent / "shared" / "data" / "world"))

pytestmark = [
    pytest.mark.world,
    pytest.mark.skipif(not WORLD.is_dir(), reason="the synthetic world is not here"),
]

SETS = ("all", "auberon", "balmere", "mcquarrie", "l1", "l2", "l3", "l5", "l6", "logs", "logs-partial")


def versions(brand):
    """(id, given, family, email, phones, country, birth date, street, postcode), deletions left out."""
    for path in sorted((WORLD / "imports" / brand).glob("*.*.*")):
        data = path.read_bytes()
        if brand == "mcquarrie":
            for line in gzip.decompress(data).splitlines():
                row = json.loads(line)
                if not row["is_deleted"]:
                    name, address = row["name"], row["address"]
                    yield (
                        row["contact_id"],
                        name["given"],
                        name["family"],
                        row["email"],
                        row["phones"],
                        address["country"],
                        row["date_of_birth"],
                        address["street"],
                        address["postcode"],
                    )
            continue
        french = brand == "balmere"
        text = io.StringIO(data.decode("cp1252" if french else "utf-8"), newline="")
        for row in csv.DictReader(text, delimiter=";" if french else ","):
            if french and row["Supprimé"] == "non":
                born = "-".join(reversed(row["Date de naissance"].split("/")))
                yield (
                    row["Identifiant"],
                    row["Prénom"],
                    row["Nom"],
                    row["Courriel"],
                    [row["Portable"], row["Téléphone"]],
                    row["Pays"],
                    born,
                    row["Adresse"],
                    row["Code postal"],
                )
            elif not french and row["IsDeleted"] == "false":
                yield (
                    row["Id"],
                    row["FirstName"],
                    row["LastName"],
                    row["Email"],
                    [row["MobilePhone"], row["Phone"]],
                    row["MailingCountryCode"],
                    row["Birthdate"],
                    row["MailingStreet"],
                    row["MailingPostalCode"],
                )


@cache
def linked():
    truth = pl.read_parquet(WORLD / "truth" / "persons.parquet")
    # The 15-character form of an id lacks the last three, which say nothing more.
    ordinals = {(row[1], row[0][:15]): place for place, row in enumerate(truth.select("record_id", "brand").rows())}
    names, records, kinds, digests = {}, [], [], []
    for brand in ("auberon", "balmere", "mcquarrie"):
        for key, given, family, email, phones, country, born, street, postcode in versions(brand):
            record = ordinals[brand, key[:15]]
            names[record] = PersonName(given or None, family or None)
            address = canonical_email(email)
            numbers = [number for phone in phones if (number := canonical_phone(phone or None, country or None))]
            for kind, text in link_texts(
                emails=[address] if address else [],
                phones=numbers,
                name=f"{given or ''} {family or ''}",
                birth_date=born or "",
                country=country or "",
                postcode=postcode or "",
                street=street or "",
            ):
                records.append(record)
                kinds.append(kind)
                digests.append(hashlib.sha256(f"{int(kind)}|{text}".encode()).digest()[:16])
    keys = KeyColumns(np.array(records, np.uint32), np.array(kinds, np.uint8), b"".join(digests))
    persons = link_persons(
        keys, records=len(ordinals), names_of=lambda asked: [names.get(record) for record in asked]
    )
    return persons, ordinals, truth["person_id"].to_list()


def members(name):
    _, ordinals, owners = linked()
    if name == "all":
        chosen = range(len(owners))
    elif name in {"auberon", "balmere", "mcquarrie"}:
        chosen = [ordinal for (brand, _), ordinal in ordinals.items() if brand == name]
    else:
        shown = pl.read_parquet(WORLD / "truth" / f"{name}.records.parquet").with_columns(
            pl.col("class").cast(pl.String)
        )
        shown = shown.filter(pl.col("class") != "possible")
        pairs = zip(shown["brand"].cast(pl.String), shown["record_id"], strict=True)
        chosen = [ordinals[brand, record[:15]] for brand, record in pairs]
    # Test rows are nobody: the importing brand names them in its configuration.
    return [ordinal for ordinal in chosen if owners[ordinal] is not None]


@pytest.mark.parametrize("name", SETS)
def test_the_interval_holds_the_true_number_of_persons_and_is_tight(name):
    persons, _, owners = linked()
    chosen = members(name)
    true = len({owners[ordinal] for ordinal in chosen})
    counted = persons.count(BitMap(chosen))
    assert counted.lower <= true <= counted.upper
    assert counted.upper - counted.lower < 0.05 * true
    assert abs(counted.best - true) < 0.01 * true
