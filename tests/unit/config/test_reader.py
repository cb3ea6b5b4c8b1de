"""read_config: what a config file may be, and what is said about one that may not."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from extractor_flow.config import SIZE_LIMIT, read_config
from extractor_flow.config.yaml_tree import DEPTH_LIMIT, VALUE_LIMIT
from extractor_flow.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IN_THE_LIST = "while parsing a block collection (line 1)"
MAPPING = "expected a mapping of keys to values"


@pytest.fixture
def complaints(tmp_path: Path) -> Callable[[str | bytes], list[str]]:
    """What read_config says about a file of this content, without the folder's name; nothing if it reads it."""

    def said(content: str | bytes) -> list[str]:
        path = tmp_path / "c.yaml"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        try:
            read_config(path)
        except ConfigError as error:
            return [line.removeprefix(f"{tmp_path}{os.sep}") for line in error.problems]
        return []

    return said


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], object]:
    def data(text: str) -> object:
        path = tmp_path / "c.yaml"
        path.write_bytes(text.encode())
        return read_config(path).data

    return data


def test_every_key_and_item_has_its_line(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("# a comment\nrun:\n  seed: 1\nextractors:\n  - name: a\n    preset: b\n  - {name: c}\n")

    assert read_config(path).positions == {
        (): 2,
        ("run",): 2,
        ("run", "seed"): 3,
        ("extractors",): 4,
        ("extractors", 0): 5,
        ("extractors", 0, "name"): 5,
        ("extractors", 0, "preset"): 6,
        ("extractors", 1): 7,
        ("extractors", 1, "name"): 7,
    }


def test_what_an_alias_repeats_keeps_the_line_where_it_is_written(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("a: &a\n  x: 1\nb: *a\n")

    assert read_config(path).positions == {(): 1, ("a",): 1, ("a", "x"): 2, ("b",): 3, ("b", "x"): 2}


def test_what_an_alias_repeats_is_not_shared(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("a: &a [1]\nb: *a\n")
    data = read_config(path).data
    data["a"].append(2)

    assert data == {"a": [1, 2], "b": [1]}


@pytest.mark.parametrize(
    ("text", "data"),
    [
        pytest.param("\ufeffa: 1\n", {"a": 1}, id="byte order mark"),
        pytest.param("a: 1\r\nb: 2\r\n", {"a": 1, "b": 2}, id="Windows line ends"),
        pytest.param("%YAML 1.2\n---\na: 1\n...\n", {"a": 1}, id="explicit document"),
        pytest.param('{"a": [1, {"b": null}], "c": "\\u00e9"}', {"a": [1, {"b": None}], "c": "é"}, id="JSON"),
        pytest.param("a: &x 1\nb: &x 2\nc: *x\n", {"a": 1, "b": 2, "c": 2}, id="anchor set again"),
        pytest.param('"<<": 1\n', {"<<": 1}, id="quoted merge key"),
        pytest.param("a: !!map {b: !!seq [1]}\n", {"a": {"b": [1]}}, id="core tags"),
        pytest.param("a: é😀\n", {"a": "é😀"}, id="beyond ASCII"),
    ],
)
def test_these_files_are_read(read, text, data):
    assert read(text) == data


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "---\n...\n", "~\n", "null\n"])
def test_an_empty_file_is_called_empty(complaints, text):
    assert complaints(text) == [f"c.yaml: is empty; {MAPPING}"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param("\n- a\n", [f'c.yaml:2: the file is ["a"] (a list); {MAPPING}'], id="a list"),
        pytest.param("just text", [f"c.yaml:1: the file is 'just text' (a string); {MAPPING}"], id="text"),
        pytest.param(b"a: \xff", ["c.yaml: not UTF-8: byte 0xff at offset 3"], id="not UTF-8"),
        pytest.param(
            "a: 1\nb: \x07\n",
            ["c.yaml:2: not YAML: the character U+0007 may only be written as an escape"],
            id="control character",
        ),
        pytest.param(
            "- 1\n- 2\nc: 3\n",
            [
                f"c.yaml:3: not YAML: expected <block end>, but found '?' at column 1, {IN_THE_LIST}",
            ],
            id="syntax",
        ),
        pytest.param(
            "a:\n\tb: 1\n", ["c.yaml:2: not YAML: a tab stands at column 1; expected spaces"], id="tab indentation"
        ),
        pytest.param(
            'a: 1\nb: "\\UFFFFFFFF"\n',
            ["c.yaml:2: not YAML: a number here is out of range, such as an escape's"],
            id="escape beyond Unicode",
        ),
        pytest.param(
            'a: "\\ud800"\n',
            ["c.yaml:1: a: holds half of a surrogate pair; write the character itself"],
            id="lone surrogate",
        ),
        pytest.param(
            "a: 1\n---\nb: 2\n",
            ["c.yaml:2: a second document starts here; expected one document in the file"],
            id="two documents",
        ),
        pytest.param(
            "run:\n  seed: 1\n  other: 2\n  seed: 3\n  seed: 4\n",
            [
                "c.yaml:4: run.seed: the key 'seed' stands twice; the first is on line 2",
                "c.yaml:5: run.seed: the key 'seed' stands twice; the first is on line 2",
            ],
            id="duplicate key",
        ),
        pytest.param(
            "run:\n  1: a\n  ~: b\n  [x]: c\n",
            [
                "c.yaml:2: run: a key is 1 (an integer); expected text (put it in quotes)",
                "c.yaml:3: run: a key is empty; expected text (put it in quotes)",
                "c.yaml:4: run: a key is a list or a mapping; expected text (put it in quotes)",
            ],
            id="keys that are no strings",
        ),
        pytest.param(
            "a: &a {x: 1}\nb:\n  <<: *a\n",
            ["c.yaml:3: b: the merge key << is not supported; repeat the keys that it stands for"],
            id="merge key",
        ),
        pytest.param(
            "a: *nowhere\n", ["c.yaml:1: a: the alias '*nowhere' has no anchor before it"], id="unknown alias"
        ),
        pytest.param(
            "a: &a [*a]\n", ["c.yaml:1: a[0]: the alias '*a' stands inside what it repeats"], id="recursive alias"
        ),
        pytest.param(
            "b: .nan\na: [1, -.inf]\n",
            [
                "c.yaml:1: b: is .nan; expected a finite number (quote it for a string)",
                "c.yaml:2: a[1]: is -.inf; expected a finite number (quote it for a string)",
            ],
            id="NaN and Infinity",
        ),
        pytest.param(
            "a: 1e999\nb: 9223372036854775808\n",
            [
                "c.yaml:1: a: is '1e999'; expected a finite number that a double can hold",
                "c.yaml:2: b: is '9223372036854775808'; expected an integer of at most 64 bits",
            ],
            id="huge numbers",
        ),
        pytest.param(
            "a: 1\na: 2\nb: .nan\nc: ]\n",
            [
                "c.yaml:2: a: the key 'a' stands twice; the first is on line 1",
                "c.yaml:3: b: is .nan; expected a finite number (quote it for a string)",
                "c.yaml:4: not YAML: expected the node content, but found ']' at column 4",
            ],
            id="everything up to a syntax error",
        ),
    ],
)
def test_a_refused_file_is_told_where_and_why(complaints, content, said):
    assert complaints(content) == said


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("a: !!python/object/apply:os.mkdir [made]\n", "!!python/object/apply:os.mkdir"),
        ("a: !!python/name:os.system\n", "!!python/name:os.system"),
        ("a: !!binary aGk=\n", "!!binary"),
        ("a: !!timestamp 2024-01-01\n", "!!timestamp"),
        ("a: !!set {b}\n", "!!set"),
        ("a: !mine b\n", "!mine"),
        ("a: !<tag:example.org,2024:x> {}\n", "tag:example.org,2024:x"),
    ],
)
def test_an_unknown_tag_is_refused_and_nothing_is_executed(complaints, tmp_path, monkeypatch, text, tag):
    monkeypatch.chdir(tmp_path)

    assert complaints(text) == [f"c.yaml:1: a: has the tag '{tag}'; expected a plain value"]
    assert [path.name for path in tmp_path.iterdir()] == ["c.yaml"]


def test_the_depth_limit_is_the_last_depth_that_is_read(read, complaints):
    deepest = "a: " + "[" * (DEPTH_LIMIT - 1) + "]" * (DEPTH_LIMIT - 1)

    assert str(read(deepest)).count("[") == DEPTH_LIMIT - 1
    assert complaints(f"a: [{deepest.removeprefix('a: ')}]") == [f"c.yaml:1: nested deeper than {DEPTH_LIMIT} levels"]


def test_an_alias_cannot_go_around_the_depth_limit(complaints):
    half = "[" * 20 + "1" + "]" * 20

    assert complaints(f"a: &a {half}\nb: {half.replace('1', '*a')}\n") == [
        f"c.yaml:2: nested deeper than {DEPTH_LIMIT} levels"
    ]


TOO_MANY = (
    f"the file holds more than {VALUE_LIMIT} values "
    "(100 characters of a text and each repetition by an alias count as values too)"
)
BILLION_LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)
# With an alias for every 2 characters, this text would be 10 GB once written out.
LONG_TEXT_REPEATED = f"a: &a {'x' * 50_000}\nb: [{'*a,' * 200_000}]\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(BILLION_LAUGHS, f"c.yaml:4: {TOO_MANY}", id="billion laughs"),
        pytest.param(LONG_TEXT_REPEATED, f"c.yaml:2: {TOO_MANY}", id="one long text, many times"),
        pytest.param("a:\n" + "- 1\n" * (VALUE_LIMIT + 1), f"c.yaml:9999: {TOO_MANY}", id="a long list"),
        pytest.param("[" * SIZE_LIMIT, f"c.yaml:1: nested deeper than {DEPTH_LIMIT} levels", id="brackets"),
        pytest.param("{" * SIZE_LIMIT, f"c.yaml:1: nested deeper than {DEPTH_LIMIT} levels", id="braces"),
        pytest.param("- " * (SIZE_LIMIT // 2), f"c.yaml:1: nested deeper than {DEPTH_LIMIT} levels", id="dashes"),
        pytest.param("? " * (SIZE_LIMIT // 2), f"c.yaml:1: nested deeper than {DEPTH_LIMIT} levels", id="complex keys"),
        pytest.param(" " * (SIZE_LIMIT + 1), f"c.yaml: larger than {SIZE_LIMIT} bytes", id="too large"),
    ],
)
def test_a_file_that_would_cost_too_much_is_refused(complaints, text, said):
    assert complaints(text) == [said]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError) as raised:
        read_config(tmp_path / "absent.yaml")

    assert raised.value.problems == (f"{tmp_path / 'absent.yaml'}: cannot be read: No such file or directory",)


def test_a_directory_is_not_a_config(tmp_path):
    with pytest.raises(ConfigError) as raised:
        read_config(tmp_path)

    assert raised.value.problems == (f"{tmp_path}: is a directory; expected a YAML file",)


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes in the file system")
def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(ConfigError) as raised:
        read_config(tmp_path / "pipe")

    assert raised.value.problems == (f"{tmp_path / 'pipe'}: is not a regular file; expected a YAML file",)


def test_a_file_name_cannot_write_to_the_terminal(tmp_path):
    with pytest.raises(ConfigError) as raised:
        read_config(tmp_path / "\x1b[31m.yaml")

    assert raised.value.problems == (f"{tmp_path}{os.sep}\\x1b[31m.yaml: cannot be read: No such file or directory",)
