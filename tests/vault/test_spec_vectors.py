"""The vectors of docs/spec pass through our own functions, and through a second implementation of those pages."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import second_opinion
from pyroaring import BitMap

from cloakroom.ledger.entry import decode_entry, encode_entry
from cloakroom.ledger.record_sets import RecordSetSealer, encode_set, entry_place, hash_set, is_sealed_set
from cloakroom.tlog.hashing import leaf_hash
from cloakroom.vault.blind_index import BrandIndex, LinkDigests
from cloakroom.vault.envelope import CellContext, EnvelopeClass, seal_envelope
from cloakroom.vault.facets import FacetSealer
from cloakroom.vault.key_ring import KeyName, KeyPurpose, KeyRing, RootKey, WrappedKey
from cloakroom.vault.opening import open_envelope
from cloakroom.vault.sealed_record import SealedKeys
from cloakroom.vault.tokens import RecordReference, TokenCodec
from cloakroom.vault.wraps import BrandKeyWrapper, KeyWrapper

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "vectors" / "cloakroom"


def load(name):
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))


def raw(text):
    return bytes.fromhex(text)


@pytest.mark.parametrize("v", load("envelope"))
def test_envelopes(v):
    context = CellContext(v["brand"], v["ordinal"], EnvelopeClass(v["class"]), v["key_number"], v["version"])
    cells = [(number, text.encode()) for number, text in v["cells"]]
    sealed = seal_envelope(raw(v["key"]), raw(v["initial"]), context, cells)
    assert sealed.hex() == v["envelope"] == second_opinion.envelope(v).hex()
    assert dict(open_envelope(raw(v["key"]), sealed, context.head())) == dict(cells)


@pytest.mark.parametrize("v", load("keys")["ring"])
def test_keys_of_the_ring(v):
    name = KeyName(KeyPurpose(v["name"]["purpose"]), *[v["name"][part] for part in ("scope", "detail", "generation")])
    assert RootKey(raw(v["root"])).unwrap(WrappedKey(name, raw(v["wrapped"]))).hex() == v["key"]
    assert second_opinion.ring_key(v).hex() == v["wrapped"]


@pytest.mark.parametrize("v", load("keys")["wraps"])
def test_wraps_of_class_keys(v):
    encryption_keys = dict(zip(EnvelopeClass, map(raw, v["encryption_keys"]), strict=True))
    wrapper = KeyWrapper(v["brand"], v["generation"], encryption_keys)
    place, keys = (v["ordinal"], v["key_number"]), dict(zip(EnvelopeClass, map(raw, v["keys"]), strict=True))
    assert wrapper.wrap([place], keys)[0].hex() == v["wraps"] == second_opinion.wraps(v).hex()
    ring = KeyRing(
        {
            KeyName(KeyPurpose.WRAP, v["brand"], field_class.name, v["generation"]): raw(key)
            for field_class, key in zip(EnvelopeClass, v["encryption_keys"], strict=True)
        }
    )
    sealed = SealedKeys(v["generation"], v["key_number"], raw(v["wraps"]))
    [opened] = BrandKeyWrapper(ring, v["brand"]).unwrap([(v["ordinal"], sealed)], tuple(EnvelopeClass))
    assert [opened[field_class].hex() for field_class in EnvelopeClass] == v["keys"]


@pytest.mark.parametrize("v", load("token"))
def test_tokens(v):
    codec, reference = TokenCodec(raw(v["key"])), RecordReference(v["brand"], v["ordinal"])
    assert codec.issue([reference]) == [v["token"]] == [second_opinion.token(v)]
    assert codec.read([v["token"]]) == [reference]


@pytest.mark.parametrize("v", load("blind-index"))
def test_blind_indexes(v):
    link = LinkDigests(raw(v["link_key"])).digest(v["kind"], v["scope"], [v["normal_form"]])
    index = BrandIndex(raw(v["index_key"]))
    assert link.hex() == v["link_digest"] == second_opinion.link_digest(v).hex()
    assert index.to_stored(link).hex() == v["stored_digest"] == second_opinion.stored_digest(v).hex()
    assert index.to_link(raw(v["stored_digest"])) == link


@pytest.mark.parametrize("v", load("facet"))
def test_facets(v):
    members = BitMap(range(v["first"], v["last"] + 1, v["step"]))
    assert len(members) == v["members"]
    sealer = FacetSealer(raw(v["key"]), v["brand"], lambda _: raw(v["nonce"]))
    sealed = sealer.seal(v["name"], v["value"], members)
    assert sealer.key_of(v["name"], v["value"]).hex() == v["stored_under"] == second_opinion.facet_key(v).hex()
    assert hashlib.sha256(sealed).hexdigest() == v["sealed_sha256"]
    assert len(sealed) == v["sealed_size"]
    assert second_opinion.facet(v | {"bitmap": members.serialize().hex()}) == sealed
    assert sealer.open(raw(v["stored_under"]), sealed) == (v["name"], v["value"], members)


@pytest.mark.parametrize("v", load("entry"))
def test_entries(v):
    entry = decode_entry(v["leaf"].encode())
    assert encode_entry(entry).decode() == v["leaf"]
    assert leaf_hash(v["leaf"].encode()).hex() == v["leaf_hash"]


@pytest.mark.parametrize("v", load("record-set"))
def test_record_sets(v):
    members = BitMap(v["members"])
    assert encode_set(members).hex() == v["bitmap"]
    sealer = RecordSetSealer({v["generation"]: raw(v["key"])}, lambda _: raw(v["nonce"]))
    sealed = sealer.seal(v["place"], members)
    assert sealed.hex() == v["sealed"] == second_opinion.record_set(v).hex()
    assert is_sealed_set(sealed)
    assert hash_set(sealed) == v["sha256"]
    assert sealer.open(v["place"], sealed) == members


def test_an_entry_names_the_sealed_set_beside_it():
    named = {v["sha256"]: v for v in load("record-set")}
    entries = [decode_entry(v["leaf"].encode()) for v in load("entry")]
    with_sets = [entry for entry in entries if entry.set_sha256]
    assert len(with_sets) == 2
    for entry in with_sets:
        v = named[entry.set_sha256]
        assert (v["place"], len(v["members"])) == (entry_place(entry.lineage), entry.records)


PAGES = ("envelope", "keys", "token", "blind-index", "facet", "record-set", "entry")


@pytest.mark.parametrize("page", PAGES)
def test_each_page_shows_a_vector_of_its_file(page):
    text = (ROOT / "docs" / "spec" / f"{page}.md").read_text("utf-8")
    shown = [block.strip() for block in text.split("```text vector\n")[1:]]
    assert shown
    stored = (FOLDER / f"{page}.json").read_text("utf-8").replace('\\"', '"')
    for block in shown:
        value = "".join(block.split("```")[0].split())
        assert value in "".join(stored.split()), page
