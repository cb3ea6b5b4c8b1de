"""Reads the saved models a second time, with PyTorch, which must find the weights that the light reader found.

``weights_only=True`` keeps PyTorch from unpickling anything but tensors. No environment is made, and no extractor but
this package's own: a config may name any function of any package, and a run is a stranger's.
"""

from __future__ import annotations

import io
from pickle import UnpicklingError  # what torch.load raises; nothing here unpickles
from typing import TYPE_CHECKING, Any

import torch

from extractor_flow.evidence.findings import Unchecked, Violation, brief, read_or_violation
from extractor_flow.flows.extractor_comparison import layout
from extractor_flow.flows.extractor_comparison.checks.rebuilt_model import check_rebuilt
from extractor_flow.readers.models import POLICY, read_model
from extractor_flow.readers.weights import WEIGHTS_LIMIT, digest_of
from extractor_flow.readers.zips import Archive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from extractor_flow.flows.extractor_comparison.checks.examine import Claims


def check_with_torch(job: Claims) -> Iterator[Violation | Unchecked]:
    """The models of *job* whose weights PyTorch reads otherwise, or not at all."""
    for artifact in job.outcome.artifacts.values():
        if artifact.path.endswith(".zip"):
            yield from read_or_violation(artifact.path, _check_model(job, artifact.path))


def _check_model(job: Claims, path: str) -> Iterator[Violation | Unchecked]:
    with job.run.files.open(path) as stream:
        policy = Archive(stream, path, limit=WEIGHTS_LIMIT).read(POLICY)
        model = read_model(stream, path)
    yield from check_rebuilt(job, path, model)
    try:
        state = torch.load(io.BytesIO(policy), map_location="cpu", weights_only=True)
        arrays = {name: _array(each) for name, each in state.items()}
    except (UnpicklingError, RuntimeError, ValueError, LookupError, EOFError, TypeError, AttributeError) as error:
        yield Violation(path, POLICY, "can be loaded by PyTorch", brief(str(error)), "evidence")
        return
    if digest_of(arrays) != digest_of(model.weights):
        yield Violation(path, POLICY, f"the weights of {layout.FINAL_MODEL}", "PyTorch reads others", "evidence")


def _array(tensor: torch.Tensor) -> NDArray[Any]:
    """The numbers of *tensor*; bfloat16 has no numpy type: the light reader widens it, so both sides do."""
    plain = tensor.detach()
    array: NDArray[Any] = (plain.float() if plain.dtype == torch.bfloat16 else plain).numpy()
    return array
