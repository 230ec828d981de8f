"""Files that people name, folders of configuration and rules: read up to their limits, each error with its place."""

from __future__ import annotations

import pytest

from cloakroom.adapters import configuration_folder
from cloakroom.adapters.configuration_folder import read_folder
from cloakroom.adapters.legal_data import (
    load_form_library,
    load_method,
    load_retention,
    load_rules,
    read_rule_files,
)
from cloakroom.adapters.named_files import read_file, read_text_file, write_file
from cloakroom.errors import InputError, LimitError


@pytest.mark.parametrize(("size", "fits"), [(9, True), (10, True), (11, False)])
def test_a_named_file_is_read_up_to_its_limit(tmp_path, size, fits):
    path = tmp_path / "answers.toml"
    path.write_bytes(b"x" * size)
    for read in (read_file, read_text_file):
        if fits:
            assert len(read(path, bytes_max=10)) == size
        else:
            with pytest.raises(InputError) as caught:
                read(path, bytes_max=10)
            assert str(caught.value) == f"{path}: is larger than 10 bytes"


@pytest.mark.parametrize(
    ("data", "line"), [(b"\xff", 1), (b"a\nb\n\xc3", 3), (b"a\r\n\xe9\n", 2), (b"\xef\xbb\xbfa\n\xed\xa0\x80", 2)]
)
def test_a_text_that_is_no_utf_8_is_told_with_its_line(tmp_path, data, line):
    path = tmp_path / "answers.toml"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        read_text_file(path, bytes_max=100)
    assert str(caught.value) == f"{path}:{line}: is not UTF-8 text"
    assert read_file(path, bytes_max=100) == data


def test_a_file_that_cannot_be_read_or_written_is_named_with_the_reason(tmp_path):
    with pytest.raises(InputError, match=r"absent: cannot be read: No such file or directory$"):
        read_file(tmp_path / "absent", bytes_max=1)
    with pytest.raises(InputError, match=r": cannot be read: Is a directory$"):
        read_file(tmp_path, bytes_max=1)
    with pytest.raises(InputError, match=r": cannot be written: No such file or directory$"):
        write_file(tmp_path / "absent" / "x", b"")


def test_a_file_is_written_in_place_of_what_it_held(tmp_path):
    path = tmp_path / "x"
    write_file(path, b"a longer content")
    write_file(path, b"short")
    assert path.read_bytes() == b"short"


def test_a_configuration_folder_is_its_toml_files_by_their_paths(tmp_path):
    (tmp_path / "brands" / "deep").mkdir(parents=True)
    for name in ("group.toml", "brands/b.toml", "brands/deep/c.toml", "notes.txt", "x.toml.bak", "toml"):
        (tmp_path / name).write_text(name)
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "empty.toml").touch()
    assert list(read_folder(tmp_path).items()) == [
        ("brands/b.toml", "brands/b.toml"),
        ("brands/deep/c.toml", "brands/deep/c.toml"),
        ("empty.toml", ""),
        ("group.toml", "group.toml"),
    ]


@pytest.mark.parametrize(("files", "fits"), [(2, True), (3, True), (4, False)])
def test_a_configuration_folder_has_as_many_files_as_the_limit_says(tmp_path, monkeypatch, files, fits):
    monkeypatch.setattr(configuration_folder, "MAX_FILES", 3)
    for number in range(files):
        (tmp_path / f"{number}.toml").touch()
    if fits:
        assert len(read_folder(tmp_path)) == files
    else:
        with pytest.raises(LimitError, match="more than 3 files"):
            read_folder(tmp_path)


@pytest.mark.parametrize(("size", "fits"), [(9, True), (10, True), (11, False)])
def test_a_file_of_configuration_is_as_large_as_the_limit_says(tmp_path, monkeypatch, size, fits):
    monkeypatch.setattr(configuration_folder, "MAX_FILE_BYTES", 10)
    (tmp_path / "a.toml").write_bytes(b"x" * size)
    if fits:
        assert read_folder(tmp_path) == {"a.toml": "x" * size}
    else:
        with pytest.raises(LimitError, match=r"^a\.toml: larger than 10 bytes$"):
            read_folder(tmp_path)


def test_a_file_of_configuration_that_is_no_utf_8_is_told_with_its_line(tmp_path):
    (tmp_path / "brands").mkdir()
    (tmp_path / "brands" / "b.toml").write_bytes(b"a\nb\n# caf\xe9\n")
    with pytest.raises(InputError, match=r"^brands/b\.toml:3: not UTF-8$"):
        read_folder(tmp_path)
    with pytest.raises(InputError, match="is not a folder"):
        read_folder(tmp_path / "brands" / "b.toml")
    with pytest.raises(InputError, match="is not a folder"):
        read_folder(tmp_path / "absent")


def test_rule_files_of_a_folder_come_in_the_order_of_their_paths(tmp_path):
    for name in ("z.toml", "eu/b.toml", "eu/a.toml", "us/tx/1/2/deep.toml", "readme.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name} é")
    assert [(file.path, file.text) for file in read_rule_files(tmp_path)] == [
        (name, f"# {name} é") for name in ("eu/a.toml", "eu/b.toml", "us/tx/1/2/deep.toml", "z.toml")
    ]


def test_what_ships_with_the_package_is_whole():
    with_cases, without = load_rules(), load_rules(with_cases=False)
    assert {rule.id for rule in with_cases.rules} == {rule.id for rule in without.rules}
    assert with_cases.cases
    assert not without.cases
    assert load_method()
    assert load_retention()
    assert load_form_library().forms
