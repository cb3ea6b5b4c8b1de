"""The section ``reference`` of a config: how far a run may fall behind an earlier one. No setting of the study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extractor_flow.config.document import ConfigDocument
from extractor_flow.config.schema import check_schema

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from extractor_flow.config.messages import Keys
    from extractor_flow.files import Json

KEY = "reference"
_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        KEY: {
            "type": "object",
            "additionalProperties": False,
            "required": ["margin"],
            "properties": {
                "margin": {"type": "number", "minimum": 0},
                "metric": {"type": "string", "minLength": 1},
            },
        }
    },
}


def without_reference(path: Path, data: dict[str, Json], positions: Mapping[Keys, int]) -> ConfigDocument:
    """The config *data* of *path*, its section ``reference`` apart; :class:`ConfigError` if that is wrong."""
    section = {KEY: data[KEY]} if KEY in data else {}
    problems = check_schema(ConfigDocument(path, section, positions), _SCHEMA)
    document = ConfigDocument(path, {key: value for key, value in data.items() if key != KEY}, positions)
    if problems:
        raise document.complain(problems)
    found = section.get(KEY)
    return ConfigDocument(path, document.data, positions, reference=found if isinstance(found, dict) else None)
