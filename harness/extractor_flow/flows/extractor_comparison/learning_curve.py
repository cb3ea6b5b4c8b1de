"""A learning curve and what is read off it; pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import fsum
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extractor_flow.files import Json


@dataclass(frozen=True)
class Curve:
    """Mean rewards over the steps done; the first point is the untrained policy, at step 0.

    ``timesteps`` increase strictly. Two curves that were evaluated on the same episodes can be compared point by point.
    """

    timesteps: tuple[int, ...]
    mean_rewards: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse points that are no learning curve."""
        if len(self.timesteps) != len(self.mean_rewards) or self.timesteps[:1] != (0,):
            msg = f"not a curve from step 0: {self.timesteps!r}, {self.mean_rewards!r}"
            raise ValueError(msg)

    @property
    def untrained(self) -> float:
        """The reward before the first step."""
        return self.mean_rewards[0]

    @property
    def best(self) -> float:
        """The largest mean reward, the untrained policy's included."""
        return max(self.mean_rewards)

    @property
    def best_timestep(self) -> int:
        """When :attr:`best` was first reached."""
        return self.timesteps[self.mean_rewards.index(self.best)]

    def target(self, fraction: float) -> float | None:
        """The reward at *fraction* of the way from the untrained policy to the best; ``None`` if nothing was gained."""
        if self.best <= self.untrained:
            return None
        aimed = self.untrained + fraction * (self.best - self.untrained)
        # Rounding may reach either end, and the untrained policy has not converged.
        return aimed if self.untrained < aimed < self.best and fraction < 1 else self.best

    def reaches(self, reward: float) -> int | None:
        """The first step at which the mean reward is at least *reward*; ``None`` if it never is."""
        return next(
            (step for step, mean in zip(self.timesteps, self.mean_rewards, strict=True) if mean >= reward), None
        )

    def convergence_timestep(self, fraction: float) -> int | None:
        """The first step at which *fraction* of the way to the best is made; ``None`` if nothing was gained."""
        target = self.target(fraction)
        return None if target is None else self.reaches(target)

    @property
    def mean_height(self) -> float | None:
        """The area under the curve by its last step: the reward at an average moment; ``None`` for a single point."""
        points = list(zip(self.timesteps, self.mean_rewards, strict=True))
        areas = [(after - before) * (low / 2 + high / 2) for (before, low), (after, high) in pairwise(points)]
        return fsum(areas) / self.timesteps[-1] if areas else None

    def to_json(self) -> dict[str, Json]:
        """The curve as it stands in a job's details."""
        return {"timesteps": list(self.timesteps), "mean_rewards": list(self.mean_rewards)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The curve that :meth:`to_json` wrote."""
        return cls(tuple(data["timesteps"]), tuple(data["mean_rewards"]))
