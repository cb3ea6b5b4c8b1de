"""The state between two epochs: enough to go on as if nothing had happened, in a file that runs no code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from extractor_flow.errors import DataError
from extractor_flow.files import write_bytes
from extractor_flow.flows.dose_overlap.history import EpochRecord
from extractor_flow.flows.dose_overlap.reconstruction.bundle import read_tensors, tensor_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

_GROUPS = ("network", "best", "optimiser")


@dataclass(frozen=True, eq=False)
class TrainingState:
    """The weights now and at their best, the optimiser's moments by ``parameter.moment``, and the history so far.

    *digest* is that of config and data: a state only continues the training that it came from.
    """

    network: Mapping[str, Tensor]
    best: Mapping[str, Tensor]
    optimiser: Mapping[str, Tensor]
    history: tuple[EpochRecord, ...]
    digest: str


def write_state(path: Path, state: TrainingState) -> None:
    """Write *state* whole or not at all."""
    tensors = {f"{group}/{name}": value for group in _GROUPS for name, value in getattr(state, group).items()}
    header = {"digest": state.digest, "history": [record.as_dict() for record in state.history]}
    write_bytes(path, tensor_bytes(tensors, header))


def read_state(path: Path, digest: str) -> TrainingState:
    """The state in *path*; one of another training, or no state at all, is a :class:`DataError`."""
    tensors, header = read_tensors(path)
    if header.get("digest") != digest:
        msg = f"{path}: found the state of another training; expected one with the same config and data, or no --resume"
        raise DataError(msg)
    groups: dict[str, dict[str, Any]] = {group: {} for group in _GROUPS}
    try:
        for key, value in tensors.items():
            group, name = key.split("/", 1)
            groups[group][name] = value
        history = tuple(EpochRecord(**record) for record in header["history"])
    except (KeyError, TypeError, ValueError) as error:
        msg = f"{path}: not the state of a training: {error!r}"
        raise DataError(msg) from error
    return TrainingState(**groups, history=history, digest=digest)
