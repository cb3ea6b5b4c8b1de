"""What the plugin's modules share, and the hooks that other plugins and conftest files can implement.

``pytest_extractor_flow`` has no ``__init__.py``, and must not get one: pytest takes the modules of a plugin that is a
package through its rewriting of assertions, of which there are none here. That doubles the time of loading them, in
every session of everybody who has the plugin installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from extractor_flow.evidence.findings import Violation
    from pytest_extractor_flow.capabilities import Probe
    from pytest_extractor_flow.once.execution import Execution
    from pytest_extractor_flow.state import PluginState

STATE: pytest.StashKey[PluginState] = pytest.StashKey()
"""Where the plugin keeps what it remembers during a session, in ``config.stash``."""

DIRECTORY_PREFIX = "extractor-flow-"
"""How the directory that a session's processes share is called, below the temporary directory."""

RUN_FIXTURE = "_extractor_flow_run"
"""The private fixture under all flow fixtures; its parameter is a ``Choice`` of :mod:`runs.choice`."""


@pytest.hookspec
def pytest_extractor_flow_capabilities() -> Mapping[str, Probe]:  # type: ignore[empty-body]
    """Further capabilities: marker name to a function without arguments that returns a ``Capability``.

    Each name becomes a marker. A test that carries it is skipped, with the probe's reason, where the capability is
    missing, and ``--require-hardware`` knows it. A name that exists already is an error: nobody answers for ``cuda`` or
    ``macos_spawn`` in the plugin's place. Probes are asked at most once a process, when first needed; they must be
    cheap and must not start CUDA. Implement it in a plugin or in the conftest file of the root directory.
    """


@pytest.hookspec
def pytest_extractor_flow_violations(  # type: ignore[empty-body]
    run_directory: Path, summary: Mapping[str, Any] | None
) -> Iterable[Violation]:
    """Further violations (:class:`Violation`) found in a finished run; nothing if there is none.

    They join ``flow_verdict``, and a config file that is collected gets the item ``project`` for them. Called once for
    each run in each process that judges it. ``summary`` is the value of the run's ``summary.json``, or ``None`` if that
    cannot be read. The run directory must not be changed.
    """


@pytest.hookspec
def pytest_extractor_flow_before_cleanup(execution: Execution) -> None:
    """An executed command's output and log are about to be removed.

    Called exactly once for each command that was started in the session, in the controller only, also when the session
    failed or was interrupted.
    """
