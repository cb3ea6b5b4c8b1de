"""The settings of one training, as one frozen value, and the learning rate that follows from them."""

from __future__ import annotations

import hashlib
import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from extractor_flow.config import dotted, problems_of
from extractor_flow.errors import ConfigError
from extractor_flow.files import dumps
from extractor_flow.flows.dose_overlap.config import training_schema
from extractor_flow.flows.dose_overlap.data.grouping import GROUPING_SEED, GroupRule

if TYPE_CHECKING:
    from collections.abc import Mapping

SUBSAMPLING_SEED = 456
FRAME, SCAN = "frame", "scan"
"""From what the network's input is estimated: each frame or group by itself, or all frames of the scan together."""
_WARM_UP = 0.15
_FIRST_SHARE = 0.04
_LAST_SHARE = 0.001
# The most likely object, what it began from, a rougher and a smoother one.
_SPREAD_OUT = 4


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
        values, properties = self.as_dict(), training_schema()["properties"]
        problems = [f"{dotted(each.path)} {each.message}" for each in problems_of(values, training_schema())]
        # 2.0 is an integer to JSON Schema, and no number of epochs to Python.
        problems += [
            f"{name} is {value!r}; expected an integer"
            for name, value in values.items()
            if isinstance(value, float) and properties[name].get("type") == "integer"
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


def learning_rate(config: TrainingConfig, step: int) -> float:
    """The learning rate of a step: a short rise, then half a cosine down."""
    total = config.epochs * config.steps_per_epoch
    rise = max(_WARM_UP * total, 1.0)
    if step < rise:
        return config.learning_rate * (_FIRST_SHARE + (1 - _FIRST_SHARE) * step / rise)
    fall = 0.5 * (1 + math.cos(math.pi * min((step - rise) / max(total - rise, 1.0), 1.0)))
    return config.learning_rate * (_LAST_SHARE + (1 - _LAST_SHARE) * fall)
