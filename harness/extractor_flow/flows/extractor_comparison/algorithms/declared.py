"""Each algorithm, declared once: where it comes from, what it acts in, its networks, and the scalars that it logs.

Its settings and their defaults are declared in the config's schema, under ``x-defaults``. Pure: imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

PPO = "PPO"


@dataclass(frozen=True)
class Optimized:
    """An optimizer: the *member* of a saved model that holds it, and the tensors that it updates.

    Their names begin with *prefix*; *every* names the setting that says in every how many updates it takes part.
    """

    member: str
    prefix: str = ""
    every: str | None = None


@dataclass(frozen=True)
class Stack:
    """Hidden layers: name in ``net_arch``, prefix of their tensors, and whether the last layer is the output."""

    key: str
    prefix: str
    with_output: bool


@dataclass(frozen=True)
class Algorithm:
    """One algorithm.

    *target* is its class and *policy* that of its policies, as ``module:Class``; *actions* are the spaces that it acts
    in. *losses* and *logged* are the scalars of an update: NaN in a loss would be in the weights, too. *extractor* is
    how the tensors begin of the extractor that acts, *first* which tensors may be the layer behind it, *required* what
    every policy has, *targets* the networks that follow others.
    """

    name: str
    target: str
    policy: str
    actions: tuple[str, ...]
    losses: tuple[str, ...]
    optimized: tuple[Optimized, ...]
    stacks: tuple[Stack, ...]
    first: tuple[str, ...]
    required: tuple[str, ...]
    extractor: str = "features_extractor."
    targets: tuple[str, ...] = ()
    logged: tuple[str, ...] = ("train/learning_rate",)
    replays: bool = False
    logs_every_rollout: bool = False

    @property
    def package(self) -> str:
        """The package that it comes from."""
        return self.target.partition(":")[0]


_ANY_ACTION = ("Box", "Discrete", "MultiDiscrete", "MultiBinary")
_ACTOR_CRITIC: Mapping[str, Any] = {
    "policy": "stable_baselines3.common.policies:ActorCriticPolicy",
    "actions": _ANY_ACTION,
    "optimized": (Optimized("policy.optimizer.pth"),),
    "stacks": (Stack("pi", "mlp_extractor.policy_net", False), Stack("vf", "mlp_extractor.value_net", False)),  # noqa: FBT003 - columns of a table
    "first": ("mlp_extractor.policy_net.0.weight", "action_net.weight"),
    "required": ("action_net.weight", "value_net.weight"),
}
_ACTOR_AND_CRITICS: Mapping[str, Any] = {
    "actions": ("Box",),
    "extractor": "actor.features_extractor.",
    "replays": True,
}
_CRITICS = Stack("qf", "critic.qf0", True)  # noqa: FBT003


def _of_values(name: str, library: str, network: str) -> Algorithm:
    """One value *network* over the actions, and a target network that follows it."""
    return Algorithm(
        name,
        f"{library}:{name}",
        f"{library}.{name.lower()}.policies:{name}Policy",
        ("Discrete",),
        losses=("train/loss",),
        optimized=(Optimized("policy.optimizer.pth", f"{network}."),),
        stacks=(Stack("", f"{network}.{network}", True),),  # noqa: FBT003
        first=(f"{network}.{network}.0.weight",),
        required=(f"{network}.{network}.0.weight",),
        extractor=f"{network}.features_extractor.",
        targets=(f"{network}_target.",),
        replays=True,
    )


def _entropic(name: str, library: str) -> Algorithm:
    """An actor that is rewarded for acting at random, and critics."""
    return Algorithm(
        name,
        f"{library}:{name}",
        f"{library}.{name.lower()}.policies:{name}Policy",
        losses=("train/actor_loss", "train/critic_loss", "train/ent_coef"),
        optimized=(Optimized("actor.optimizer.pth", "actor."), Optimized("critic.optimizer.pth", "critic.")),
        stacks=(Stack("pi", "actor.latent_pi", False), _CRITICS),  # noqa: FBT003
        first=("actor.latent_pi.0.weight", "actor.mu.weight"),
        required=("critic.qf0.0.weight",),
        targets=("critic_target.",),
        **_ACTOR_AND_CRITICS,
    )


ALGORITHMS: Mapping[str, Algorithm] = {
    each.name: each
    for each in (
        Algorithm(
            PPO,
            "stable_baselines3:PPO",
            losses=("train/policy_gradient_loss", "train/value_loss", "train/entropy_loss"),
            logged=("train/approx_kl", "train/clip_range", "train/learning_rate", "train/loss"),
            logs_every_rollout=True,
            **_ACTOR_CRITIC,
        ),
        Algorithm(
            "A2C",
            "stable_baselines3:A2C",
            losses=("train/policy_loss", "train/value_loss", "train/entropy_loss"),
            **_ACTOR_CRITIC,
        ),
        _of_values("DQN", "stable_baselines3", "q_net"),
        _entropic("SAC", "stable_baselines3"),
        Algorithm(
            "TD3",
            "stable_baselines3:TD3",
            "stable_baselines3.td3.policies:TD3Policy",
            losses=("train/critic_loss",),
            optimized=(
                Optimized("actor.optimizer.pth", "actor.", every="policy_delay"),
                Optimized("critic.optimizer.pth", "critic."),
            ),
            stacks=(Stack("pi", "actor.mu", True), _CRITICS),  # noqa: FBT003
            first=("actor.mu.0.weight",),
            required=("actor.mu.0.weight", "critic.qf0.0.weight"),
            targets=("actor_target.", "critic_target."),
            **_ACTOR_AND_CRITICS,
        ),
        _of_values("QRDQN", "sb3_contrib", "quantile_net"),
        _entropic("TQC", "sb3_contrib"),
    )
}


def algorithm_of(settings: Mapping[str, Any]) -> Algorithm:
    """The algorithm that the config's section *settings* names; without a name it is PPO."""
    return ALGORITHMS[settings.get("name", PPO)]
