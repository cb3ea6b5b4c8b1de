"""The pytest plugin of the harness: one real run a session, hardware markers, lane reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_extractor_flow.state import PluginState

STATE: pytest.StashKey[PluginState] = pytest.StashKey()
"""Where the plugin keeps what it remembers during a session, in ``config.stash``."""

RUN_FIXTURE = "_extractor_flow_run"
"""The private fixture under all flow fixtures; its parameter is a ``Choice`` of :mod:`runs.choice`."""
