"""The settings of one training, as one frozen value that is built once and then only read."""

from __future__ import annotations

import hashlib
import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from extractor_flow.errors import ConfigError
from extractor_flow.files import dumps
from extractor_flow.flows.dose_overlap.data.grouping import GROUPING_SEED, GroupRule

if TYPE_CHECKING:
    from collections.abc import Mapping

SUBSAMPLING_SEED = 456
FRAME, SCAN = "frame", "scan"
INPUTS = (FRAME, SCAN)
"""From what the network's input is estimated: each frame or group by itself, or all frames of the scan together."""
# The most likely object, what it began from, a rougher and a smoother one.
_SPREAD_OUT = 4
DEVICES = ("cpu", "cuda", "mps", "auto")
"""Where a training computes; ``auto`` takes the best there is."""


@dataclass(frozen=True)
class SolverConfig:
    """The solvers that reconstruct the same frames: passes of PIE and their momentum, and Adam steps of the others.

    ``smoothness`` and ``trust``, in nats, weigh how much the object varies and how far it is from the network's.
    """

    iterations: int = 15
    momentum: float = 0.5
    map_steps: int = 30
    smoothness: float = 3.0
    trust: float = 100.0


@dataclass(frozen=True)
class TrainingConfig:
    """Everything but the data that decides a training's result; an impossible value is a :class:`ConfigError`.

    An epoch is ``steps_per_epoch`` gradient steps of ``batch_frames`` frames, however many frames the data has, so that
    every view trains for the same time. ``dose`` is in photons a frame; ``patience`` counts epochs. In training the
    input is made of the share ``split`` of the photons, and the rest is to be explained; with 1 all photons do both.
    With a ``spread`` above 1, the network sees the scan that much rougher and smoother, too. Where the light ``dim``
    fell, in units of the probe's brightest pixel, half of its correction of a scan counts.
    """

    dose: float
    gridsize: int = 1
    epochs: int = 5
    steps_per_epoch: int = 30
    batch_frames: int = 400
    learning_rate: float = 4e-3
    width: int = 16
    input: str = SCAN
    split: float = 0.8
    projections: int = 15
    refinements: int = 30
    smoothness: float = 3.0
    spread: float = 2.0
    dim: float = 0.3
    neighbor_count: int = 7
    groups_per_frame: int = 2
    validation_share: float = 0.1
    patience: int = 8
    checkpoint_every: int = 1
    device: str = "cpu"
    threads: int = 1
    seed: int = 0
    grouping_seed: int = GROUPING_SEED
    subsampling_seed: int = SUBSAMPLING_SEED

    def __post_init__(self) -> None:
        problems = [
            f"{name} is {getattr(self, name)!r}; expected a whole number of at least {least}"
            for name, least in _WHOLE_NUMBERS.items()
            if type(getattr(self, name)) is not int or getattr(self, name) < least
        ]
        problems += [
            f"{name} is {getattr(self, name)!r}; expected a finite number above 0"
            for name in ("dose", "learning_rate")
            if not _is_positive(getattr(self, name))
        ]
        if not _is_positive(self.validation_share) or self.validation_share >= 1:
            problems.append(f"validation_share is {self.validation_share!r}; expected a number between 0 and 1")
        if not _is_positive(self.split) or self.split > 1:
            problems.append(f"split is {self.split!r}; expected a number above 0 and at most 1")
        problems += [
            f"{name} is {getattr(self, name)!r}; expected a finite number of at least 0"
            for name in ("smoothness", "dim")
            if not _is_positive(getattr(self, name) + 1) or getattr(self, name) < 0
        ]
        if not _is_positive(self.spread) or self.spread < 1:
            problems.append(f"spread is {self.spread!r}; expected a finite number of at least 1")
        problems += [
            f"{name} is {getattr(self, name)!r}; expected one of {', '.join(choices)}"
            for name, choices in (("device", DEVICES), ("input", INPUTS))
            if getattr(self, name) not in choices
        ]
        if problems:
            raise ConfigError(problems)
        self.group_rule()

    def group_rule(self) -> GroupRule:
        """How frames are grouped; the wrong gridsize or too few neighbours are a :class:`ConfigError`."""
        return GroupRule.for_gridsize(self.gridsize, neighbor_count=self.neighbor_count, repeats=self.groups_per_frame)

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, as JSON-able values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainingConfig:
        """The config that :meth:`as_dict` gave; a missing or unknown name is a :class:`ConfigError`."""
        names = {field.name for field in fields(cls)}
        if set(values) != names:
            wrong = ", ".join(sorted(set(values) ^ names))
            raise ConfigError([f"training config: missing or unknown: {wrong}"])
        return cls(**values)

    @property
    def estimates(self) -> int:
        """How many classical estimates of the object the network sees."""
        return _SPREAD_OUT if self.input == SCAN and self.refinements and self.spread > 1 else 1

    @property
    def digest(self) -> str:
        """The SHA-256 of the config's JSON text."""
        return hashlib.sha256(dumps(self.as_dict()).encode()).hexdigest()


_WHOLE_NUMBERS = {
    "gridsize": 1,
    "epochs": 1,
    "steps_per_epoch": 1,
    "batch_frames": 1,
    "width": 1,
    "projections": 1,
    "refinements": 0,
    "neighbor_count": 1,
    "groups_per_frame": 1,
    "patience": 1,
    "checkpoint_every": 1,
    "threads": 1,
    "seed": 0,
    "grouping_seed": 0,
    "subsampling_seed": 0,
}


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0
