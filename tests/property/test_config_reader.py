"""read_config on any file, and on every value that a YAML writer can produce."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from extractor_flow.config import ConfigDocument, read_config
from extractor_flow.config.reference import KEY
from extractor_flow.config.scalars import plain
from extractor_flow.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

YAML_PIECES = st.sampled_from([
    *"abc:-?,[]{}#&*!|>'\"%@`\\ \n\t01.~<=+",
    "\n  ", "\n- ", ": ", "? ", "---\n", "...", "!!str ", "!!int ", "!!python/name:os.system ", "&a ", "*a", "<<: ",
    "%YAML 1.1\n", "\\x", "\\uD800", "\\UFFFFFFFF", "0x1", "1e999", ".inf", ".nan", "null", "true", "\x85", "\u2028",
    "\ufeff", "\x00", "é", "😀",
])  # fmt: skip
ANY_BYTES = st.binary(max_size=200) | st.lists(YAML_PIECES, max_size=40).map(lambda pieces: "".join(pieces).encode())

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
VALUES = st.recursive(
    SCALARS, lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXT, below, max_size=4), max_leaves=12
)
# One section has a schema of its own as a config is read; Hypothesis finds its name among the strings of the package.
MAPPINGS = st.dictionaries(TEXT.filter(lambda key: key != KEY), VALUES, max_size=5)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("config") / "c.yaml"


def read_as_yaml_1_2(value: object) -> object:
    """The one difference: a writer for YAML 1.1 leaves 1e3, 0o7 and 09 unquoted, and those are numbers here."""
    if isinstance(value, list):
        return [read_as_yaml_1_2(each) for each in value]
    if isinstance(value, dict):
        return {key: read_as_yaml_1_2(each) for key, each in value.items()}
    is_unquoted = isinstance(value, str) and yaml.safe_dump(value).rstrip(".\n ") == value.rstrip(".")
    return plain(value) if is_unquoted else value


def has_number_like_key(value: object) -> bool:
    if isinstance(value, list):
        return any(has_number_like_key(each) for each in value)
    if isinstance(value, dict):
        return any(read_as_yaml_1_2(key) != key or has_number_like_key(each) for key, each in value.items())
    return False


@settings(max_examples=100)
@given(content=ANY_BYTES)
def test_any_bytes_give_a_document_or_a_config_error(file, content):
    file.write_bytes(content)
    try:
        outcome: object = read_config(file)
    except ConfigError as error:
        outcome = error

    assert isinstance(outcome, ConfigDocument) or all(line.startswith(str(file)) for line in outcome.problems)


@settings(max_examples=60)
@given(mapping=MAPPINGS.filter(lambda mapping: not has_number_like_key(mapping)))
def test_what_a_yaml_writer_wrote_is_read_back(file, mapping):
    file.write_text(yaml.safe_dump(mapping, allow_unicode=False), encoding="utf-8")

    assert read_config(file).data == read_as_yaml_1_2(mapping)


@settings(max_examples=50)
@given(mapping=MAPPINGS)
def test_quoted_and_tagged_output_is_read_back_as_it_was(file, mapping):
    file.write_text(yaml.safe_dump(mapping, default_style='"'), encoding="utf-8")

    assert read_config(file).data == mapping


@settings(max_examples=50)
@given(mapping=MAPPINGS)
def test_every_key_and_item_has_a_position_and_nothing_else(file, mapping):
    file.write_text(yaml.safe_dump(mapping, default_style='"'), encoding="utf-8")
    document = read_config(file)

    assert set(document.positions) == set(paths_of(document.data, ()))
    assert all(1 <= line <= file.read_text(encoding="utf-8").count("\n") + 1 for line in document.positions.values())


def paths_of(value: object, path: tuple[str | int, ...]) -> list[tuple[str | int, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(each for key, child in children for each in paths_of(child, (*path, key)))]


@given(number=st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_written_by_python_is_read_back_exactly(number):
    read = plain(repr(number))

    assert (type(read), read, math.copysign(1, read)) == (float, number, math.copysign(1, number))
