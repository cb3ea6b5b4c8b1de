"""What one job does, as typed values: the parameters of a :class:`Job`, read and written in one place."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from extractor_flow.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping


def compared_name(environment: str | None, extractor: str) -> str:
    """The name of an extractor's jobs: its own or, among several environments, ``<environment>/<extractor>``."""
    return extractor if environment is None else f"{environment}/{extractor}"


@dataclass(frozen=True)
class ExtractorConfigurationProfile:
    """One entry of a config's ``extractors``: a *preset* by name, or a *target* as ``package.module:Class``."""

    name: str
    preset: str | None
    target: str | None
    parameters: Mapping[str, Any]
    description: str = ""
    expected_resources: str = "cpu"
    priority: int = 0

    @classmethod
    def from_settings(cls, entry: Mapping[str, Any]) -> Self:
        """The profile that a checked config's *entry* describes."""
        return cls(
            name=entry["name"],
            preset=entry.get("preset"),
            target=entry.get("class"),
            parameters=entry["parameters"],
            description=entry["description"],
            expected_resources=entry["expected_resources"],
            priority=entry["priority"],
        )


@dataclass(frozen=True)
class ExtractorChoice:
    """Which extractor to build, and its keyword arguments; either *preset* or *target* is there."""

    preset: str | None
    target: str | None
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class EnvironmentChoice:
    """Which environment to make: either *id* or *factory* is there; *filter_keys* are taken off its observations.

    Around it come *wrappers*, as ``package.module:Class`` with keyword arguments, the first one innermost; then
    *frame_stack* frames are shown at once. *normalize* are the arguments of a ``VecNormalize`` around all copies.
    """

    id: str | None
    factory: str | None
    kwargs: Mapping[str, Any]
    filter_keys: tuple[str, ...]
    wrappers: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    frame_stack: int | None = None
    normalize: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """The id or the factory, for people."""
        return self.id or self.factory or ""


@dataclass(frozen=True)
class Schedule:
    """How long to train and when to evaluate and save, in environment steps over all copies."""

    total_timesteps: int
    num_envs: int
    eval_freq: int
    save_freq: int | None
    n_eval_episodes: int
    eval_num_envs: int
    final_eval_episodes: int


@dataclass(frozen=True)
class Plan:
    """Everything that decides a job's result, but for its seed."""

    extractor: ExtractorChoice
    environment: EnvironmentChoice
    algorithm: Mapping[str, Any]
    schedule: Schedule
    convergence_fraction: float
    device: str
    threads: int
    start_method: str

    @property
    def rollout(self) -> int:
        """Environment steps between two updates of the policy."""
        steps: int = self.algorithm["n_steps"]
        return steps * self.schedule.num_envs

    @property
    def steps_to_do(self) -> int:
        """``total_timesteps`` rounded up to whole rollouts: what stable_baselines3 does."""
        return -(-self.schedule.total_timesteps // self.rollout) * self.rollout

    def to_parameters(self) -> dict[str, Any]:
        """The plan as JSON-able data."""
        parameters = asdict(self)
        parameters["environment"]["filter_keys"] = list(self.environment.filter_keys)
        parameters["environment"]["wrappers"] = [list(each) for each in self.environment.wrappers]
        return parameters

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """The plan that :meth:`to_parameters` wrote; :class:`DataError` when a member is missing or unknown."""
        try:
            rest = dict(parameters)
            environment = dict(rest.pop("environment"))
            environment["filter_keys"] = tuple(environment["filter_keys"])
            environment["wrappers"] = tuple((target, kwargs) for target, kwargs in environment["wrappers"])
            return cls(
                extractor=ExtractorChoice(**rest.pop("extractor")),
                environment=EnvironmentChoice(**environment),
                schedule=Schedule(**rest.pop("schedule")),
                **rest,
            )
        except (KeyError, TypeError, ValueError) as error:
            msg = f"job.json: parameters are not those of an extractor comparison: {error!r}"
            raise DataError(msg) from error
