"""Acts with a policy's actor alone: the actions of ``predict(deterministic=True)``, bit for bit, for half its time."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy, BaseModel, BasePolicy

# What an extractor remembers shows at the next call, or at every third one.
_ASKED = 4
_SEED = 0

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray
    from stable_baselines3.common.torch_layers import BaseFeaturesExtractor


def actor_of(policy: BasePolicy) -> Callable[[Any], NDArray[Any]]:
    """What *policy* does on a batch of observations, until it is trained further."""
    # predict() walks all modules to do this at every step.
    policy.set_training_mode(False)
    return _actor_critic(policy) if isinstance(policy, ActorCriticPolicy) else _actor(policy)


def extractor_of(policy: BasePolicy) -> BaseFeaturesExtractor:
    """The extractor that *policy* acts by: its own, or that of its actor or of its network of values."""
    acting: Any = policy
    if not isinstance(policy, ActorCriticPolicy):
        acting = next(getattr(policy, name) for name in ("actor", "q_net", "quantile_net") if hasattr(policy, name))
    extractor: BaseFeaturesExtractor = acting.features_extractor
    return extractor


def _actor(policy: BasePolicy) -> Callable[[Any], NDArray[Any]]:
    def act(observations: Any) -> NDArray[Any]:  # noqa: ANN401 - an array or a dict of arrays
        with torch.no_grad():
            tensors, _ = policy.obs_to_tensor(observations)
            actions = _shaped(policy._predict(tensors, deterministic=True), policy.action_space)  # noqa: SLF001 - what predict() does
        # An actor gives actions from -1 to 1, whatever the bounds of the space.
        return policy.unscale_action(actions) if policy.squash_output else actions

    return act


def _actor_critic(policy: ActorCriticPolicy) -> Callable[[Any], NDArray[Any]]:

    def act(observations: Any) -> NDArray[Any]:  # noqa: ANN401 - an array or a dict of arrays
        with torch.no_grad():
            tensors, _ = policy.obs_to_tensor(observations)
            features = BaseModel.extract_features(policy, tensors, policy.pi_features_extractor)
            latent = policy.mlp_extractor.forward_actor(features)
            if not isinstance(policy.action_space, spaces.Box):
                distribution = policy._get_action_dist_from_latent(latent)  # noqa: SLF001 - what predict() does
                return _shaped(distribution.get_actions(deterministic=True), policy.action_space)
            # The mode of a Gaussian is its mean: there is no need to make one.
            actions = _shaped(policy.action_net(latent), policy.action_space)
        clipped: NDArray[Any] = np.clip(actions, policy.action_space.low, policy.action_space.high)
        return clipped

    return act


def remembers(policy: BasePolicy) -> bool:
    """Whether the extractor of *policy* gives other features for equal observations, or changes when called."""
    space = copy.deepcopy(policy.observation_space)
    space.seed(_SEED)
    shown = [space.sample() for _ in range(2)]
    batch = (
        {key: np.stack([each[key] for each in shown]) for key in shown[0]}
        if isinstance(shown[0], dict)
        else np.stack(shown)
    )
    before = weights_now(policy)
    policy.set_training_mode(False)
    with torch.no_grad():
        tensors, _ = policy.obs_to_tensor(batch)
        features = [BaseModel.extract_features(policy, tensors, extractor_of(policy)) for _ in range(_ASKED)]
    after = policy.state_dict()
    changed = any(not torch.equal(value, after[name]) for name, value in before.items())
    return changed or any(not torch.equal(features[0], each) for each in features[1:])


def weights_now(policy: BasePolicy) -> dict[str, torch.Tensor]:
    """A copy of the weights of *policy*, as they are now."""
    return {name: value.clone() for name, value in policy.state_dict().items()}


def put_back(policy: BasePolicy, weights: Mapping[str, torch.Tensor]) -> None:
    """Give *policy* the *weights* that it once had; a buffer may have had another shape then."""
    for name, tensor in policy.state_dict(keep_vars=True).items():
        tensor.data = weights[name]


def _shaped(actions: torch.Tensor, space: spaces.Space[Any]) -> NDArray[Any]:
    array: NDArray[Any] = actions.cpu().numpy()
    return array.reshape((-1, *(space.shape or ())))
