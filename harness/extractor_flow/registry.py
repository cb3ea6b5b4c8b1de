"""Finds a flow by its entry-point name, and imports that one only."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, cast

from extractor_flow.errors import RequestError

if TYPE_CHECKING:
    from extractor_flow.study.flow import Flow

GROUP = "extractor_flow.flows"
DEFAULT_FLOW = "extractor_comparison"


def flow_names() -> list[str]:
    """The names of all installed flows, sorted; none of them is imported."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def find_flow(name: str) -> Flow:
    """The flow installed under *name*; :class:`RequestError` names the flows there are."""
    for entry in entry_points(group=GROUP):
        if entry.name == name:
            return cast("Flow", _load(entry.name, entry.load))
    msg = f"no flow is installed under the name {name!r}; installed: {', '.join(flow_names()) or 'none'}"
    raise RequestError(msg)


def _load(name: str, load: object) -> object:
    try:
        return load()  # type: ignore[operator]
    except ImportError as error:
        msg = f"the flow {name!r} cannot be imported: {error}"
        raise RequestError(msg) from error
