"""Holds the environment that models and episodes tell of against the one that was asked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from extractor_flow.evidence.findings import Violation, brief
from extractor_flow.flows.extractor_comparison import layout
from extractor_flow.flows.extractor_comparison.config import DEFAULT_ENVIRONMENT
from extractor_flow.readers.arrays import read_npz
from extractor_flow.readers.monitor import read_monitor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.flows.extractor_comparison.checks.examine import Claims
    from extractor_flow.flows.extractor_comparison.plan import EnvironmentChoice
    from extractor_flow.readers.models import Model

RAYS, FRAMES, DRIVE_STATES, ACTIONS, MAX_STEPS = 272, 3, 5, 2, 2000
_BOX = re.compile(r"'(\w+)': Box\([^()]*\(([0-9, ]{1,60})\)")


def check_spaces(job: Claims, path: str, model: Model) -> Iterator[Violation]:
    """The observations and actions are those of this package's own environment, where that was asked for."""
    environment = job.plan.environment
    spaces = [model.settings.get(name) for name in ("observation_space", "action_space")]
    for name, space in zip(("observation_space", "action_space"), spaces, strict=True):
        if not isinstance(space, dict):
            yield Violation(path, f"data: $.{name}", "nothing", "a space is due", "evidence")
    if environment.id != DEFAULT_ENVIRONMENT:
        return
    due = shapes_of(environment)
    found, actions = (space if isinstance(space, dict) else {} for space in spaces)
    boxes = _boxes(found.get("spaces"))
    if boxes and boxes != due:
        yield Violation(path, "data: $.observation_space", brief(boxes), f"the job has {due}", "evidence")
    shape = actions.get("_shape", [ACTIONS])
    if shape != [ACTIONS]:
        yield Violation(path, "data: $.action_space", brief(shape), f"the job has {[ACTIONS]}", "evidence")


def shapes_of(environment: EnvironmentChoice) -> dict[str, list[int]]:
    """The shapes of what this package's own environment shows, by key."""
    frames, rays = environment.kwargs.get("frames", FRAMES), environment.kwargs.get("rays", RAYS)
    shapes = {"drive_state": [frames, DRIVE_STATES], "rays": [frames, rays]}
    return {key: shape for key, shape in shapes.items() if key not in environment.filter_keys}


def _boxes(text: object) -> dict[str, list[int]]:
    """The shapes of the boxes that *text* shows, by key; empty where it shows none."""
    if not isinstance(text, str):
        return {}
    return {key: [int(size) for size in sizes.split(",") if size.strip()] for key, sizes in _BOX.findall(text)}


def check_evaluated_lengths(job: Claims) -> Iterator[Violation]:
    """The episodes of the evaluations that are longer than the environment lets one be."""
    path, most = job.path(layout.EVALUATIONS), _longest(job.plan.environment)
    lengths = job.run.read(path, read_npz).get("ep_lengths")
    if (
        most is not None
        and lengths is not None
        and lengths.size
        and lengths.dtype.kind in "iuf"
        and lengths.max() > most
    ):
        what = f"the job's environment ends one after {most}"
        yield Violation(path, "ep_lengths", f"an episode of {lengths.max()} steps", what, "evidence")


def check_trained_lengths(job: Claims) -> Iterator[Violation]:
    """The episodes of the training that are longer than the environment lets one be."""
    path, most = job.path(layout.MONITOR), _longest(job.plan.environment)
    lengths = job.run.read(path, read_monitor).lengths
    if most is not None and lengths.size and lengths.max() > most:
        what = f"the job's environment ends one after {most}"
        yield Violation(path, "l", f"an episode of {lengths.max()} steps", what, "evidence")


def _longest(environment: EnvironmentChoice) -> int | None:
    """The most steps of an episode, where the config decides it: ``max_episode_steps`` is gymnasium's own argument."""
    limits = [environment.kwargs.get("max_episode_steps")] if environment.id is not None else []
    if environment.id == DEFAULT_ENVIRONMENT:
        limits.append(environment.kwargs.get("max_steps", MAX_STEPS))
    return min((limit for limit in limits if type(limit) is int and limit > 0), default=None)
