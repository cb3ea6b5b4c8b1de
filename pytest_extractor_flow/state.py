"""The one object in pytest's ``config.stash``: the plugin's state during a session."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from pytest_extractor_flow.declared import PLACES
from pytest_extractor_flow.shared import DIRECTORY_PREFIX, STATE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from pytest_extractor_flow.capabilities import Capabilities, Probe
    from pytest_extractor_flow.lanes.report import Catalogue, LaneReport
    from pytest_extractor_flow.once.execution import Once
    from pytest_extractor_flow.once.session_directory import SessionDirectory
    from pytest_extractor_flow.options import FlowOptions
    from pytest_extractor_flow.runs.session_runs import FlowRuns
    from pytest_extractor_flow.runs.tamper_guard import Touched

_HANDED_OVER = "extractor_flow_directory"
GENERIC_MARKERS = frozenset({"cuda", "slurm", "spawn"})
"""Words that other projects use, too; where they register one, it is theirs."""


class PluginState:
    """The plugin's state in one process of a session, controller or worker."""

    def __init__(self, config: pytest.Config, further: Iterable[Mapping[str, Probe]]) -> None:
        self.registered: dict[str, str] = {}
        self.lane: LaneReport | None = None
        self.seen: tuple[pytest.Item, ...] = ()
        self.session: pytest.Session | None = None
        self.touched: tuple[Touched, ...] = ()
        self.judged_by_none = False
        self._config = config
        self._workerinput = cast("dict[str, Any] | None", getattr(config, "workerinput", None))
        self._further = further
        self._options: FlowOptions | None = None
        self._capabilities: Capabilities | None = None
        self._own_directory: SessionDirectory | None = None
        self._once: Once | None = None
        self._runs: FlowRuns | None = None
        self._flow_files: frozenset[Path] | None = None
        self._markers: frozenset[str] | None = None
        self._planned: Path | None = None
        self._process = os.getpid()

    @property
    def markers(self) -> frozenset[str]:
        """The plugin's markers, without those of which the project says that they are its own."""
        if self._markers is None:
            self._markers = frozenset({*self.registered, "flow"}) - self.foreign_markers()
        return self._markers

    def foreign_markers(self) -> frozenset[str]:
        """The markers that the project registers itself and has not given to the plugin (ini key ``flow_markers``)."""
        ours = {f"{name}: {meaning}" for name, meaning in self.registered.items()}
        lines = (line for line in self._config.getini("markers") if line not in ours)
        names = frozenset(line.partition(":")[0].partition("(")[0].strip() for line in lines)
        return names & GENERIC_MARKERS - frozenset(self._config.getini("flow_markers"))

    def has_own_flow_marker(self) -> bool:
        """Whether the project registers a marker ``flow`` itself, too."""
        lines: list[str] = self._config.getini("markers")
        return [line.partition(":")[0].partition("(")[0].strip() for line in lines].count("flow") > 1

    @property
    def options(self) -> FlowOptions:
        """What the options and ini keys say about runs; ``pytest.UsageError`` if one of them is wrong."""
        if self._options is None:
            from pytest_extractor_flow.options import read_flow_options

            self._options = read_flow_options(self._config)
        return self._options

    def refuse_wrong_options(self) -> None:
        """Read the options about runs if any was given, so that pytest stops before it collects if one is wrong."""
        option, getini = self._config.option, self._config.getini
        given = (*option.flow_config, *(getattr(option, name) for name in PLACES))
        if any(value is not None for value in given) or getini("flow_markers"):
            from pytest_extractor_flow.options import refuse_misread_options, refuse_unknown_markers

            refuse_misread_options(option)
            refuse_unknown_markers(self._config, {*self.registered, "flow"})
        if self._is_about_runs():
            self._options = self.options
        if option.flow_reference is not None or getini("flow_reference"):
            from pytest_extractor_flow.reference import reference_of

            reference_of(self._config)

    def _is_about_runs(self) -> bool:
        option, getini = self._config.option, self._config.getini
        given = (option.flow_run, option.flow_output, option.flow_timeout)
        keys = ("flow_config", "flow_files", "flow_timeout")
        named = option.flow_config or option.flow_archived or any(getini(key) for key in keys)
        return bool(named) or any(each is not None for each in given)

    @property
    def promised(self) -> frozenset[str]:
        """The capabilities that this session was told to require; an existing run was made elsewhere."""
        from pytest_extractor_flow.declared import required_hardware

        return frozenset() if self.options.existing else frozenset(required_hardware(self._config))

    @property
    def capabilities(self) -> Capabilities:
        """The capabilities known in this session, the plugin's own and those of other plugins."""
        if self._capabilities is None:
            from pytest_extractor_flow.capabilities import Capabilities

            self._capabilities = Capabilities(self._further)
        return self._capabilities

    @property
    def is_worker(self) -> bool:
        """Whether this is an xdist worker; a session without xdist has a controller only."""
        return self._workerinput is not None

    @property
    def worker(self) -> str:
        """The worker's name, ``main`` in the controller."""
        return str(self._workerinput["workerid"]) if self._workerinput else "main"

    @property
    def own_directory(self) -> SessionDirectory | None:
        """The session's directory if this is the controller and somebody has needed it."""
        return self._own_directory if os.getpid() == self._process else None

    def directory(self) -> Path:
        """The directory that all processes of this session share; the controller makes it when it is first needed."""
        if self._workerinput is not None:
            return _handed_over(self._workerinput)
        if self._own_directory is None:
            if os.getpid() != self._process:
                msg = "a run is asked for in a forked process, unforeseen; name the fixture in the test's arguments"
                raise pytest.fail.Exception(msg, pytrace=False)
            from pytest_extractor_flow.once.session_directory import EndsEarly, SessionDirectory

            self._own_directory = SessionDirectory(self._place())
            if self.session is not None:
                ends_early = EndsEarly(self.session, self._own_directory)
                self._config.pluginmanager.register(ends_early, "extractor_flow_ends_early")
        return self._own_directory.path

    def foresee(self, items: Iterable[pytest.Item]) -> None:
        """See to it that the directory is there before the first test if one of *items* will need it.

        Tests may run in processes that are forked off, each of which would make one of its own. A worker only makes the
        directory: its controller takes it over (:meth:`adopt`) before any test runs.
        """
        if any(map(waits_for_command, items)):
            if self._workerinput is None:
                self.directory()
            else:
                Path(self._workerinput[_HANDED_OVER]).mkdir(mode=0o700, exist_ok=True)

    def adopt(self) -> None:
        """In the controller: take over the directory if a worker has made it."""
        if self._planned is not None and self._planned.is_dir():
            try:
                self.directory()
            except pytest.UsageError:
                self._planned.rmdir()
                raise

    def hand_over(self, workerinput: dict[str, Any]) -> None:
        """Tell a new worker where the session's directory is, or will be if a test needs it."""
        if self.lane is not None or self._config.getoption("evidence") is not None or self._is_about_runs():
            self.directory()
        workerinput[_HANDED_OVER] = str(self._place())

    def _place(self) -> Path:
        """Where the session's directory is to be: a name that nobody else has."""
        if self._planned is None:
            import tempfile

            name = f"{DIRECTORY_PREFIX}{os.urandom(8).hex()}"
            self._planned = Path(tempfile.gettempdir()) / name
        return self._planned

    def leave_catalogue(self, found: Catalogue) -> None:
        """In a worker: leave what was collected for the controller, where a crash cannot take it along."""
        from extractor_flow.files import write_json

        write_json(self.directory() / f"collected-{self.worker}.json", found, durable=False)

    def catalogue_left_by(self, worker: str) -> Catalogue:
        """In the controller: what a worker collected."""
        from extractor_flow.files import read_json

        return cast("Catalogue", read_json(self.directory() / f"collected-{worker}.json"))

    def once(self) -> Once:
        """The commands of this session."""
        if self._once is None:
            from pytest_extractor_flow.once.execution import Once

            self._once = Once(self.directory())
        return self._once

    @property
    def has_runs(self) -> bool:
        """Whether a test in this process has asked for a run."""
        return self._runs is not None

    def runs(self) -> FlowRuns:
        """The runs of this session."""
        if self._runs is None:
            from pytest_extractor_flow.runs.session_runs import FlowRuns

            self._runs = FlowRuns(self._config, self.options, self.once, self.directory)
        return self._runs

    def was_named(self, path: Path) -> bool:
        """Whether *path* itself was given to pytest as a place with tests, also beside a directory that holds it."""
        start = self._config.invocation_params.dir
        return path in (Path(os.path.normpath(start / place.partition("::")[0])) for place in self._config.args)

    def is_flow_file(self, path: Path) -> bool:
        """Whether the ini key ``flow_files`` says that *path* is a config to be collected."""
        if self._flow_files is None:
            patterns = self._config.getini("flow_files")
            root = self._config.rootpath
            self._flow_files = frozenset(found for pattern in patterns for found in root.glob(pattern))
        return path in self._flow_files


def state_of(config: pytest.Config) -> PluginState:
    """The plugin's state; an empty one for a config that pytest has not configured, as other plugins' tests make."""
    state = config.stash.get(STATE, None)
    return config.stash.setdefault(STATE, PluginState(config, ())) if state is None else state


def markers_of(item: pytest.Item) -> set[str]:
    """The names of all markers that *item* carries."""
    return {mark.name for mark in item.iter_markers()}


def waits_for_command(item: pytest.Item) -> bool:
    """Whether the set-up of *item* may wait for a command; an item that is no function says so itself."""
    return "run_once" in getattr(item, "fixturenames", ()) or bool(getattr(item, "waits_for_command", False))


def mirror_markers(items: Iterable[pytest.Item], names: Collection[str] | None) -> None:
    """Add a ``marker`` entry to each test's ``user_properties`` for its markers in *names*, or for all of them.

    That is how they get into JUnit XML, which has no word for markers.
    """
    for item in items:
        for name in sorted(markers_of(item)):
            if names is None or name in names:
                item.user_properties.append(("marker", name))


def _handed_over(workerinput: dict[str, Any]) -> Path:
    directory = Path(workerinput[_HANDED_OVER])
    if not directory.is_dir():
        msg = (
            f"{directory}: not there; a run that no test names in its arguments or marks is not foreseen, and all "
            "workers must run on the controller's machine"
        )
        raise pytest.fail.Exception(msg, pytrace=False)
    return directory
