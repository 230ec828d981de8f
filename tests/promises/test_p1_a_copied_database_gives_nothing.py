"""P1: with every table and no root key, nobody's field is readable, and records of two brands cannot be linked."""

from __future__ import annotations

import base64
import hashlib
import itertools
import math
from collections import defaultdict
from dataclasses import replace

import numpy as np
import psycopg
import pytest
from pyroaring import BitMap

from cloakroom.adapters.root_key import create_root_key
from cloakroom.errors import UncheckableError
from cloakroom.ledger.record_sets import encode_set, hash_set
from cloakroom.vault.envelope import HEADER_SIZE, CellContext, EnvelopeClass, seal_envelope
from cloakroom.vault.opening import BrandOpener
from cloakroom.wiring import open_application
from spine_world import FIELDS, live_ordinals, open_records, opened_world, rows_of, scope_of, search, staff, tokens_of

PERSONAL = ("record", "person_key", "envelope_version", "blind_index", "facet", "facet_change")
"""Tables about persons; all others hold the group's own configuration, keys, principals and the ledger."""
CONFIGURATION = "configuration"
CLEAR = {
    "record": {"brand", "ordinal", "version", "valid_from", "state"},
    "person_key": {"brand", "ordinal", "generation", "key_number"},
    "envelope_version": {"brand", "ordinal", "version", "valid_from", "valid_to"},
    "blind_index": {"brand", "index_id", "ordinal", "current"},
    "facet": {"brand"},
    "facet_change": {"brand", "id"},
}
"""Every column about persons that is not sealed, wrapped or keyed. A new one must be argued for here."""


def tables(connection):
    query = "select relname from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace"
    return sorted(name for (name,) in connection.execute(query))


def dump(connection, table):
    """Return a table as binary and as text, as a thief copies it."""
    found = []
    for options in ("(format binary)", "(format text)"):
        with connection.cursor().copy(f"copy {table} to stdout {options}") as copy:
            found.append(b"".join(bytes(part) for part in copy))
    return found


def source_values(store, configuration):
    """Return every value of every delivery by field, as delivered and in normal form."""
    found = defaultdict(set)
    for brand, files in store.deliveries.items():
        for path in files:
            for row in rows_of(configuration, brand, path):
                found["customer_number"].add(row.record_id)
                for name, value in itertools.chain(row.values.items(), row.normal.items()):
                    found[name].add(value)
    return found


_SIEVE = np.uint64(4_194_301)


class Needles:
    """Many byte strings sought in a blob at once: by their first bytes, and for sure where those occur."""

    def __init__(self, needles):
        self._by_size = {}
        for size, chosen in (
            (5, [needle for needle in needles if 5 <= len(needle) < 8]),
            (8, [needle for needle in needles if len(needle) >= 8]),
        ):
            firsts = np.frombuffer(b"".join(needle[:size].ljust(8, b"\0") for needle in chosen), "<u8")
            sieve = np.zeros(_SIEVE, np.bool_)
            sieve[firsts % _SIEVE] = True
            self._by_size[size] = (chosen, firsts, sieve)

    def inside(self, blob):
        padded = blob + bytes(16)
        words = np.concatenate([np.frombuffer(padded, "<u8", len(blob) // 8 + 1, offset) for offset in range(8)])
        found = set()
        for size, (chosen, firsts, sieve) in self._by_size.items():
            cut = words & np.uint64(256**size - 1)
            present = cut[sieve[cut % _SIEVE]]
            hits = np.isin(firsts, present, kind="sort")
            found |= {chosen[at] for at in np.flatnonzero(hits) if chosen[at] in blob}
        return found


def spellings(values):
    """Return how a careless store would hold values, ASCII letters in lower case too."""
    texts = {spelled for value in values for spelled in (value, value.lower(), value.upper())}
    coded = {text.encode(name, "ignore") for text in texts for name in ("utf-8", "utf-16-le", "cp1252")}
    return {data for data in coded if len(data) >= 5}


def digests(values):
    """Return plain digests of values: raw, hexadecimal, base64."""
    found = set()
    for text in {spelled for value in values for spelled in (value, value.lower(), value.upper())}:
        for name in ("md5", "sha1", "sha256"):
            digest = hashlib.new(name, text.encode(), usedforsecurity=False).digest()
            found |= {digest[:16], digest.hex().encode()[:32], base64.b64encode(digest)[:20]}
    return found


GROUP_WORDS = ("country", "language", "kind", "store", "region")
"""Fields whose words the group's own configuration uses, too."""


def leaks(connection, values):
    """Search every table for every value and every plain digest; return what was found, by table."""
    everything = set().union(*values.values())
    telling = {
        value
        for name in values.keys() - set(GROUP_WORDS)
        for value in values[name]
        if len(value) >= 8 and not value.replace(".", "").isdigit()
    }
    hashed = Needles(digests(everything))
    plain = Needles(spellings({value for value in everything if len(value) >= 5}))
    # Figures and words of the group stand in other tables by right, and any five hexadecimal digits in any dump.
    readable = Needles(spellings(telling))
    found = {}
    for table in tables(connection):
        if table == CONFIGURATION:
            continue
        binary, text = dump(connection, table)
        both = binary + b"\n" + text + b"\n" + text.lower()
        hits = hashed.inside(both) | readable.inside(both)
        if table in PERSONAL:
            hits |= plain.inside(binary)
        if hits:
            found[table] = hits
    return found


@pytest.fixture
def used(application, store):
    """The copy of the store after some work: openings, searches, refusals."""
    who = staff(application)
    open_records(application, who, tokens_of(application, who, live_ordinals(application)[:15]))
    search(application, who, sorted(application.catalogue.brands), "nobody@example.com")
    open_records(application, who, ["tok_" + "A" * 22])
    application.sequencer.run()
    return application


def test_no_value_no_normal_form_and_no_plain_digest_is_in_any_table(used, store):
    values = source_values(store, used.configuration)
    assert sum(map(len, values.values())) > 3_000
    assert leaks(used.connection, values) == {}


@pytest.mark.parametrize(
    ("column", "expression"),
    [
        ("text", "'{value}'"),
        ("text", "upper('{value}')"),
        ("bytea", "sha256('{value}'::bytea)"),
        ("text", "md5('{value}')"),
        ("uuid", "md5('{value}')::uuid"),
        ("text", "encode(sha256('{value}'::bytea), 'base64')"),
    ],
)
def test_the_search_finds_what_is_planted(application, store, column, expression):
    brand, files = next(iter(store.deliveries.items()))
    row = next(row for row in rows_of(application.configuration, brand, files[0]) if "email" in row.normal)
    value = row.normal["email"]
    application.connection.execute(f"alter table record add column planted {column}")
    application.connection.execute(
        f"update record set planted = {expression.format(value=value)}"
        " where ordinal = (select min(ordinal) from record)"
    )
    assert set(leaks(application.connection, {"email": {value}})) == {"record"}


def test_the_configuration_holds_the_groups_own_files_and_nothing_else(used, store):
    stored = dict(used.connection.execute("select path, content from configuration").fetchall())
    folder = store.template / "configuration"
    assert stored == {path: (folder / path).read_text("utf-8") for path in stored}


def test_every_clear_column_about_persons_is_one_that_was_argued_for(application):
    rows = application.connection.execute(
        "select table_name, column_name, data_type from information_schema.columns where table_schema = 'public'"
    ).fetchall()
    sealed = defaultdict(set)
    for table, column, kind in rows:
        if table in PERSONAL and column not in CLEAR[table]:
            sealed[table].add(column)
            assert kind in {"bytea", "uuid"}, (table, column)
    assert sealed["record"] == {"content", "contact", "identity", "value"}


def test_sealed_columns_look_random(used):
    for table, column in (
        ("record", "contact"),
        ("record", "identity"),
        ("record", "value"),
        ("person_key", "wraps"),
    ):
        column_data = used.connection.execute(f"select {column} from {table} where {column} is not null").fetchall()
        # Before an envelope's initial value stands its format, behind it the number and length of its first cell.
        data = b"".join(
            bytes(value) if column == "wraps" else bytes(value)[1:HEADER_SIZE] + bytes(value)[HEADER_SIZE + 2 :][:32]
            for (value,) in column_data
        )
        counts = np.bincount(np.frombuffer(data, np.uint8), minlength=256)
        expected = len(data) / 256
        chi = float(((counts - expected) ** 2 / expected).sum())
        assert chi < 255 + 8 * math.sqrt(2 * 255), (table, column, chi)


def test_two_values_of_one_block_seal_to_the_same_size():
    context = CellContext(1, 7, EnvelopeClass.CONTACT, 0, 1)
    sizes = [len(seal_envelope(bytes(32), bytes(11), context, [(3, b"x" * length)])) for length in range(48)]
    assert [len(list(group)) for _, group in itertools.groupby(sizes)] == [16, 16, 16]
    assert len(set(sizes)) == 3


def test_cells_in_the_store_are_whole_blocks(used):
    seen = set()
    for envelope in itertools.chain(*used.connection.execute("select contact, identity, value from record")):
        if envelope is None:
            continue
        at = HEADER_SIZE
        while at < len(envelope):
            blocks, long = envelope[at + 1], envelope[at + 1] >= 128
            blocks = (blocks - 128) * 256 + envelope[at + 2] if long else blocks
            seen.add(blocks)
            at += 2 + long + 16 * blocks + 16
        assert at == len(envelope)
    assert {1, 2} <= seen


def values_by_brand(connection):
    """Return every sealed, wrapped or keyed value by brand."""
    found = defaultdict(list)
    for table in PERSONAL:
        kinds = connection.execute(
            "select column_name from information_schema.columns where table_name = %s and table_schema = 'public'"
            " and data_type in ('bytea', 'uuid')",
            (table,),
        ).fetchall()
        for (column,) in kinds:
            for brand, value in connection.execute(
                f"select brand, {column} from {table} where {column} is not null"
            ).fetchall():
                found[brand].append(value.bytes if hasattr(value, "bytes") else bytes(value))
    return found


def test_no_digest_and_no_ciphertext_of_one_brand_is_another_brands(used):
    by_brand = {brand: set(values) for brand, values in values_by_brand(used.connection).items()}
    assert len(by_brand) == 3
    for one, other in itertools.combinations(by_brand.values(), 2):
        assert not one & other
        pieces = [
            {value[at : at + 16] for value in side for at in range(10, len(value) - 15, 16)} for side in (one, other)
        ]
        assert not pieces[0] & pieces[1]


def test_the_same_address_at_two_brands_gives_digests_that_share_no_order(used):
    shared = defaultdict(dict)
    for (brand, _), values in opened_world(used).items():
        if "email" in values:
            shared[values["email"].strip().lower()][brand] = used.digests[used.catalogue.brand(brand)].stored(
                "email", [values["email"].strip().lower()]
            )
    both = [tuple(digests[name] for name in sorted(digests)[:2]) for digests in shared.values() if len(digests) > 1]
    assert len(both) > 20
    assert all(one != other for one, other in both)
    ranks = [np.argsort(np.argsort([pair[side] for pair in both])) for side in (0, 1)]
    correlation = np.corrcoef(ranks[0], ranks[1])[0, 1]
    assert abs(correlation) < 5 / math.sqrt(len(both))


def test_the_order_of_ordinals_does_not_follow_the_order_of_a_delivery(application, store):
    """Two deliveries sorted alike, by e-mail address say, must not give their order away."""
    brand, files = next(iter(store.deliveries.items()))
    places = {row.record_id: place for place, row in enumerate(rows_of(application.configuration, brand, files[0]))}
    number = application.catalogue.fields["customer_number"]
    pairs = []
    for row in application.vault.sealed_rows(live_ordinals(application, brand)):
        values = BrandOpener(application.ring, row.brand).open(
            row.record, row.keys, {EnvelopeClass.IDENTITY: [number]}
        )
        if values[number].decode() in places:
            pairs.append((row.record.ordinal, places[values[number].decode()]))
    correlation = np.corrcoef(np.array(pairs).T)[0, 1]
    assert abs(correlation) < 5 / math.sqrt(len(pairs))


@pytest.mark.parametrize("table", ["record", "person_key"])
def test_the_order_in_which_rows_lie_does_not_follow_the_order_of_a_delivery(application, store, table):
    brand, files = next(iter(store.deliveries.items()))
    places = {row.record_id: place for place, row in enumerate(rows_of(application.configuration, brand, files[0]))}
    number, owner = application.catalogue.fields["customer_number"], application.catalogue.brand(brand)
    order = application.connection.execute(f"select ordinal from {table} where brand = %s order by ctid", (owner,))
    lying = [ordinal for (ordinal,) in order]
    rows = {row.record.ordinal: row for row in application.vault.sealed_rows(lying) if row.state == 0}
    pairs = []
    for place, ordinal in enumerate(lying):
        if ordinal in rows:
            row = rows[ordinal]
            values = BrandOpener(application.ring, owner).open(
                row.record, row.keys, {EnvelopeClass.IDENTITY: [number]}
            )
            if values[number].decode() in places:
                pairs.append((place, places[values[number].decode()]))
    assert abs(np.corrcoef(np.array(pairs).T)[0, 1]) < 5 / math.sqrt(len(pairs))


def test_facet_rows_show_neither_names_nor_values_nor_exact_sizes(used):
    names = {"country", "language", "kind", "spend_band", "store", "region", "customer", "recipient", "employee"}
    rows = used.connection.execute("select key, sealed from facet").fetchall()
    assert len(rows) > 30
    for key, sealed in rows:
        assert not any(name.encode() in bytes(sealed) + key.bytes for name in names)
        assert (len(sealed) - 28) & (len(sealed) - 29) == 0, "a facet is padded to a power of two"
    # The same facet at two brands stands under different keys.
    assert len({key for key, _ in rows}) == len(rows)


def test_without_the_root_key_no_key_of_the_ring_opens(application, store, tmp_path):
    create_root_key(tmp_path / "guess.key")
    with pytest.raises(UncheckableError, match="wrong root key"):
        open_application(replace(store.settings, root_key=f"file:{tmp_path / 'guess.key'}"))


def test_what_was_searched_for_and_opened_is_in_no_table(application, store):
    """The ledger tells who did what; neither the value looked for nor the value shown."""
    who = staff(application)
    brand, files = next(iter(store.deliveries.items()))
    row = next(row for row in rows_of(application.configuration, brand, files[0]) if "email" in row.normal)
    search(application, who, [brand], row.normal["email"])
    search(application, who, [brand], "stranger.wanted@example.org")
    tokens = tokens_of(application, who, live_ordinals(application)[:1])
    open_records(application, who, tokens, purpose="Mary.Secret@example.org")
    told = {"stranger.wanted@example.org", "Mary.Secret@example.org", row.normal["email"]}
    assert leaks(application.connection, {"email": told}) == {}
    with psycopg.connect(store.settings.database_url) as copy:
        assert FIELDS
        assert copy.execute("select count(*) from ledger_entry where operation = 'find'").fetchone()[0] == 2


def test_what_was_searched_for_at_several_brands_links_no_records_in_a_copy(application, store):
    """One search over all brands leaves neighbouring entries; which records it found must not be readable.

    A thief may try every ordinal: neither its set nor the hash of its set, plain, is in any column of any table.
    """
    who = staff(application)
    holders = defaultdict(set)
    for (brand, ordinal), values in opened_world(application).items():
        if "email" in values:
            holders[values["email"].strip().lower()].add((brand, ordinal))
    shared, found = next((value, held) for value, held in holders.items() if len({brand for brand, _ in held}) > 1)
    brands = sorted({brand for brand, _ in found})
    answer = search(application, who, brands, shared)
    assert sum(map(len, answer.tokens.values())) >= len(brands)
    application.sequencer.run()
    application.disclosures.roll_up()
    assert plain_sets_in(application) == {}
    # The search would notice: a set in the clear beside an entry, or its hash in a column.
    ordinal = next(iter(application.codec(scope_of(who)).read(answer.tokens[brands[0]]))).ordinal
    for plain in (encode_set(BitMap([ordinal])), hash_set(encode_set(BitMap([ordinal]))).encode()):
        application.connection.execute("update ledger_entry set sealed_set = %s where operation = 'find'", (plain,))
        assert plain_sets_in(application) == {"ledger_entry": {plain}}


def plain_sets_in(application):
    """Search every table for the set of any one record, in the clear or as a plain hash; return finds by table."""
    sought = set()
    for ordinal in range(application.vault.ordinals_end()):
        for plain in {encode_set(BitMap([ordinal])), BitMap([ordinal]).serialize()}:
            sought |= {plain, hashlib.sha256(plain).digest(), hashlib.sha256(plain).hexdigest().encode()}
    needles, found = Needles(sought), {}
    for table in tables(application.connection):
        if hits := needles.inside(b"\n".join(dump(application.connection, table))):
            found[table] = hits
    return found


def test_the_same_record_opened_twice_leaves_two_sets_that_have_nothing_in_common(application):
    who = staff(application)
    tokens = tokens_of(application, who, live_ordinals(application)[:1])
    for _ in range(2):
        assert open_records(application, who, tokens).admission.permitted
    rows = application.connection.execute("select sealed_set from ledger_entry where operation = 'reveal'").fetchall()
    first, second = (bytes(row[0]) for row in rows)
    header = 1 + 2 + 24
    assert first[:header] == second[:header]
    assert not {first[at : at + 8] for at in range(header, len(first) - 7)} & {
        second[at : at + 8] for at in range(header, len(second) - 7)
    }
    # Up to a dozen scattered records, sets are of one size.
    sizes = {len(application.sets.seal("entry/anna", BitMap(range(0, count * 900, 900)))) for count in range(1, 13)}
    assert len(sizes) == 1
