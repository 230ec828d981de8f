"""Anything at all may be in a file: no reader may fail but by a limit or a named damage."""

from __future__ import annotations

import io
import os
import random

import polars as pl
import pytest
from compound_writer import old_workbook
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memory_dump import open_bytes, survey
from test_readers import bson, workbook

from cloakroom.claims.limits import Limits
from cloakroom.claims.sources import NotReadError
from cloakroom.claims.tables import BROKEN_CONTENT
from cloakroom.errors import LimitError

LIMITS = Limits(block_bytes=512, record_bytes=4096)
ROUNDS = int(os.environ.get("CLOAKROOM_FUZZ_ROUNDS", "60"))


def parquet() -> bytes:
    target = io.BytesIO()
    pl.DataFrame({"email": [f"p{n}@example.org" for n in range(50)], "n": range(50)}).write_parquet(target)
    return target.getvalue()


SEEDS = {
    "csv": b'id,email,street\n1,a@example.org,"rue ""X"", 1\n2nd"\n2,b@example.org,plain\n' * 5,
    "semicolon": "Id;Courriel;Pays\n1;é@example.org;FR\n".encode("cp1252") * 20,
    "utf-16": "id\temail\n1\ta@example.org\n".encode("utf-16") * 3,
    "jsonl": b'{"email":"a@example.org","phones":["+33612345678"],"a":{"b":1}}\n' * 8,
    "json": b'{"n":2,"rows":[{"email":"a@example.org"},{"email":"b\\"@x.org"}]}',
    "sql": b"INSERT INTO `c` (`id`,`email`) VALUES\n('1','it\\'s'),\n(2,'b@example.org');\nCOPY x (a,b) FROM stdin;\n1\ta@example.org\n\\.\n"  # noqa: E501 - data
    * 3,
    "xml": b"<r>\n<c>\n<email>a@example.org</email>\n<n>1</n>\n</c>\n<c id='1' mail='b@example.org'/>\n</r>",
    "yaml": b"- email: a@example.org\n  city: Paris\n- email: b@example.org\n" * 4,
    "pasted": b"Name | E-mail | City\n-----|-----|----\nA | a@example.org |\n   Paris\n" * 4,
    "labels": "• Name: Ada\n• Email: a@example.org\n\n• Name: Bob\n• Email: b@example.org\n".encode() * 4,
    "cards": b"BEGIN:VCARD\nN;ENCODING=QUOTED-PRINTABLE:A=\n=C3=A9;B\nEMAIL;X=1:a@example.org\nEND:VCARD\n" * 4,
    "directory": b"dn: uid=a\nmail:: YUBleGFtcGxlLm9yZw==\ncn: A\n b\n\n" * 4,
    "columns": b"id  email\n--- -------------\n1   a@example.org\n2   b@example.org\n" * 3,
    "signs": b"id||email\n1||a@example.org\n2||b@example.org\n" * 3,
    "xls": old_workbook([["email", "n"], ["a@example.org", "1"]], small=True),
    "xlsx": workbook([["email", "n"], ["a@example.org", 1], ["b@example.org", 2]]),
    "parquet": parquet(),
    "bson": bson({"email": "a@example.org", "x": {"y": "z"}}) * 5,
}


def read_all(data: bytes) -> None:
    try:
        reading = open_bytes(data, "x", LIMITS)
        for batch in reading.batches:
            assert batch.rejected >= 0
            assert all(kind == pl.String for kind in batch.frame.dtypes)
    except (LimitError, NotReadError, *BROKEN_CONTENT):
        pass


def mangled(data: bytes, random_: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(random_.randint(1, 6)):
        if not changed:
            break
        place = random_.randrange(len(changed))
        match random_.randrange(5):
            case 0:
                changed[place] = random_.randrange(256)
            case 1:
                del changed[place : place + random_.randint(1, 30)]
            case 2:
                changed[place:place] = random_.choice(
                    [b'"', b"\n", b"\0", b"'", b"{", b"]", b"\xff", b"\r", b"(", b"\\", b"@"]
                ) * random_.randint(1, 40)
            case 3:
                changed[place:place] = changed[: random_.randint(1, 200)]
            case _:
                del changed[place:]
    return bytes(changed)


@pytest.mark.parametrize("form", SEEDS)
def test_a_mangled_file_of_every_form_is_survived(form) -> None:
    random_ = random.Random(form)
    for _ in range(ROUNDS):
        read_all(mangled(SEEDS[form], random_))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=600) | st.text(max_size=300).map(str.encode))
def test_any_bytes_are_survived(data) -> None:
    read_all(data)


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("ab@.,;|\n\"'\\{}[]() \t0"), max_size=400))
def test_any_arrangement_of_structural_signs_is_survived(text) -> None:
    read_all(text.encode())


@pytest.mark.parametrize("seed", range(3))
def test_a_dump_of_mangled_files_is_surveyed_to_its_end(seed) -> None:
    random_ = random.Random(seed)
    _, files = survey({form: mangled(data, random_) for form, data in SEEDS.items()}, LIMITS)
    assert list(files) == list(SEEDS)
