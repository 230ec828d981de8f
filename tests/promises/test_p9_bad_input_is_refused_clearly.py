"""P9: what is wrong with a store, a key, a file or a stored row is said clearly, and nothing is left half-written.

Mistakes in deliveries, mappings, group files and policies have their tables in `tests/bad_inputs`; here are stores,
keys, stored rows, principals and tokens.
"""

from __future__ import annotations

import re
from dataclasses import replace

import psycopg
import pytest

from cloakroom.adapters.configuration_folder import read_folder
from cloakroom.adapters.postgres.connection import create_schema
from cloakroom.adapters.root_key import create_root_key, load_root_key
from cloakroom.errors import CloakroomError, ConflictError, OpenError, StoreError, TamperedError, UncheckableError
from cloakroom.flows.store.configuration import read_configuration
from cloakroom.gate.policy import PrincipalKind
from cloakroom.settings import Settings
from cloakroom.testing.group import copy_configuration
from cloakroom.use_cases.people import principals
from cloakroom.use_cases.records.importing import import_file
from cloakroom.vault.envelope import HEADER_SIZE
from cloakroom.vault.tokens import RecordReference
from cloakroom.wiring import initialise, open_application
from spine_world import live_ordinals, open_records, rows_of, search, staff, tokens_of

EVERYTHING = frozenset(
    {
        "given_name",
        "family_name",
        "email",
        "phone",
        "mobile",
        "street",
        "city",
        "region",
        "postcode",
        "country",
        "store",
    }
)
TAMPERINGS = {
    "a byte of an envelope": "update record set contact = set_byte(contact, 60, get_byte(contact, 60) # 1)",
    "a byte of a tag": "update record set contact = set_byte(contact, length(contact) - 1,"
    " get_byte(contact, length(contact) - 1) # 128)",
    "the commitment to the keys": "update person_key set wraps = set_byte(wraps, 100, get_byte(wraps, 100) # 1)",
    "the initial value": "update record set contact = set_byte(contact, 7, get_byte(contact, 7) # 1)",
    "the format": "update record set contact = set_byte(contact, 0, 2)",
    "the version": "update record set version = version + 1",
    "a version that cannot be": "update record set version = -1",
    "the number of a field": "update record set contact = set_byte(contact, 12, get_byte(contact, 12) # 64)",
    "the length of a value": "update record set contact = set_byte(contact, 13, 127)",
    "an envelope cut short": "update record set contact = substr(contact, 1, length(contact) - 3)",
    "an envelope of a few bytes": "update record set contact = '\\x0100'",
    "an empty envelope": "update record set contact = ''",
    "an envelope of another record": "update record r set contact = o.contact from record o"
    " where o.brand = r.brand and o.ordinal = r.ordinal + 1",
    "an envelope of another class": "update record set contact = identity",
    "envelopes of two brands swapped": "update record r set contact = o.contact from record o"
    " where o.brand <> r.brand and o.contact is not null",
    "a wrap": "update person_key set wraps = set_byte(wraps, 20, get_byte(wraps, 20) # 1)",
    "the wraps of two classes swapped": "update person_key set wraps ="
    " substr(wraps, 33, 32) || substr(wraps, 1, 32) || substr(wraps, 65)",
    "the halves of a wrapped key swapped": "update person_key set wraps ="
    " substr(wraps, 17, 16) || substr(wraps, 1, 16) || substr(wraps, 33)",
    "wraps without a commitment": "update person_key set wraps = substr(wraps, 1, 96)",
    "the wraps of another record": "update person_key k set wraps = o.wraps from person_key o"
    " where o.brand = k.brand and o.ordinal = k.ordinal + 1",
    "another generation": "update person_key set generation = 7",
    "another key number": "update person_key set key_number = 7",
    "a key number that cannot be": "update person_key set key_number = 256",
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_a_changed_row_does_not_open_and_is_named(application, name):
    who = staff(application, "paula", "privacy_officer")
    ordinal = live_ordinals(application)[3]
    tokens = tokens_of(application, who, [ordinal])
    statement = TAMPERINGS[name]
    table = "person_key" if "person_key" in statement else "record"
    alias = {"record": "r", "person_key": "k"}[table] if " from " in statement else table
    joiner = " and " if " where " in statement else " where "
    done = application.connection.execute(f"{statement}{joiner}{alias}.ordinal = {ordinal}")
    assert done.rowcount == 1
    answer = open_records(application, who, tokens, fields=EVERYTHING, purpose="access_request")
    assert answer.admission.permitted, "it is entered before it is opened"
    assert list(answer.revealed) == []
    assert isinstance(answer.broken, OpenError)
    assert str(answer.broken) == f"record {ordinal} does not open: a stored row was changed"


def test_cells_of_one_envelope_in_each_others_place_do_not_open(application):
    who = staff(application, "paula", "privacy_officer")
    ordinal = live_ordinals(application)[3]
    tokens = tokens_of(application, who, [ordinal])
    (envelope,) = application.connection.execute(
        "select contact from record where ordinal = %s", (ordinal,)
    ).fetchone()
    at, cells = HEADER_SIZE, []
    while at < len(envelope):
        size = 2 + 16 * envelope[at + 1] + 16
        cells.append((envelope[at : at + 1], envelope[at + 1 : at + size]))
        at += size
    assert at == len(envelope)
    (one, first), (two, second) = cells[:2]
    swapped = envelope[:HEADER_SIZE] + one + second + two + first + b"".join(a + b for a, b in cells[2:])
    application.connection.execute("update record set contact = %s where ordinal = %s", (swapped, ordinal))
    answer = open_records(application, who, tokens, fields=EVERYTHING, purpose="access_request")
    assert str(answer.broken) == f"record {ordinal} does not open: a stored row was changed"


def hexadecimal(tmp_path, text, mode=0o600):
    path = tmp_path / "some.key"
    path.write_text(text)
    path.chmod(mode)
    return f"file:{path}"


ROOT_KEYS = {
    "missing": (lambda tmp: f"file:{tmp / 'none.key'}", r"root key file .*none\.key cannot be read: No such file"),
    "open to the group": (lambda tmp: hexadecimal(tmp, "00" * 32, 0o640), r"is open to others; chmod 600 it$"),
    "open to all": (lambda tmp: hexadecimal(tmp, "00" * 32, 0o604), r"is open to others; chmod 600 it$"),
    "too short": (lambda tmp: hexadecimal(tmp, "00" * 31), r"^the root key file: is not 64 hexadecimal digits$"),
    "too long": (lambda tmp: hexadecimal(tmp, "00" * 33), r"^the root key file: is not 64 hexadecimal digits$"),
    "no digits": (lambda tmp: hexadecimal(tmp, "secret"), r"^the root key file: is not 64 hexadecimal digits$"),
    "empty": (lambda tmp: hexadecimal(tmp, ""), r"^the root key file: is not 64 hexadecimal digits$"),
    "a folder": (lambda tmp: f"file:{tmp}", r"is not a file$"),
    "not set": (lambda tmp: "env:CLOAKROOM_NO_SUCH", r"environment variable CLOAKROOM_NO_SUCH, which is not set$"),
    "an unknown scheme": (lambda tmp: "ftp:host", r"^unknown scheme 'ftp' of a root key; known: file, env$"),
    "another key": (
        lambda tmp: hexadecimal(tmp, "ab" * 32),
        r"^key \w+/\d+/\w*/1 does not open: wrong root key, or the row was changed$",
    ),
}


@pytest.mark.parametrize("name", ROOT_KEYS)
def test_a_bad_root_key_is_refused_with_its_reason(store, tmp_path, name):
    make, message = ROOT_KEYS[name]
    with pytest.raises(CloakroomError, match=message):
        open_application(replace(store.settings, root_key=make(tmp_path)))


def test_a_symbolic_link_to_a_root_key_is_refused(store, tmp_path):
    link = tmp_path / "link.key"
    link.symlink_to(store.settings.home / "root.key")
    with pytest.raises(UncheckableError, match="cannot be read"):
        load_root_key(f"file:{link}")


STORES = {
    "newer": (
        "insert into schema_migration (number) values (9000)",
        r"^the store is of version 9000, this program knows \d+: update the program$",
    ),
    "older": (
        "delete from schema_migration where number > 101",
        r"^the store is of version 101, this program needs \d+: run `cloakroom migrate`$",
    ),
    "older than its formats": (
        "update schema_migration set number = number - 100",
        r"^the store is of version \d+, whose sealed formats this program does not read: make a new store",
    ),
    "none": ("drop table schema_migration", r"^the database holds no store; `cloakroom init` makes one$"),
    "half made": (
        "delete from store",
        r"^the store is incomplete: `cloakroom init` was interrupted; remove it and start again$",
    ),
    "a key of the ring changed": (
        "update key_ring set wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1) where purpose = 'link'",
        r"^key link/65535//1 does not open: wrong root key, or the row was changed$",
    ),
    "two keys of the ring swapped": (
        (
            "update key_ring k set wrapped = o.wrapped from key_ring o"
            " where k.purpose = 'facet' and o.purpose = 'facet' and k.scope = 1 and o.scope = 2"
        ),
        r"^key facet/1//1 does not open: wrong root key, or the row was changed$",
    ),
}


@pytest.mark.parametrize("name", STORES)
def test_a_store_that_is_not_what_it_should_be_is_refused(store, name):
    statement, message = STORES[name]
    with psycopg.connect(store.settings.database_url, autocommit=True) as connection:
        connection.execute(statement)
    with pytest.raises(CloakroomError, match=message):
        open_application(store.settings)


def test_a_store_that_is_not_there_is_not_made_by_accident(tmp_path):
    settings = Settings(tmp_path / "nothing", None, "file:x", "cli")
    with pytest.raises(StoreError, match=r"^no store at .*nothing; `cloakroom init` makes one$"):
        open_application(settings)
    assert not settings.home.exists()


def test_a_database_that_does_not_answer_is_said_so(tmp_path):
    settings = Settings(tmp_path, "postgresql://127.0.0.1:1/none?connect_timeout=2", "file:x", "cli")
    with pytest.raises(
        StoreError, match=r"^the database does not answer; check CLOAKROOM_DATABASE_URL and that it runs$"
    ):
        open_application(settings)


def contents(url):
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        )
        return {
            name: connection.execute(f'select count(*) from "{name}"').fetchone()[0] for (name,) in rows.fetchall()
        }


@pytest.fixture
def folder(tmp_path):
    copy_configuration(tmp_path / "configuration")
    return tmp_path / "configuration"


def fresh(tmp_path, url, **changes):
    home = tmp_path / "home"
    return replace(Settings(home, url, f"file:{home / 'root.key'}", "cli"), **changes)


def test_init_over_an_existing_store_changes_nothing(store, folder, tmp_path):
    before = contents(store.settings.database_url)
    key = (store.settings.home / "root.key").read_text()
    with pytest.raises(ConflictError, match=r"root\.key exists already; a root key is never overwritten$"):
        initialise(store.settings, folder)
    settings = fresh(tmp_path, store.settings.database_url)
    with pytest.raises(ConflictError, match=r"^there is a store already; nothing was changed$"):
        initialise(settings, folder)
    assert not settings.root_key_path.exists()
    assert contents(store.settings.database_url) == before
    assert (store.settings.home / "root.key").read_text() == key


@pytest.mark.parametrize("broken", ["group.toml", "policy.toml", "brands/tarsenne.toml"])
def test_init_with_a_mistake_in_the_configuration_makes_nothing(empty_database, folder, tmp_path, broken):
    (folder / broken).write_text((folder / broken).read_text("utf-8") + "\nnonsense = 1\n", encoding="utf-8")
    settings = fresh(tmp_path, empty_database)
    with pytest.raises(CloakroomError, match=rf"{re.escape(broken)}:\d+: "):
        initialise(settings, folder)
    assert not settings.home.exists()
    assert contents(empty_database) == {}


@pytest.mark.parametrize("missing", ["group.toml", "policy.toml", "brands/tarsenne.toml"])
def test_init_without_a_file_makes_nothing(empty_database, folder, tmp_path, missing):
    (folder / missing).unlink()
    with pytest.raises(CloakroomError, match="missing"):
        initialise(fresh(tmp_path, empty_database), folder)
    assert contents(empty_database) == {}


def test_init_with_a_root_key_that_is_not_there_makes_nothing(empty_database, folder, tmp_path):
    settings = fresh(tmp_path, empty_database, root_key="env:CLOAKROOM_NO_SUCH")
    with pytest.raises(UncheckableError, match=r"CLOAKROOM_NO_SUCH, which is not set"):
        initialise(settings, folder)
    assert contents(empty_database) == {}
    assert not settings.home.exists()


def test_an_interrupted_init_is_not_taken_for_a_store(empty_database, tmp_path):
    with psycopg.connect(empty_database, autocommit=True) as connection:
        create_schema(connection)
    settings = fresh(tmp_path, empty_database)
    create_root_key(settings.root_key_path)
    with pytest.raises(StoreError, match=r"`cloakroom init` was interrupted; remove it and start again$"):
        open_application(settings)


def test_a_root_key_is_never_overwritten(tmp_path):
    create_root_key(tmp_path / "root.key")
    assert (tmp_path / "root.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConflictError, match=r"exists; a root key is never overwritten$"):
        create_root_key(tmp_path / "root.key")


@pytest.mark.parametrize(
    ("table", "statement", "message"),
    [
        (
            "tile",
            "update tile set data = set_byte(data, 5, get_byte(data, 5) # 1) where path like 'tile/0/%'",
            "tree",
        ),
        (
            "tile",
            "update tile set data = set_byte(data, 9, get_byte(data, 9) # 1) where path like 'tile/entries/%'",
            "tree",
        ),
        ("checkpoint", "update checkpoint set root = set_byte(root, 0, get_byte(root, 0) # 1)", "checkpoint"),
        ("checkpoint", "update checkpoint set note = replace(note, 'cloakroom', 'elsewhere')", "checkpoint"),
        (
            "checkpoint",
            # Another first letter of the signature, whatever it was.
            (
                "update checkpoint set note = regexp_replace(note, '— ([^ ]+) .', '— \\1 '"
                " || case when note ~ '— [^ ]+ A' then 'B' else 'A' end)"
            ),
            "checkpoint",
        ),
    ],
)
def test_the_sequencer_never_signs_over_what_was_changed(store, table, statement, message):
    first = store.open()
    staff(first)
    first.sequencer.run()
    assert first.connection.execute(statement).rowcount
    size = first.log.latest_checkpoint().size
    node = store.open(node="fresh")
    principals.freeze(node.gatekeeper, node.records, "anna", by="operator", reason="drill")
    with pytest.raises((TamperedError, UncheckableError), match=f"the stored {message} .* was signed$"):
        node.sequencer.run()
    assert node.log.latest_checkpoint().size == size
    first.close()
    node.close()


PEOPLE = {
    "an address as name": ({"name": "anna.rossi example"}, "^principal must be an identifier of 1 to 128 letters"),
    "an empty name": ({"name": ""}, "^principal must be an identifier of 1 to 128 letters"),
    "a long name": ({"name": "a" * 129}, "^principal must be an identifier of 1 to 128 letters"),
    "an unknown role": ({"roles": frozenset({"boss"})}, "^principal: role: no such role: boss$"),
    "an unknown brand": ({"brands": frozenset({"nobody"})}, "^principal: brand: no such brand: nobody$"),
    "an unknown application": ({"works_through": "nothing"}, "^no such application to work through$"),
}


@pytest.mark.parametrize("name", PEOPLE)
def test_a_principal_with_a_mistake_is_not_enrolled(application, name):
    changes, message = PEOPLE[name]
    options = {"name": "anna", "kind": PrincipalKind.PERSON, "roles": frozenset({"store_associate"})} | changes
    with pytest.raises(CloakroomError, match=message):
        principals.enrol(application, options.pop("name"), **options)
    assert application.records.principals() == []
    assert not application.settings.credentials.exists()


def test_the_same_principal_twice_leaves_the_first_alone(application):
    who = staff(application)
    path = application.settings.credentials / "anna.key"
    before = path.read_bytes()
    with pytest.raises(ConflictError, match=r"anna\.key exists already$"):
        staff(application)
    path.rename(path.with_suffix(".away"))
    with pytest.raises(ConflictError, match=r"^there is a principal anna already$"):
        staff(application)
    assert not path.exists(), "no credential is left behind that was never enrolled"
    path.with_suffix(".away").rename(path)
    assert path.read_bytes() == before
    assert principals.authenticate(application.records, path, at=application.now()).principal.id == who.lineage


CREDENTIALS = {
    "open to others": (lambda path: path.chmod(0o644), "is open to others; chmod 600 it$"),
    "no JSON": (lambda path: path.write_text("x"), "is no credential file$"),
    "a key too short": (
        lambda path: path.write_text('{"credential": "a", "principal": "anna", "private_key": "00"}'),
        "is no credential file$",
    ),
    "no key": (lambda path: path.write_text('{"credential": "a", "principal": "anna"}'), "is no credential file$"),
    "missing": (lambda path: path.unlink(), "cannot be read: No such file"),
    "of somebody unknown": (
        lambda path: path.write_text(path.read_text().replace('"anna:', '"zara:')),
        "^this credential is not enrolled here$",
    ),
    "with another key": (
        lambda path: path.write_text(re.sub(r"[0-9a-f]{64}", "11" * 32, path.read_text())),
        "^this credential is not enrolled here$",
    ),
}


@pytest.mark.parametrize("name", CREDENTIALS)
def test_a_bad_credential_is_refused(application, name):
    staff(application)
    path = application.settings.credentials / "anna.key"
    spoil, message = CREDENTIALS[name]
    spoil(path)
    with pytest.raises(CloakroomError, match=message):
        principals.authenticate(application.records, path, at=application.now())


SEARCHES = {
    "no address": ("email", "nobody", "^search: value: not a value of the index email$"),
    "an empty address": ("email", "  ", "^search: value: not a value of the index email$"),
    "no telephone number": ("phone", "12", "^search: value: not a value of the index phone$"),
    "an empty customer number": ("customer_number", " ", "^search: value: not a value of the index customer_number$"),
    "an unknown index": ("iban", "x", "^search: by: no such index; known: customer_number, email, phone$"),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_for_nonsense_is_refused_without_repeating_it(application, name):
    who = staff(application)
    index, text, message = SEARCHES[name]
    with pytest.raises(CloakroomError, match=message):
        search(application, who, ["tarsenne"], text, index=index)


TOKENS = {
    "not a token": "hello",
    "empty": "",
    "of another application": None,
    "too short": "tok_" + "A" * 21,
    "too long": "tok_" + "A" * 23,
    "another prefix": "tik_" + "A" * 22,
    "not base64": "tok_" + "!" * 22,
    "made up": "tok_" + "A" * 22,
    "with a line end": "tok_" + "A" * 21 + "\n",
}


@pytest.mark.parametrize("name", TOKENS)
def test_what_is_no_token_of_this_application_is_refused_alike(application, name):
    who = staff(application)
    good = tokens_of(application, who, live_ordinals(application)[:1])
    token = TOKENS[name]
    if token is None:
        other = staff(application, "ben")
        token = tokens_of(application, other, live_ordinals(application)[:1])[0]
    answer = open_records(application, who, [token])
    assert not answer.admission.permitted
    assert answer.admission == open_records(application, who, ["tok_" + "B" * 22]).admission
    assert open_records(application, who, good).admission.permitted


@pytest.mark.parametrize("position", range(22))
def test_a_token_with_any_character_changed_is_none(application, position):
    who = application.codec
    principals.enrol(application, "shop", kind=PrincipalKind.APPLICATION, roles=frozenset({"web_shop"}))
    codec = who("shop")
    token = codec.issue([RecordReference(1, 5)])[0]
    at = position + 4
    changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
    assert codec.read([changed]) == [None]
    assert codec.read([token]) == [RecordReference(1, 5)]


def test_a_delivery_for_an_unknown_brand_or_from_nowhere_is_refused(application, tmp_path):
    with pytest.raises(CloakroomError, match=r"^brand: no such brand; known: hollinwray, ombrelune, tarsenne$"):
        import_file(application, tmp_path / "x.csv", "nobody")
    with pytest.raises(CloakroomError, match=r"x\.csv: is not a file$"):
        import_file(application, tmp_path / "x.csv", "tarsenne")
    assert application.connection.execute("select count(*) from delivery where not finished").fetchone() == (0,)


def test_a_delivery_of_another_brand_leaves_nothing_behind(application, store):
    before = contents(store.settings.database_url)
    with pytest.raises(
        CloakroomError, match=r"csv:1: not utf-8, as brands/tarsenne.toml says; it looks like cp1252$"
    ):
        import_file(application, store.deliveries["ombrelune"][0], "tarsenne")
    assert contents(store.settings.database_url) == before


def test_rejected_rows_are_listed_with_line_and_field_and_never_with_the_value(application, store, tmp_path):
    source = store.deliveries["tarsenne"][0].read_text("utf-8").splitlines()
    header = source[0].split(",")
    cells = next(line for line in source[1:] if line.count(",") == len(header) - 1 and '"' not in line).split(",")
    cells[0] = "C99999999"
    cells[header.index("street")] = "4111 1111 1111 1111"
    path = tmp_path / "card.csv"
    path.write_text("\n".join([source[0], ",".join(cells)]) + "\n", encoding="utf-8")
    result = import_file(application, path, "tarsenne", rejects=tmp_path / "rejects.jsonl")
    assert (result.rows, result.counts["rejected"], len(result.records)) == (1, 1, 0)
    text = (tmp_path / "rejects.jsonl").read_text("utf-8")
    assert '"line": 2' in text
    assert '"field": "street"' in text
    assert "4111" not in text


def test_nothing_personal_is_in_a_representation_or_an_error(application, store):
    who = staff(application)
    row = next(rows_of(application.configuration, "tarsenne", store.deliveries["tarsenne"][0]))
    # Cities stand in the group's own file of shops, which the configuration holds.
    values = [row.record_id, *row.normal.values(), row.values.get("street", row.record_id)]
    shown = repr(application) + repr(who) + repr(application.ring) + repr(application.root)
    shown += repr(next(iter(application.digests.values()))) + repr(application.codec("anna"))
    assert not any(value in shown for value in values)
    key = (store.settings.home / "root.key").read_text().strip()
    assert key not in shown
    assert bytes.fromhex(key) not in shown.encode("latin-1", "replace")


def test_the_configuration_folder_is_read_whole_or_not_at_all(tmp_path):
    with pytest.raises(CloakroomError):
        read_configuration(read_folder(tmp_path))
    with pytest.raises(CloakroomError):
        read_configuration(read_folder(tmp_path / "nowhere"))


def test_the_table_has_more_than_sixty_rows_each_with_its_message():
    ours = (TAMPERINGS, ROOT_KEYS, STORES, PEOPLE, CREDENTIALS, SEARCHES, TOKENS)
    assert sum(map(len, ours)) >= 60
