import contextlib
import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractor_flow.readers.errors import ReadError
from extractor_flow.readers.text import parse
from support.files import genuine
from support.files.damage import damaged

MEMORY = 64 * 1024 * 1024
SETTINGS = settings(max_examples=50)
LEAVES = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
VALUES = st.recursive(LEAVES | TEXT, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20)


@pytest.mark.parametrize("kind", genuine.READERS)
@SETTINGS
@given(random=st.randoms(use_true_random=False))
def test_a_damaged_file_is_read_or_refused_in_bounded_memory(kind, random):
    data = damaged(kind, genuine.files()[kind], random)
    tracemalloc.start()
    try:
        with contextlib.suppress(ReadError):
            genuine.read(kind, data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MEMORY


@pytest.mark.parametrize("kind", genuine.READERS)
@SETTINGS
@given(data=st.binary(max_size=300))
def test_bytes_of_no_format_are_refused_or_read(kind, data):
    with contextlib.suppress(ReadError):
        genuine.read(kind, data)


@given(value=VALUES)
def test_strict_json_comes_back_as_it_was(value):
    assert parse(json.dumps(value, allow_nan=False), "f") == value


@pytest.mark.parametrize("kind", genuine.READERS)
def test_the_files_that_are_damaged_are_genuine(kind):
    assert genuine.read(kind, genuine.files()[kind]) is not None
