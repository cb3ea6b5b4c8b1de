"""Fixtures for tests that train extractors for real."""

from __future__ import annotations

import pytest
from extractor_bench import Bench


@pytest.fixture
def bench(tmp_path):
    """Runs small comparisons."""
    return Bench(tmp_path)


@pytest.fixture(scope="module")
def shared_bench(tmp_path_factory):
    """Runs small comparisons whose jobs several tests look at."""
    return Bench(tmp_path_factory.mktemp("bench"))
