"""Root keys and credentials: read only from files that nobody else may read, told apart from everything malformed."""

from __future__ import annotations

import json
import os

import pytest

from cloakroom.adapters.credentials import PrivateCredential, read_credential, write_credential
from cloakroom.adapters.root_key import create_root_key, load_root_key
from cloakroom.crypto import SigningKey
from cloakroom.errors import ConflictError, UncheckableError, UsageError
from cloakroom.vault.key_ring import GROUP, KeyName, KeyPurpose, RootKey

HEX = "00112233445566778899aabbccddeeff" * 2
NAME = KeyName(KeyPurpose.SIGN, GROUP, "", 1)
SEED = bytes(range(32))


def is_key(root: RootKey, key: bytes) -> bool:
    """Answer whether a root key has these bytes: what one wraps, the other unwraps."""
    return RootKey(key).unwrap(root.wrap(NAME, SEED)) == SEED


def private(path, text: str | bytes, mode: int = 0o600):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


@pytest.mark.parametrize("text", [HEX, f"{HEX}\n", f"  {HEX}\r\n", f"\n{HEX}\n\n"])
def test_a_root_key_is_64_digits_with_any_white_space_around_them(tmp_path, monkeypatch, text):
    assert is_key(load_root_key(f"file:{private(tmp_path / 'root', text)}"), bytes.fromhex(HEX))
    monkeypatch.setenv("ROOT_KEY_OF_A_TEST", text)
    assert is_key(load_root_key("env:ROOT_KEY_OF_A_TEST"), bytes.fromhex(HEX))


@pytest.mark.parametrize(
    "text",
    ["", HEX[:-1], f"{HEX}0", HEX[:-1] + "g", f"{HEX[:32]} {HEX[32:]}", f"0x{HEX[2:]}", f"{HEX}\n{HEX}", "٠" * 64],
)
def test_anything_else_is_no_root_key_and_is_not_repeated(tmp_path, monkeypatch, text):
    monkeypatch.setenv("ROOT_KEY_OF_A_TEST", text)
    for uri in (f"file:{private(tmp_path / 'root', text)}", "env:ROOT_KEY_OF_A_TEST"):
        with pytest.raises(UncheckableError) as caught:
            load_root_key(uri)
        assert str(caught.value) == f"the root key {uri.partition(':')[0]}: is not 64 hexadecimal digits"


@pytest.mark.parametrize("data", [bytes(range(128, 160)), b"\xff" * 32, HEX.encode("utf-16")])
def test_a_root_key_in_raw_bytes_is_refused_like_any_other_that_is_none(tmp_path, data):
    with pytest.raises(UncheckableError, match=r"^the root key file: is not 64 hexadecimal digits$"):
        load_root_key(f"file:{private(tmp_path / 'root', data)}")


@pytest.mark.parametrize("bit", [0o040, 0o020, 0o010, 0o004, 0o002, 0o001])
def test_a_secret_that_anybody_else_may_touch_is_refused(tmp_path, bit):
    root = private(tmp_path / "root", HEX, 0o600 | bit)
    with pytest.raises(UncheckableError, match=r"is open to others; chmod 600 it$"):
        load_root_key(f"file:{root}")
    write_credential(tmp_path / "one", PrivateCredential("c-1", "ada", SigningKey(SEED)))
    (tmp_path / "one").chmod(0o600 | bit)
    with pytest.raises(UncheckableError, match=r"is open to others; chmod 600 it$"):
        read_credential(tmp_path / "one")


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o700])
def test_a_secret_that_only_its_owner_may_touch_is_read(tmp_path, mode):
    assert is_key(load_root_key(f"file:{private(tmp_path / 'root', HEX, mode)}"), bytes.fromhex(HEX))


def test_a_link_a_folder_a_pipe_and_nothing_are_no_secrets_and_hold_nobody_up(tmp_path):
    private(tmp_path / "root", HEX)
    (tmp_path / "link").symlink_to(tmp_path / "root")
    (tmp_path / "folder").mkdir(mode=0o700)
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name, words in (
        ("link", "cannot be read: Too many levels"), ("folder", "is not a file"), ("pipe", "is not a file"),
        ("absent", "cannot be read: No such file"),
    ):  # fmt: skip
        for read in (lambda path: load_root_key(f"file:{path}"), read_credential):
            with pytest.raises(UncheckableError, match=words) as caught:
                read(tmp_path / name)
            assert str(tmp_path / name) in str(caught.value)


def test_a_variable_that_is_not_set_is_named_and_other_schemes_are_not_known(monkeypatch):
    monkeypatch.delenv("ROOT_KEY_OF_A_TEST", raising=False)
    with pytest.raises(UncheckableError, match="environment variable ROOT_KEY_OF_A_TEST, which is not set"):
        load_root_key("env:ROOT_KEY_OF_A_TEST")
    for uri in ("", HEX, "FILE:/x", "kms:x", "/etc/root.key"):
        with pytest.raises(UsageError, match="known: file, env"):
            load_root_key(uri)


def test_a_new_root_key_is_random_private_and_never_overwritten(tmp_path):
    first, second = tmp_path / "a" / "b" / "root", tmp_path / "root"
    made = create_root_key(first)
    create_root_key(second)
    text = first.read_text()
    assert first.stat().st_mode & 0o777 == 0o600
    assert (len(text), text[-1]) == (65, "\n")
    assert is_key(made, bytes.fromhex(text))
    assert is_key(load_root_key(f"file:{first}"), bytes.fromhex(text))
    assert text != second.read_text()
    with pytest.raises(ConflictError, match="never overwritten"):
        create_root_key(first)
    assert first.read_text() == text


def test_a_credential_is_read_back_as_it_was_written(tmp_path):
    path = tmp_path / "keys" / "ada.json"
    write_credential(path, PrivateCredential("c-1", "ada", SigningKey(SEED)))
    assert json.loads(path.read_bytes()) == {"credential": "c-1", "principal": "ada", "private_key": SEED.hex()}
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    found = read_credential(path)
    assert (found.id, found.principal, found.key.seed) == ("c-1", "ada", SEED)
    with pytest.raises(ConflictError, match="exists already"):
        write_credential(path, PrivateCredential("c-2", "eve", SigningKey(bytes(32))))
    assert read_credential(path).id == "c-1"


GOOD = {"credential": "c-1", "principal": "ada", "private_key": SEED.hex()}


@pytest.mark.parametrize(
    "document",
    [
        {}, [], "x", 7, {"credential": "c-1", "principal": "ada"}, {**GOOD, "credential": 7},
        {**GOOD, "principal": None},
        {**GOOD, "private_key": SEED.hex()[:-2]},
        {**GOOD, "private_key": SEED.hex() + "00"},
        {**GOOD, "private_key": "g" * 64}, {**GOOD, "private_key": ""}, {**GOOD, "more": [1]},
    ],
)  # fmt: skip
def test_a_file_that_is_no_credential_is_called_that_and_its_content_is_not_repeated(tmp_path, document):
    path = private(tmp_path / "one", json.dumps(document))
    with pytest.raises(UncheckableError) as caught:
        read_credential(path)
    assert str(caught.value) == f"{path} is no credential file"


@pytest.mark.parametrize(
    "data", [b"", b"{", b"\xff\xfe", json.dumps(GOOD).encode() + b"x", json.dumps(GOOD).encode()[:-1]]
)
def test_bytes_that_are_no_json_are_no_credential(tmp_path, data):
    with pytest.raises(UncheckableError, match="is no credential file"):
        read_credential(private(tmp_path / "one", data))
