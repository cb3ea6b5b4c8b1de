"""One tiny run of the study, shared by the session; its tests train, so the light matrix leaves them out."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.flows.dose_fixtures import copied, finished, studied

__all__ = ["copied", "finished", "studied"]
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.train)
