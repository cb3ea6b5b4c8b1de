"""The runs of a session: each config is trained once over all workers, and read once in each process."""

from __future__ import annotations

import platform
import sys
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from pytest_extractor_flow.evidence.runs import note_run
from pytest_extractor_flow.once.execution import Command
from pytest_extractor_flow.once.replay import ExecutionFailed, NotJudged, require_ok
from pytest_extractor_flow.runs.choice import Choice, settled, shown_path
from pytest_extractor_flow.runs.tamper_guard import note_unjudged, note_untouched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from extractor_flow.evidence.findings import Violation
    from extractor_flow.study.records import JobRecord
    from extractor_flow.verify import Verdict
    from pytest_extractor_flow.once.execution import Once, Status
    from pytest_extractor_flow.options import FlowOptions

# What the command prints goes to a log that people read in a report.
_PLAIN_OUTPUT = {"FORCE_COLOR": "", "TTY_COMPATIBLE": "0", "COLUMNS": "160"}


class FlowRun:
    """A finished run, read from its published files and its journal, which nobody here writes to.

    A file that cannot be read raises :class:`extractor_flow.errors.DataError`. With *archived* it may be a slim copy.
    """

    def __init__(self, path: Path, config: pytest.Config, *, archived: bool = False) -> None:
        self.path = path
        self._config = config
        self._archived = archived

    @cached_property
    def root(self) -> str | None:
        """The root that binds the run's files; ``None`` for one that was never bound."""
        from extractor_flow.run.rundir import RunDirectory

        return RunDirectory(self.path).root()

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The value of ``summary.json``."""
        from extractor_flow.errors import DataError
        from extractor_flow.files import read_json
        from extractor_flow.layout import SUMMARY

        value = read_json(self.path / SUMMARY)
        if not isinstance(value, dict):
            msg = f"{self.path / SUMMARY}: expected an object"
            raise DataError(msg)
        return value

    @cached_property
    def records(self) -> tuple[JobRecord, ...]:
        """The latest record of each job in the journal, in the order of the study."""
        from extractor_flow.run.rundir import RunDirectory

        return tuple(RunDirectory.open(self.path).records())

    @cached_property
    def markdown(self) -> str:
        """``summary.md``, normalised by :func:`extractor_flow.testing.normalise_markdown`."""
        from extractor_flow.files import read_text
        from extractor_flow.layout import MARKDOWN
        from extractor_flow.testing import normalise_markdown

        return normalise_markdown(read_text(self.path / MARKDOWN))

    @cached_property
    def project_violations(self) -> tuple[Violation, ...]:
        """What the hook ``pytest_extractor_flow_violations`` found."""
        return tuple(self._ask_the_project())

    @cached_property
    def own_verdict(self) -> Verdict:
        """The harness's judgement alone; noted for ``--evidence``."""
        from extractor_flow.verify import verify

        return self._noted(verify(self.path, archived=self._archived))

    @cached_property
    def verdict(self) -> Verdict:
        """The harness's judgement and the project's together, in the order of the files; noted for ``--evidence``."""
        own = self.own_verdict
        violations = sorted((*own.violations, *self.project_violations), key=lambda each: each.file)
        return self._noted(replace(own, violations=tuple(violations)))

    def _noted(self, verdict: Verdict) -> Verdict:
        from extractor_flow.files import parse_json
        from extractor_flow.verify import FORMATS

        text = FORMATS["json"](verdict, str(self.path))
        note_run(self._config, self.path, cast("dict[str, Any]", parse_json(text, where="verdict")))
        return verdict

    def _ask_the_project(self) -> Iterator[Violation]:
        from extractor_flow.errors import DataError
        from extractor_flow.evidence.findings import Violation

        try:
            summary = self.summary
        except DataError:
            summary = None
        answers = self._config.hook.pytest_extractor_flow_violations(run_directory=self.path, summary=summary)
        for answer in answers:
            for violation in [answer] if isinstance(answer, Violation) else answer:
                if not isinstance(violation, Violation):
                    msg = f"pytest_extractor_flow_violations gave {violation!r}; expected a Violation"
                    raise TypeError(msg)
                yield violation


class FlowRuns:
    """The runs of this session by what tests choose; *once* makes them, if there is something to make.

    *session* gives the session's directory, in which is noted what a run looked like before the first test.
    """

    def __init__(
        self, config: pytest.Config, options: FlowOptions, once: Callable[[], Once], session: Callable[[], Path]
    ) -> None:
        self._config = config
        self._options = options
        self._once = once
        self._session = session
        self._known: dict[Choice, FlowRun] = {}

    def get(self, choice: Choice) -> FlowRun:
        """The run that was chosen, trained now if it is the first time in the session.

        The test that asks fails if it could not be made, and is skipped if the session's existing run is another.
        """
        choice = replace(settled(choice, self._options), allow_failures=False)  # it is the same run
        if choice not in self._known:
            existing = self._options.existing
            path = self._train(choice) if existing is None else self._recognise(existing, choice)
            note_untouched(self._session(), path, trained=existing is None)
            note_run(self._config, path)
            self._known[choice] = FlowRun(path, self._config, archived=self._options.archived)
        return self._known[choice]

    def _train(self, choice: Choice) -> Path:
        once = self._once()
        command = self._command(choice, once)
        execution = require_ok(once.execute(command, by_published_run))
        path = published_run(once.result(command.name))
        if path is None:
            raise ExecutionFailed(replace(execution, status="failed", reason=f"{execution.reason}, nothing published"))
        return path

    def _command(self, choice: Choice, once: Once) -> Command:
        root = self._config.rootpath
        config = shown_path(cast("Path", choice.config), root)
        start = () if choice.start_method is None else ("--start-method", choice.start_method)
        name = " ".join((config, *start))
        output = self._options.output or once.output(name)
        return Command(
            name=name,
            argv=(
                sys.executable,
                "-P",
                "-m",
                "extractor_flow.cli",
                "run",
                config,
                "--output-root",
                str(output),
                "--result",
                str(once.result(name)),
                *start,
            ),
            timeout=self._options.timeout,
            cwd=root,
            environment={**_PLAIN_OUTPUT, **self._options.environment},
        )

    def _recognise(self, existing: Path, choice: Choice) -> Path:
        """*existing* if it is the run of *choice*; otherwise the test that asks is skipped, for nothing was checked.

        It fails if the run does not say, or says twice and differently, what it is a run of.
        """
        from extractor_flow.errors import HarnessError
        from extractor_flow.verify.request import read_request

        try:
            request = read_request(existing)
            why = _other_config(request, choice) or _other_start(request, choice)
        except HarnessError as error:
            msg = f"--flow-run {existing}: {error}"
            raise pytest.fail.Exception(msg, pytrace=False) from None
        if why is not None:
            note_unjudged(self._session())
            msg = f"--flow-run {existing} is not this test's run: {why}"
            raise NotJudged(msg)
        return existing


def by_published_run(status: int) -> Status:
    """A run whose jobs failed is published too (exit status 1): tests judge it."""
    return "ok" if status in {0, 1} else "failed"


def published_run(result: Path) -> Path | None:
    """The run that the command published, as its file *result* tells; ``None`` if it published nothing."""
    from extractor_flow.errors import DataError
    from extractor_flow.files import read_json

    try:
        data = read_json(result)
    except DataError:
        return None
    if not isinstance(data, dict) or data.get("published") is not True:
        return None
    run = Path(str(data["run_directory"]))
    return run if run.is_dir() else None


def _other_config(request: Mapping[str, Any], choice: Choice) -> str | None:
    """Why a run was not made from the chosen config: its settings, overrides apart, are others."""
    from extractor_flow.config import read_config
    from extractor_flow.registry import DEFAULT_FLOW, executor_names, find_flow
    from extractor_flow.run.provenance import config_digest

    if choice.config is None:
        return None
    document = read_config(choice.config).without(executor_names())
    flow = find_flow(str(document.data.get("flow", DEFAULT_FLOW)))
    before = {**request["overrides"], "run_id": request["run_id"], "output_root": request["output_root"]}
    same = config_digest(flow.study(document, before).settings) == request["config_sha256"]
    return None if same else f"it was made from other settings than {choice.config}"


def _other_start(request: Mapping[str, Any], choice: Choice) -> str | None:
    """Why a run does not count for a test of spawn: its own words say neither that it spawned nor that it was here."""
    if choice.start_method is None:
        return None
    arguments = " ".join(request["command"]).replace("=", " ").split()
    if "--start-method spawn" not in " ".join(arguments):
        return "it was not started with --start-method spawn"
    there, here = (name.partition("-")[0] for name in (request["platform"], platform.platform()))
    return None if there == here else f"it was made on {there}; this is {here}"
