"""What all tests share: a place where the command is run as a user runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.workbench import Workbench


@pytest.fixture
def workbench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path)
