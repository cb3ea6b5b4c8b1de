"""Where a comparison runs."""

from __future__ import annotations

import pytest

from support.flows.platform_runs import Place


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)
