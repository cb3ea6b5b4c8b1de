"""Makes a preset's extractor once more, without any numbers, and compares its tensors with the saved ones.

Only classes of this package are made, on the observations of its own environment: nothing that a run names is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from gymnasium import spaces

from extractor_flow.errors import HarnessError
from extractor_flow.evidence.findings import Unchecked, Violation, brief
from extractor_flow.flows.extractor_comparison.checks.spaces import shapes_of
from extractor_flow.flows.extractor_comparison.config import DEFAULT_ENVIRONMENT
from extractor_flow.flows.extractor_comparison.extractors.build import extractor_class
from extractor_flow.readers.models import POLICY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import nn

    from extractor_flow.flows.extractor_comparison.checks.examine import Claims
    from extractor_flow.flows.extractor_comparison.plan import Plan
    from extractor_flow.readers.models import Model

_PREFIX = "features_extractor."
_MOST = 1_000_000


class NotMadeError(HarnessError):
    """A preset's extractor cannot be made here."""


def check_rebuilt(job: Claims, path: str, model: Model) -> Iterator[Violation | Unchecked]:
    """The extractor in *model* has the tensors that the plan's preset has; unchecked where it cannot be made here."""
    try:
        due = tensors_of(job.plan)
    except NotMadeError as error:
        yield Unchecked(f"{path}: the tensors of {job.plan.extractor.preset}", str(error))
        return
    found = {
        name.removeprefix(_PREFIX): values.shape for name, values in model.weights.items() if name.startswith(_PREFIX)
    }
    if due is not None and due != found:
        other = next(name for name in sorted(due.keys() | found.keys()) if due.get(name) != found.get(name))
        claim = f"the tensors of {job.plan.extractor.preset}"
        what = f"{brief(other)}: {found.get(other, 'nothing')}; due: {due.get(other, 'nothing')}"
        yield Violation(path, POLICY, claim, what, "evidence")


def tensors_of(plan: Plan) -> dict[str, tuple[int, ...]] | None:
    """The shapes of the tensors of the plan's extractor by name; ``None`` for a class or a world of the user's.

    :class:`NotMadeError` if what the plan says of it makes no extractor.
    """
    preset = plan.extractor.preset
    shapes = shapes_of(plan.environment)
    if preset is None or plan.environment.id != DEFAULT_ENVIRONMENT:
        return None
    if not all(type(size) is int and 0 < size <= _MOST for shape in shapes.values() for size in shape):
        msg = f"no observations are of these shapes: {brief(shapes)}"
        raise NotMadeError(msg)
    boxes: dict[str, spaces.Space[Any]] = {
        key: spaces.Box(-1.0 if key == "drive_state" else 0.0, 1.0, tuple(shape), np.float32)
        for key, shape in shapes.items()
    }
    try:
        kind, arguments = extractor_class(preset, plan.extractor.parameters)
        make: Callable[..., nn.Module] = kind
        with torch.device("meta"):
            module = make(spaces.Dict(boxes), **arguments)
    except (HarnessError, RuntimeError, NotImplementedError, TypeError, ValueError, MemoryError) as error:
        raise NotMadeError(brief(f"{type(error).__name__}: {error}")) from error
    return {name: tuple(values.shape) for name, values in module.state_dict().items()}
