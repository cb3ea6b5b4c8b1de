"""The plugin's fixtures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_extractor_flow.state import STATE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_extractor_flow.once import Command, Execution, Once, Status


class RunOnce:
    """Runs commands once a session, over all xdist workers."""

    def __init__(self, once: Once) -> None:
        self._once = once

    def output(self, name: str) -> Path:
        """The directory that the command called *name* may write to, known before it runs; removed with the session."""
        return self._once.output(name)

    def __call__(self, command: Command, read: Callable[[int], Status] | None = None) -> Execution:
        """The one execution of *command*, if it ended well.

        Otherwise the test fails, or is skipped if *read*, which turns an exit status into an outcome, says
        ``skipped``; so does every later test that asks, without running anything.
        """
        from pytest_extractor_flow.once import by_exit_status
        from pytest_extractor_flow.replay import require_ok

        return require_ok(self._once.execute(command, read or by_exit_status))


@pytest.fixture(scope="session")
def run_once(pytestconfig: pytest.Config) -> RunOnce:
    """Runs an external command exactly once in the session, whatever the number of workers, and replays its outcome.

    The time a test waits for it does not count against the test's own pytest-timeout.
    """
    return RunOnce(pytestconfig.stash[STATE].once())
