"""Tests that train: all carry the marker ``train``, so that the light matrix leaves them out, for they need torch."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.train)


@pytest.fixture
def bench(tmp_path):
    """Runs small comparisons."""
    from support.flows.extractor_bench import Bench

    return Bench(tmp_path)


@pytest.fixture(scope="module")
def shared_bench(tmp_path_factory):
    """Runs small comparisons whose jobs several tests look at."""
    from support.flows.extractor_bench import Bench

    return Bench(tmp_path_factory.mktemp("bench"))
