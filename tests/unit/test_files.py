"""Whole files or none, strict JSON."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor_flow.errors import DataError
from extractor_flow.files import (
    dumps,
    locked,
    parse_json,
    printable,
    read_json,
    read_text,
    sha256_of,
    write_bytes,
    write_json,
)

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON_VALUES)
def test_what_was_written_is_read_back(value):
    assert parse_json(dumps(value), where="here") == value


@given(JSON_VALUES)
def test_what_is_written_is_what_the_standard_library_writes(value):
    assert dumps(value) == json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [float("-inf")]}])
def test_a_number_that_is_not_json_is_refused_before_the_file_is_touched(tmp_path, value):
    path = tmp_path / "a.json"
    write_json(path, {"old": 1})

    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(path, value)

    assert (read_json(path), [entry.name for entry in tmp_path.iterdir()]) == ({"old": 1}, ["a.json"])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "x.json:1: not JSON"),
        ('{"a": NaN}', "x.json: NaN is not JSON"),
        ('{"a": -Infinity}', "x.json: -Infinity is not JSON"),
        ('{"a": 1e999}', "too large for a double"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "'c' stands twice"),
        ("\ufeff{}", "x.json"),
        ('"a\x00b"', "x.json"),
        ("[" * 65 + "]" * 65, "nested deeper than 64"),
        ("[" * 100_000, "nested deeper than 64"),
        ("1" * 5000, "x.json"),
        ("", "x.json:1: not JSON"),
    ],
)
def test_what_is_not_strict_json_is_named(text, complaint):
    with pytest.raises(DataError) as caught:
        parse_json(text, where="x.json")

    assert complaint in str(caught.value)


def test_brackets_inside_strings_do_not_count_as_nesting():
    value = ["[{" * 100, 'a\\"[[[[' * 50]

    assert parse_json(json.dumps(value), where="x") == value


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda path: path.write_bytes(b"x" * 11), "larger than 10 bytes"),
        (lambda path: path.write_bytes(b"ab\xff"), "not UTF-8: byte 0xff at offset 2"),
        (lambda path: path.mkdir(), "not a regular file"),
        (os.mkfifo, "not a regular file"),
        (lambda path: None, "no such file"),
        (lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
    ],
)
def test_a_file_that_is_no_small_text_is_named(tmp_path, make, complaint):
    path = tmp_path / "a"
    make(path)

    with pytest.raises(DataError) as caught:
        read_text(path, limit=10)

    assert f"{path}: {complaint}" in str(caught.value)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a"
    write_bytes(path, b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_bytes(path, b"new")

    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == {"a": b"old"}


def test_a_digest_is_that_of_the_whole_content(tmp_path: Path):
    path = tmp_path / "a"
    path.write_bytes(b"abc")

    assert sha256_of(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_printable_text_cannot_steer_a_terminal():
    assert printable("a\x1b[31m\u202eb\tc\n") == "a\\x1b[31m\\u202eb\tc\n"


def test_a_written_file_is_readable_as_any_other(tmp_path):
    path = tmp_path / "a"
    (tmp_path / "plain").touch()
    write_bytes(path, b"x")

    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


class LetsGo(logging.Handler):
    """Lets a shared lock go once the first attempt at it has failed, which is the second thing that is logged."""

    def __init__(self, descriptor):
        super().__init__(logging.DEBUG)
        self.descriptor = descriptor
        self.logged = 0

    def emit(self, record):
        self.logged += 1
        if self.logged > 1:
            fcntl.flock(self.descriptor, fcntl.LOCK_UN)


def test_who_looks_whether_a_lock_is_held_keeps_nobody_from_it(tmp_path, caplog, monkeypatch):
    log = logging.getLogger("filelock")
    monkeypatch.setattr(log, "disabled", False)  # tox, which another test asks for its environments, disables it
    with (tmp_path / ".lock").open("w") as file, caplog.at_level(logging.DEBUG, "filelock"):
        fcntl.flock(file, fcntl.LOCK_SH)
        log.addHandler(handler := LetsGo(file.fileno()))
        try:
            with locked(tmp_path / ".lock") as mine:
                assert mine
        finally:
            log.removeHandler(handler)
