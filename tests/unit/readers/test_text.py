import io
import json

import pytest

from extractor_flow.readers.errors import Kind, ReadError, one_line, shown
from extractor_flow.readers.text import CONTAINER_LIMIT, LINE_LIMIT, Line, Torn, read_json, read_json_lines


def refusal(data: bytes, **options) -> Kind:
    with pytest.raises(ReadError) as caught:
        read_json(io.BytesIO(data), "summary.json", **options)
    return caught.value.kind


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", Kind.NOT_JSON),
        (b"{", Kind.NOT_JSON),
        (b"{} {}", Kind.NOT_JSON),
        (b"{'a': 1}", Kind.NOT_JSON),
        (b'{"a": 1,}', Kind.NOT_JSON),
        (b'"\n"', Kind.NOT_JSON),
        (b"01", Kind.NOT_JSON),
        (b"NaN", Kind.NOT_FINITE),
        (b'{"a": -Infinity}', Kind.NOT_FINITE),
        (b"[1e999]", Kind.NUMBER_RANGE),
        (b"1" * 400, Kind.NUMBER_RANGE),
        (b"1" * 5000, Kind.NUMBER_RANGE),
        (b'{"a": {"b": 1, "b": 1}}', Kind.DUPLICATE_KEY),
        (b"[" * 65 + b"]" * 65, Kind.NESTED),
        (b"[" * 1_000_000, Kind.NESTED),
        (b'{"a":' * 1000, Kind.NESTED),
        (b"\xef\xbb\xbf{}", Kind.BOM),
        (b'{"a": "\0"}', Kind.NUL_BYTE),
        (b'"\xff"', Kind.NOT_UTF8),
        (b'"\\ud800"', Kind.NOT_UTF8),
        (b'{"\\uDFFF": 1}', Kind.NOT_UTF8),
        (b"[" + b"[]," * CONTAINER_LIMIT + b"0]", Kind.TOO_MANY),
    ],
)
def test_json_that_is_not_strict_is_refused_by_name(data, kind):
    assert refusal(data) == kind


def test_json_beyond_its_limit_is_refused():
    assert refusal(b'"123456789"', limit=10) == Kind.TOO_LARGE


@pytest.mark.parametrize(
    "value", [{"a": [1, -2.5, None, True, '\\"{[', "Ω\u202e🙂"]}, [], "NaN", 10**299, [[[]]], {"[": "]"}]
)
def test_strict_json_is_read_as_it_was_written(value):
    data = json.dumps(value, ensure_ascii=False).encode() + b"\n"

    assert read_json(io.BytesIO(data), "f") == value


def test_a_pair_of_surrogates_is_one_character():
    assert read_json(io.BytesIO(b'"\\ud83d\\ude42"'), "f") == "🙂"


def test_brackets_and_quotes_inside_strings_are_no_nesting():
    assert read_json(io.BytesIO(json.dumps(['\\"' + "[" * 100] * 3).encode()), "f") == ['\\"' + "[" * 100] * 3


def test_duplicate_keys_are_found_in_a_large_object_in_linear_time():
    members = ",".join(f'"k{n}":0' for n in range(200_000))

    assert refusal(f'{{{members},"k0":1}}'.encode()) == Kind.DUPLICATE_KEY


def test_an_unclosed_string_of_escapes_is_scanned_in_linear_time():
    assert refusal(b'"' + b'\\"' * 1_000_000) == Kind.NOT_JSON


def test_json_lines_come_with_their_numbers():
    assert list(read_json_lines(io.BytesIO(b'{"a": 1}\n2\n'), "j")) == [Line(1, {"a": 1}), Line(2, 2)]


def test_a_torn_last_line_comes_last_as_itself():
    assert list(read_json_lines(io.BytesIO(b'1\n{"a": 1}'), "j")) == [Line(1, 1), Torn(2, b'{"a": 1}')]


def test_a_bad_line_before_the_last_raises_with_its_number():
    with pytest.raises(ReadError, match=r"^j:2: ") as caught:
        list(read_json_lines(io.BytesIO(b"1\n{\n3\n"), "j"))
    assert caught.value.kind == Kind.NOT_JSON


def test_a_line_without_an_end_in_sight_is_refused():
    with pytest.raises(ReadError) as caught:
        list(read_json_lines(io.BytesIO(b" " * (LINE_LIMIT + 2)), "j"))
    assert caught.value.kind == Kind.TOO_LARGE


def test_a_message_stays_on_one_line_and_obeys_no_terminal():
    error = ReadError(Kind.MISSING, "a\nOK\x1b[2J", "b\u2028\u202e\tc")

    assert str(error) == "a\\nOK\\x1b[2J: b\\u2028\\u202e\\tc"


def test_long_values_are_cut_in_messages():
    lengths = len(one_line("x" * 10**6)), len(shown("x" * 10**6)), len(shown(b"x" * 10**6)), len(shown(10**5000))
    assert all(length < 1100 for length in lengths)
