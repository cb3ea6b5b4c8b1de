"""What one job does, as typed values: the parameters of a :class:`Job`, read and written here only."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from extractor_flow.errors import DataError
from extractor_flow.flows.extractor_comparison.algorithms.declared import algorithm_of
from extractor_flow.flows.extractor_comparison.algorithms.defaults import rollout_of, steps_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extractor_flow.flows.extractor_comparison.algorithms.declared import Algorithm


def compared_name(environment: str | None, extractor: str) -> str:
    """The name of an extractor's jobs: its own or, among several environments, ``<environment>/<extractor>``."""
    return extractor if environment is None else f"{environment}/{extractor}"


def environments_of(settings: Mapping[str, Any]) -> list[tuple[str | None, Mapping[str, Any]]]:
    """Each environment of a study: its short name, ``None`` of the only one, and *settings* of it alone."""
    if "envs" not in settings:
        return [(None, settings)]
    shared = {key: value for key, value in settings.items() if key != "envs"}
    return [
        (env["name"], {**shared, "env": env, **({"eval_env": env["eval_env"]} if "eval_env" in env else {})})
        for env in settings["envs"]
    ]


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
        """The id or the factory, for display."""
        return self.id or self.factory or ""

    def to_json(self) -> dict[str, Any]:
        """The choice as JSON-able data."""
        lists = {"filter_keys": list(self.filter_keys), "wrappers": [list(each) for each in self.wrappers]}
        return asdict(self) | lists

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The choice that :meth:`to_json` wrote; ``KeyError``, ``TypeError`` or ``ValueError`` for anything else."""
        wrappers = tuple((target, kwargs) for target, kwargs in data["wrappers"])
        return cls(**{**data, "filter_keys": tuple(data["filter_keys"]), "wrappers": wrappers})

    @classmethod
    def from_settings(cls, env: Mapping[str, Any]) -> Self:
        """The choice that a checked config's section describes."""
        return cls(
            env.get("id"),
            env.get("factory"),
            env["kwargs"],
            tuple(env["filter_keys"]),
            tuple((each["class"], each["kwargs"]) for each in env["wrappers"]),
            env["frame_stack"],
            env.get("normalize"),
        )


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
    evaluation: EnvironmentChoice | None = None

    @property
    def evaluated(self) -> EnvironmentChoice:
        """The environment of the evaluations: that of the training, unless another one was asked for."""
        return self.environment if self.evaluation is None else self.evaluation

    @property
    def environments(self) -> tuple[EnvironmentChoice, ...]:
        """The environment of the training, and that of the evaluations where it is another."""
        return (self.environment,) if self.evaluation is None else (self.environment, self.evaluation)

    @property
    def trainer(self) -> Algorithm:
        """What is declared of the algorithm."""
        return algorithm_of(self.algorithm)

    @property
    def rollout(self) -> int:
        """Environment steps between two updates of the policy."""
        return rollout_of({"num_envs": self.schedule.num_envs}, self.algorithm)

    @property
    def steps_to_do(self) -> int:
        """``total_timesteps`` rounded up to whole rollouts: what stable_baselines3 does."""
        return steps_of(self.schedule.total_timesteps, self.rollout)

    def to_parameters(self) -> dict[str, Any]:
        """The plan as JSON-able data."""
        parameters = asdict(self)
        parameters["environment"] = self.environment.to_json()
        # A plan without one is as it was before there could be one: its job keeps its key.
        del parameters["evaluation"]
        return parameters if self.evaluation is None else {**parameters, "evaluation": self.evaluation.to_json()}

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """The plan that :meth:`to_parameters` wrote; :class:`DataError` when a member is missing or unknown."""
        try:
            rest = dict(parameters)
            evaluation = rest.pop("evaluation", None)
            return cls(
                extractor=ExtractorChoice(**rest.pop("extractor")),
                environment=EnvironmentChoice.from_json(rest.pop("environment")),
                schedule=Schedule(**rest.pop("schedule")),
                evaluation=None if evaluation is None else EnvironmentChoice.from_json(evaluation),
                **rest,
            )
        except (KeyError, TypeError, ValueError) as error:
            msg = f"job.json: parameters are not those of an extractor comparison: {error!r}"
            raise DataError(msg) from error
