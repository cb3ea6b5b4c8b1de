"""Whether two runs have the same config, and in which keys they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor_flow.contracts import json_path
from extractor_flow.errors import RequestError
from extractor_flow.evidence.findings import brief
from extractor_flow.readers.errors import one_line
from extractor_flow.verify.json_diff import differences

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from extractor_flow.compare.reading import ComparedRun
    from extractor_flow.files import Json

_LABELS = frozenset({"$.run.run_id", "$.run.output_root", "$.run.notes"})
"""What names a run and changes no result."""
_MOST_NAMED = 3
_ROOT = "$."


def settings_differences(one: ComparedRun, other: ComparedRun) -> dict[str, tuple[Json, Json]]:
    """The two values by key, such as ``algorithm.learning_rate``, where the settings of *one* and *other* differ."""
    found = differences(dict(one.request["config"]), dict(other.request["config"]))
    by_path = {json_path(steps): (ours, theirs) for steps, ours, theirs in found}
    return {path.removeprefix(_ROOT): pair for path, pair in by_path.items() if not _is_label(path)}


def require_comparable(one: ComparedRun, other: ComparedRun, ablated: Sequence[str]) -> dict[str, tuple[Json, Json]]:
    """The settings that differ, all beneath a key of *ablated*; else :class:`RequestError` that names the others."""
    if one.request["flow"] != other.request["flow"]:
        msg = f"{other.place}: its flow is {other.request['flow']}; {one.place} is of {one.request['flow']}"
        raise RequestError(one_line(msg))
    differing = settings_differences(one, other)
    strange = {key: pair for key, pair in differing.items() if not any(_beneath(key, wanted) for wanted in ablated)}
    if strange:
        msg = (
            f"{other.place}: not the same config as {one.place}: {_some(strange)}; compare runs of one config, or name "
            f"what differs on purpose: --ablate {next(iter(strange))}"
        )
        raise RequestError(one_line(msg))
    return differing


def require_used(ablated: Sequence[str], differing: Sequence[Mapping[str, object]]) -> None:
    """Raise :class:`RequestError` for a key of *ablated* in which no two of the configs differ."""
    paths = list(dict.fromkeys(key for each in differing for key in each))
    for key in ablated:
        if not any(_beneath(path, key) for path in paths):
            msg = f"--ablate {key}: the configs do not differ there; they differ in {', '.join(paths) or 'nothing'}"
            raise RequestError(one_line(msg))


def _is_label(path: str) -> bool:
    return any(f"{path}.".startswith((f"{label}.", f"{label}[")) for label in _LABELS)


def _beneath(path: str, key: str) -> bool:
    return path == key or path.startswith((f"{key}.", f"{key}["))


def _some(differing: dict[str, tuple[Json, Json]]) -> str:
    shown = [f"{key} ({brief(ours)} and {brief(theirs)})" for key, (ours, theirs) in differing.items()]
    more = f" and {len(shown) - _MOST_NAMED} more" if len(shown) > _MOST_NAMED else ""
    return f"{', '.join(shown[:_MOST_NAMED])}{more}" or "nothing"
