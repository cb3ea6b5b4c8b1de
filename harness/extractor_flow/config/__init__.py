"""Reads a YAML config into plain data and checks it against a JSON Schema.

Every complaint is ``file:line: dotted.key: what was found; what would do``, and they come all at once.
"""

from __future__ import annotations

from extractor_flow.config.defaults import resolve_defaults
from extractor_flow.config.document import ConfigDocument, Problem
from extractor_flow.config.expectations import did_you_mean
from extractor_flow.config.messages import dotted, nearest, shown
from extractor_flow.config.reader import SIZE_LIMIT, read_config
from extractor_flow.config.schema import check_options, check_overrides, check_schema, problems_of

__all__ = [
    "SIZE_LIMIT",
    "ConfigDocument",
    "Problem",
    "check_options",
    "check_overrides",
    "check_schema",
    "did_you_mean",
    "dotted",
    "nearest",
    "problems_of",
    "read_config",
    "resolve_defaults",
    "shown",
]
