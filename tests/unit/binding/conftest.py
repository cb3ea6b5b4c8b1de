"""One published run of the line_fit flow, made as a user makes it, and copies of it to tamper with."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.lies.tampering import Tampering
from support.published import lines


@pytest.fixture(scope="session")
def published(shared_run) -> Path:
    """A run of two seeds of two models, one of which fails; never written to."""
    return shared_run(lines({"name": "a"}, {"name": "bad", "fault": "raise"}, seeds=[0, 1]))


@pytest.fixture
def run(published, tampering_with) -> Tampering:
    """A copy of the published run, which may be changed."""
    return tampering_with(published)
