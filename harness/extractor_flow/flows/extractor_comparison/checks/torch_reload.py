"""What PyTorch makes of the saved models: it reads the same weights, and a preset's extractor has the same tensors.

``weights_only=True`` keeps PyTorch from unpickling anything but tensors. No environment is made, and no extractor but
this package's own: nothing that a run names is imported.
"""

from __future__ import annotations

import io
from pickle import UnpicklingError  # what torch.load raises; nothing here unpickles
from typing import TYPE_CHECKING, Any

import numpy as np

from extractor_flow.errors import HarnessError
from extractor_flow.evidence.check import check
from extractor_flow.evidence.findings import Unchecked, Violation, brief
from extractor_flow.flows.extractor_comparison import layout
from extractor_flow.flows.extractor_comparison.checks.claims import contradiction
from extractor_flow.flows.extractor_comparison.checks.episode_limits import shapes_of
from extractor_flow.flows.extractor_comparison.config import DEFAULT_ENVIRONMENT
from extractor_flow.readers.models import POLICY
from extractor_flow.readers.weights import WEIGHTS_LIMIT, digest_of
from extractor_flow.readers.zips import Archive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    import torch
    from gymnasium import spaces
    from numpy.typing import NDArray
    from torch import nn

    from extractor_flow.flows.extractor_comparison.checks.claims import Claims
    from extractor_flow.flows.extractor_comparison.plan import Plan

_PREFIX = "features_extractor."
_MOST = 1_000_000


class NotMadeError(HarnessError):
    """A preset's extractor cannot be made here."""


@check("ppo-torch-weights", reads=("final_model", "best_model"), needs=("torch",), deep=True)
def torch_weights(job: Claims) -> Iterator[Violation]:
    """PyTorch, which unpickles nothing but tensors, reads the weights that the light reader finds in each model.

    Catches: a file in which two readers find different weights. Cannot catch: weights of another training.
    """
    import torch

    for saved in job.saved:
        stored = job.run.read(saved.path, _read_policy)
        try:
            state = torch.load(io.BytesIO(stored), map_location="cpu", weights_only=True)
            arrays = {name: _array(each) for name, each in state.items()}
        except (UnpicklingError, RuntimeError, ValueError, LookupError, EOFError, TypeError, AttributeError) as error:
            yield contradiction(saved.path, POLICY, "can be loaded by PyTorch", str(error))
            continue
        if digest_of(arrays) != digest_of(saved.model.weights):
            yield contradiction(saved.path, POLICY, f"the weights of {layout.FINAL_MODEL}", "PyTorch reads others")


@check(
    "ppo-preset-tensors",
    reads=("final_model", "best_model"),
    needs=("torch", "gymnasium", "stable_baselines3"),
    deep=True,
)
def preset_tensors(job: Claims) -> Iterator[Violation | Unchecked]:
    """The extractor in each model has the tensors of the plan's preset, made once more without numbers.

    Catches: one preset told as another, in every file. Cannot catch: a preset with the same tensors, or a user's class.
    """
    preset = job.plan.extractor.preset
    try:
        due = tensors_of(job.plan)
    except NotMadeError as error:
        yield Unchecked(f"{job.record.directory}: the tensors of {preset}", str(error))
        return
    if due is None:
        return
    for saved in job.saved:
        found = {name: values.shape for name, values in saved.model.weights.items() if name.startswith(_PREFIX)}
        other = next((name for name in sorted(due.keys() | found.keys()) if due.get(name) != found.get(name)), None)
        if other is not None:
            what = f"{brief(other)}: {found.get(other, 'nothing')}; due: {due.get(other, 'nothing')}"
            yield contradiction(saved.path, POLICY, f"the tensors of {preset}", what)


def tensors_of(plan: Plan) -> dict[str, tuple[int, ...]] | None:
    """The shapes of the tensors of the plan's extractor by name; ``None`` for a class or a world of the user's.

    :class:`NotMadeError` if what the plan says of it makes no extractor.
    """
    import torch

    from extractor_flow.flows.extractor_comparison.extractors.build import extractor_class

    preset = plan.extractor.preset
    if preset is None or plan.environment.id != DEFAULT_ENVIRONMENT:
        return None
    space = _observations(plan)
    try:
        kind, arguments = extractor_class(preset, plan.extractor.parameters)
        make: Callable[..., nn.Module] = kind
        with torch.device("meta"):
            module = make(space, **arguments)
    except (HarnessError, RuntimeError, NotImplementedError, TypeError, ValueError, MemoryError) as error:
        raise NotMadeError(brief(f"{type(error).__name__}: {error}")) from error
    return {f"{_PREFIX}{name}": tuple(values.shape) for name, values in module.state_dict().items()}


def _observations(plan: Plan) -> spaces.Dict:
    """What RobotNav shows under *plan*."""
    from gymnasium import spaces

    shapes = shapes_of(plan.environment)
    if not all(type(size) is int and 0 < size <= _MOST for shape in shapes.values() for size in shape):
        msg = f"no observations are of these shapes: {brief(shapes)}"
        raise NotMadeError(msg)
    return spaces.Dict(
        {
            key: spaces.Box(-1.0 if key == "drive_state" else 0.0, 1.0, tuple(shape), np.float32)
            for key, shape in shapes.items()
        }
    )


def _read_policy(stream: BinaryIO, where: str) -> bytes:
    return Archive(stream, where, limit=WEIGHTS_LIMIT).read(POLICY)


def _array(tensor: torch.Tensor) -> NDArray[Any]:
    """The numbers of *tensor*; bfloat16 has no numpy type: the light reader widens it, so both sides do."""
    import torch

    plain = tensor.detach()
    array: NDArray[Any] = (plain.float() if plain.dtype == torch.bfloat16 else plain).numpy()
    return array
