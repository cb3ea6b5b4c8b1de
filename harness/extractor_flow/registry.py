"""Finds a flow or an executor by its entry-point name, and imports that one only."""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, cast

from extractor_flow.errors import RequestError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints, SelectableGroups  # from Python 3.12 on, EntryPoints for both

    from extractor_flow.study.flow import Flow

GROUP = "extractor_flow.flows"
EXECUTORS = "extractor_flow.executors"
DEFAULT_FLOW = "extractor_comparison"
DEFAULT_EXECUTOR = "local"


def flow_names() -> list[str]:
    """The names of all installed flows, sorted; none of them is imported."""
    return _names(GROUP)


def find_flow(name: str) -> Flow:
    """The flow installed under *name*; :class:`RequestError` names the flows there are."""
    return cast("Flow", _find(GROUP, "flow", name))


def executor_names() -> list[str]:
    """The names of all installed executors, sorted; none of them is imported. A config may have a section for each."""
    return _names(EXECUTORS)


def find_executor(name: str) -> Any:  # noqa: ANN401 - an ExecutorClass, which stands above this module
    """The class of the executor installed under *name*; :class:`RequestError` names the executors there are."""
    return _find(EXECUTORS, "executor", name)


def installed(group: str) -> EntryPoints:
    """The entry points of *group*. What is installed is looked through once: every package has a file."""
    return _on_path(tuple(sys.path)).select(group=group)


@lru_cache(maxsize=1)
def _on_path(_: tuple[str, ...]) -> SelectableGroups:
    return entry_points()


def _names(group: str) -> list[str]:
    return sorted(installed(group).names)


def _find(group: str, what: str, name: str) -> object:
    if name not in installed(group).names:
        _on_path.cache_clear()  # it may have been installed just now
    for entry in installed(group):
        if entry.name == name:
            return _load(what, entry.name, entry.load)
    msg = f"no {what} is installed under the name {name!r}; installed: {', '.join(_names(group)) or 'none'}"
    raise RequestError(msg)


def _load(what: str, name: str, load: object) -> object:
    try:
        return load()  # type: ignore[operator]
    except ImportError as error:
        msg = f"the {what} {name!r} cannot be imported: {error}"
        raise RequestError(msg) from error
