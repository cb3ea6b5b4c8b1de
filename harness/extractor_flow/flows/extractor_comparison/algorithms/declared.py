"""Each algorithm, declared once: where it comes from, what it acts in, and its networks.

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
    in. *extractor* is the prefix of the acting extractor's tensors, *first* names tensors that may be the layer behind
    it, *required* those that every policy has, *targets* the networks that follow others. Where it *ends_early*,
    ``target_kl`` can end an update. Where there are *value_prefixes*, the optimizer has the value's tensors only, and a
    line search moves the others.
    """

    name: str
    target: str
    policy: str
    actions: tuple[str, ...]
    optimized: tuple[Optimized, ...]
    stacks: tuple[Stack, ...]
    first: tuple[str, ...]
    required: tuple[str, ...]
    extractor: str = "features_extractor."
    targets: tuple[str, ...] = ()
    replays: bool = False
    logs_every_rollout: bool = False
    ends_early: bool = False
    value_prefixes: tuple[str, ...] = ()

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
            logs_every_rollout=True,
            ends_early=True,
            **_ACTOR_CRITIC,
        ),
        Algorithm(
            "A2C",
            "stable_baselines3:A2C",
            **_ACTOR_CRITIC,
        ),
        _of_values("DQN", "stable_baselines3", "q_net"),
        _entropic("SAC", "stable_baselines3"),
        Algorithm(
            "TD3",
            "stable_baselines3:TD3",
            "stable_baselines3.td3.policies:TD3Policy",
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
        Algorithm(
            "TRPO",
            "sb3_contrib:TRPO",
            logs_every_rollout=True,
            value_prefixes=("value_net.", "mlp_extractor.value_net.", "vf_features_extractor."),
            **_ACTOR_CRITIC,
        ),
    )
}


def algorithm_of(settings: Mapping[str, Any]) -> Algorithm:
    """The algorithm that the config's section *settings* names; without a name it is PPO."""
    return ALGORITHMS[settings.get("name", PPO)]
