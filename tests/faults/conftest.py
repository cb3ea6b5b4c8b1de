"""The table of the fault suite: what was tried, and what came of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

TABLE = "FAULT_TABLE"
"""The environment variable that names the file to which `make faults` has the rows written."""


@pytest.fixture
def told():
    """Adds a row to the table: what was tried, how often, and each problem found."""

    def row(what, moments, problems):
        if place := os.environ.get(TABLE):
            with Path(place).open("a", encoding="utf-8") as file:
                file.write(f"| {what} | {moments} | {len(problems)} |\n")

    return row
