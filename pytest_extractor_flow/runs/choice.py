"""Which run a test checks, decided when it is collected: by its marks, or else by the session's options."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pytest_extractor_flow.options import find_config
from pytest_extractor_flow.shared import RUN_FIXTURE, STATE

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from _pytest.outcomes import Failed

    from pytest_extractor_flow.options import FlowOptions
else:
    Failed = pytest.fail.Exception

_SPAWNING = ("spawn", "macos_spawn")
_ADVICE = (
    'mark it with @pytest.mark.flow("configs/study.yaml"), or give --flow-config FILE, the ini key flow_config, or '
    "--flow-run DIR to check an existing run"
)


class NoConfig(Failed):
    """A test asks for a run, and neither it nor the session says of which config."""


@dataclass(frozen=True)
class Choice:
    """A run: *config*'s under *start_method*; ``None`` leaves that to the session's options, and to the config.

    ``allow_failures`` says that the test wants it, too, if jobs failed in it. ``label`` is what reports show, the same
    on every machine.
    """

    config: Path | None = None
    start_method: Literal["spawn"] | None = None
    allow_failures: bool = False
    label: str = field(default="", compare=False)

    def __repr__(self) -> str:
        return " ".join(part for part in (self.label, self.start_method) if part)


def parametrize(metafunc: pytest.Metafunc, options: FlowOptions) -> None:
    """Have a test that asks for a flow fixture run once for each config it is about.

    A test without marks in a session with one config is left as it is: parametrizing reorders tests.
    """
    node, config = metafunc.definition, metafunc.config
    try:
        configs: Sequence[Path | None] = _marked(node) or options.configs or (None,)
    except pytest.UsageError as error:
        raise pytest.Collector.CollectError(str(error)) from None
    start_method = _start_method(node)
    if len(configs) == 1 and start_method is None and node.get_closest_marker("flow") is None:
        return
    allowed = _allows_failures(node)
    choices = [Choice(each, start_method, allowed, _label(each, config.rootpath)) for each in configs]
    ids = _ids([choice.config for choice in choices if choice.config is not None], config.rootpath)
    metafunc.parametrize(RUN_FIXTURE, choices, indirect=True, scope="session", ids=ids or list(map(repr, choices)))


def refuse_unheard_marks(item: pytest.Item) -> None:
    """Fail a test whose run was chosen without one of its marks: it would pass in the name of another run."""
    callspec = getattr(item, "callspec", None)
    chosen = callspec.params.get(RUN_FIXTURE, Choice()) if callspec else Choice()
    try:
        marked = _marked(item)
    except pytest.UsageError as error:
        pytest.fail(str(error), pytrace=False)
    heard = chosen.start_method == _start_method(item) and chosen.allow_failures == _allows_failures(item)
    if not heard or (marked and chosen.config not in marked):
        pytest.fail(late_mark(item), pytrace=False)


def late_mark(item: pytest.Item) -> str:
    """What is wrong with *item*: it has a mark that chooses a run, and its run was chosen without it."""
    return (
        f"{item.nodeid}: the marks flow, spawn and macos_spawn choose the run when a test is collected; they must "
        "stand on a function, its class or its module, not on one parameter or a unittest.TestCase, and be neither "
        "added later nor left to request.getfixturevalue(), as steps do: a scenario of pytest-bdd has the flow fixture "
        "in the arguments of its decorated function, and the mark there"
    )


def unused_mark(item: pytest.Item) -> str | None:
    """What is wrong with *item* if a mark of its own names a config, and it has asked for no run of it.

    Marks of a class or module are also for tests that ask for none, and a project's own marker ``flow`` is left alone.
    """
    configs = [name for mark in item.own_markers if mark.name == "flow" for name in mark.args if _is_yaml(name)]
    if not configs or RUN_FIXTURE in used_fixtures(item) or item.config.stash[STATE].has_own_flow_marker():
        return None
    return (
        f"{item.nodeid}: marked flow({str(configs[0])!r}), and it asks for no run: nothing was trained or judged; "
        "name a flow fixture in its arguments, such as flow_verdict, or take the mark away"
    )


def chooses(item: pytest.Item) -> bool:
    """Whether *item* carries a mark that chooses a run."""
    return item.get_closest_marker("flow") is not None or _start_method(item) is not None


def asked_at_run_time(item: pytest.Item) -> bool:
    """Whether *item* got a run by ``request.getfixturevalue()``, perhaps one that was there for another test."""
    return RUN_FIXTURE in used_fixtures(item) and RUN_FIXTURE not in getattr(item, "fixturenames", ())


def used_fixtures(item: pytest.Item) -> Collection[str]:
    """The names of the fixtures that *item* has got so far; pytest has no public word for that."""
    return getattr(getattr(item, "_request", None), "_fixture_defs", ())


def config_of(item: pytest.Item) -> Path | None:
    """The config that the run of *item* was chosen by; ``None`` where the session's existing run is all there is."""
    callspec = getattr(item, "callspec", None)
    chosen = callspec.params.get(RUN_FIXTURE, Choice()) if callspec else Choice()
    return chosen.config or next(iter(item.config.stash[STATE].options.configs), None)


def default_choice(options: FlowOptions) -> Choice:
    """The choice for a test that was not parametrized, which may have asked by ``request.getfixturevalue()``."""
    if len(options.configs) > 1:
        msg = "the session has several configs; name the flow fixture in the test's arguments, and it runs for each"
        pytest.fail(msg, pytrace=False)
    return Choice()


def settled(choice: Choice, options: FlowOptions) -> Choice:
    """*choice* with the session's config where it leaves that open; the test fails if nobody has named one."""
    if choice.config is not None or options.existing is not None:
        return choice
    if not options.configs:
        msg = f"this test checks a run, and no config was named: {_ADVICE}"
        raise NoConfig(msg, pytrace=False)
    return replace(choice, config=options.configs[0])


def shown_path(path: Path, root: Path) -> str:
    """*path* as people write it: relative to *root* if it lies below it."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _start_method(node: pytest.Item) -> Literal["spawn"] | None:
    ours = node.config.stash[STATE].markers.intersection(_SPAWNING)
    return "spawn" if any(node.get_closest_marker(name) is not None for name in ours) else None


def _allows_failures(node: pytest.Item) -> bool:
    """What the nearest mark ``flow`` says about runs in which jobs failed."""
    mark = node.get_closest_marker("flow")
    return mark is not None and mark.kwargs.get("allow_failures", False) is True


def _marked(node: pytest.Item) -> tuple[Path, ...]:
    """The configs of the nearest mark ``flow`` that names any: below the root directory, or beside the test's file."""
    if sum(own.name == "flow" for own in node.own_markers) > 1:
        msg = f"{node.nodeid}: two marks flow on one function; write one with all its configs, flow('a.yaml', 'b.yaml')"
        raise pytest.UsageError(msg)
    names: tuple[Any, ...] = ()
    for mark in node.iter_markers("flow"):
        _refuse_wrong_mark(mark, node.nodeid)
        names = names or mark.args
    places = (node.config.rootpath, node.path.parent)
    found = [find_config(os.fspath(name), places, f"{node.nodeid}: flow({str(name)!r})") for name in names]
    return tuple(dict.fromkeys(found))


def _refuse_wrong_mark(mark: pytest.Mark, nodeid: str) -> None:
    paths = all(isinstance(name, str | os.PathLike) for name in mark.args)
    keys = mark.kwargs.keys() <= {"allow_failures", "reference"} and isinstance(
        mark.kwargs.get("allow_failures", True), bool
    )
    paths = paths and isinstance(mark.kwargs.get("reference", ""), str | os.PathLike)
    if not (mark.args or mark.kwargs) or not paths or not keys:
        msg = (
            f"{nodeid}: the mark flow takes one or more paths of configs, such as flow('configs/study.yaml'), and "
            "allow_failures=True for a test that judges failures, reference='DIR' for one that asks for flow_reference"
        )
        raise pytest.UsageError(msg)


def _is_yaml(name: object) -> bool:
    return isinstance(name, str | os.PathLike) and os.fspath(name).endswith((".yaml", ".yml"))


def _label(config: Path | None, root: Path) -> str:
    return "" if config is None else os.path.relpath(config, root).replace(os.sep, "/")


def _ids(configs: Sequence[Path], root: Path) -> list[str]:
    """An id for each config: its bare name where that tells them apart."""
    stems = [path.stem for path in configs]
    return [path.stem if stems.count(path.stem) == 1 else shown_path(path, root) for path in configs]
