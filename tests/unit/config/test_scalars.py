"""What an unquoted word means: YAML 1.2's core schema."""

from __future__ import annotations

import pytest

from extractor_flow.config import read_config
from extractor_flow.errors import ConfigError


def typed(value: object) -> tuple[str, object]:
    return type(value).__name__, value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("NULL", None),
        ("nUll", "nUll"),
        ("true", True),
        ("False", False),
        ("tRue", "tRue"),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("0", 0),
        ("-12", -12),
        ("+12", 12),
        ("010", 10),
        ("09", 9),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("-0x1F", "-0x1F"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("190:20:30", "190:20:30"),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("1e3", 1000.0),
        ("3e-4", 0.0003),
        ("1E+2", 100.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("-.5e1", -5.0),
        ("1e-400", 0.0),
        ("1.2.3", "1.2.3"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("2024-01-01", "2024-01-01"),
        ("2024-01-01 10:00:00", "2024-01-01 10:00:00"),
        ("=", "="),
        ("'1'", "1"),
        ('"true"', "true"),
        ("'~'", "~"),
        ("''", ""),
        ("|-\n  1", "1"),
        ("! 1", "1"),
        ("!!str 1", "1"),
        ("!!str", ""),
        ("!!int '7'", 7),
        ("!!float 3", 3.0),
        ("!!bool 'true'", True),
        ("!!null ''", None),
    ],
)
def test_a_scalar_means_what_yaml_1_2_says(tmp_path, text, value):
    path = tmp_path / "c.yaml"
    path.write_text(f"a: {text}\n")

    assert typed(read_config(path).data["a"]) == typed(value)


def test_a_tag_must_fit_its_text(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("a: !!int abc\n")

    with pytest.raises(ConfigError, match="a: is 'abc'; expected text of the form that its tag !!int promises"):
        read_config(path)
