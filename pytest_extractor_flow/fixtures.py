"""The plugin's fixtures."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from pytest_extractor_flow.shared import STATE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from extractor_flow.compare.reference import Judgement
    from extractor_flow.study.records import HardwareProfile, JobRecord
    from extractor_flow.verify import Verdict
    from pytest_extractor_flow.once.execution import Command, Execution, Once, Status
    from pytest_extractor_flow.runs.session_runs import FlowRun


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
        from pytest_extractor_flow.once.execution import by_exit_status
        from pytest_extractor_flow.once.replay import require_ok

        return require_ok(self._once.execute(command, read or by_exit_status))


@pytest.fixture(scope="session")
def run_once(pytestconfig: pytest.Config) -> RunOnce:
    """Runs an external command exactly once in the session, whatever the number of workers, and replays its outcome.

    The time a test waits for it does not count against the test's own pytest-timeout.
    """
    return RunOnce(pytestconfig.stash[STATE].once())


@pytest.fixture(scope="session")
def _extractor_flow_run(request: pytest.FixtureRequest, run_once: RunOnce) -> FlowRun:
    """The run under test; its parameter is what :mod:`pytest_extractor_flow.runs.choice` decided at collection."""
    from pytest_extractor_flow.runs.choice import default_choice
    from pytest_extractor_flow.runs.handing_out import require_good_jobs

    del run_once  # asked for because a test that depends on it is known to wait
    state = request.config.stash[STATE]
    choice = request.param if hasattr(request, "param") else default_choice(state.options)
    run = state.runs().get(choice)
    if not choice.allow_failures:
        require_good_jobs(run, choice.config or next(iter(state.options.configs), None), state)
    return run


@pytest.fixture(scope="session")
def flow_run(_extractor_flow_run: FlowRun) -> Path:
    """The directory of the run under test, trained once in the session; a session whose tests write to it fails.

    The config is that of the nearest ``@pytest.mark.flow("configs/study.yaml")``, else of ``--flow-config``, else of
    the ini key ``flow_config``; a test about several configs runs for each. With ``--flow-run DIR`` it is DIR, and
    nothing is trained. If jobs failed in it, tests fail with the reasons, unless ``flow(..., allow_failures=True)``
    marks them; if no run came about, they fail with the end of its log.
    """
    return _extractor_flow_run.path


@pytest.fixture(scope="session")
def flow_summary(_extractor_flow_run: FlowRun) -> dict[str, Any]:
    """The value of the ``summary.json`` of ``flow_run``, shared between tests."""
    with _readable():
        return _extractor_flow_run.summary


@pytest.fixture(scope="session")
def flow_records(_extractor_flow_run: FlowRun) -> tuple[JobRecord, ...]:
    """The latest :class:`JobRecord` of each job of ``flow_run``, from its journal, in study order."""
    with _readable():
        return _extractor_flow_run.records


@pytest.fixture(scope="session")
def flow_markdown(_extractor_flow_run: FlowRun) -> str:
    """The ``summary.md`` of ``flow_run`` for a snapshot: times, paths and machines are masked, metrics are not."""
    with _readable():
        return _extractor_flow_run.markdown


@pytest.fixture(scope="session")
def flow_verdict(_extractor_flow_run: FlowRun) -> Verdict:
    """The :class:`Verdict` on ``flow_run``, with what ``pytest_extractor_flow_violations`` adds."""
    with _readable():
        return _extractor_flow_run.verdict


@pytest.fixture
def flow_reference(request: pytest.FixtureRequest, flow_run: Path) -> Sequence[Judgement]:
    """How ``flow_run`` stands against the reference; the test fails where it does not hold.

    The reference is that of the nearest ``@pytest.mark.flow(..., reference="tests/reference_run")``, from the root
    directory, else of ``--flow-reference``, else of the ini key ``flow_reference``.
    """
    from pytest_extractor_flow.reference import hold_reference, reference_for
    from pytest_extractor_flow.runs.choice import config_of

    return hold_reference(flow_run, config_of(request.node), reference_for(request.node))


@pytest.fixture(scope="session")
def hardware_profile() -> HardwareProfile:
    """The :class:`HardwareProfile` of this machine; no torch is imported and CUDA is not started.

    Those of the machines that a run was made on are in ``flow_summary["hardware_overview"]``.
    """
    from extractor_flow.run.hardware import probe

    return probe()


@contextmanager
def _readable() -> Iterator[None]:
    """Turn an error message into a failure without a traceback."""
    from extractor_flow.errors import HarnessError

    try:
        yield
    except HarnessError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
