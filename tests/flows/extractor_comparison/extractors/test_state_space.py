"""The selective state-space model, against a slow and plain one."""

from __future__ import annotations

import numpy as np
import torch
from stable_baselines3 import PPO
from torch.nn import functional

from extractor_flow.flows.extractor_comparison.environments.robot_nav import RobotNavEnv
from extractor_flow.flows.extractor_comparison.extractors.presets import extractor_class
from extractor_flow.flows.extractor_comparison.extractors.state_space import SelectiveBlock, selective_scan


def arguments(batch=2, length=5, inner=3, state=4):
    torch.manual_seed(0)
    return (
        torch.randn(batch, length, inner, dtype=torch.float64),
        torch.rand(batch, length, inner, dtype=torch.float64),
        -torch.rand(inner, state, dtype=torch.float64),
        torch.randn(batch, length, state, dtype=torch.float64),
        torch.randn(batch, length, state, dtype=torch.float64),
    )


def slow_scan(inputs, steps, decay, write, read):
    """The recurrence, one number at a time."""
    inputs, steps, decay, write, read = (value.numpy() for value in (inputs, steps, decay, write, read))
    outputs = np.zeros_like(inputs)
    for batch in range(inputs.shape[0]):
        state = np.zeros(decay.shape)
        for place in range(inputs.shape[1]):
            for channel in range(decay.shape[0]):
                step, value = steps[batch, place, channel], inputs[batch, place, channel]
                for number in range(decay.shape[1]):
                    kept = np.exp(step * decay[channel, number]) * state[channel, number]
                    state[channel, number] = kept + step * write[batch, place, number] * value
                outputs[batch, place, channel] = sum(read[batch, place] * state[channel])
    return outputs


def test_the_scan_is_the_recurrence():
    np.testing.assert_allclose(selective_scan(*arguments()).numpy(), slow_scan(*arguments()), rtol=1e-12)


def test_the_scans_gradient_is_that_of_the_recurrence():
    values = [value.requires_grad_() for value in arguments(batch=1, length=3, inner=2, state=2)]

    assert torch.autograd.gradcheck(selective_scan, values)


def test_a_place_sees_only_those_before_it():
    torch.manual_seed(0)
    block = SelectiveBlock(d_model=8, d_state=4, d_conv=4, expand=2)
    tokens = torch.randn(1, 9, 8)
    changed = tokens.clone()
    changed[:, 5:] += 1.0
    difference = (block(changed) - block(tokens)).abs().sum(dim=(0, 2))

    assert [bool(value > 1e-6) for value in difference] == [False] * 5 + [True] * 4


def test_steps_begin_small_also_after_a_policy_has_drawn_its_weights():
    extractor, parameters = extractor_class("mamba_lite", {})
    policy_kwargs = {"features_extractor_class": extractor, "features_extractor_kwargs": parameters}
    model = PPO("MultiInputPolicy", RobotNavEnv(), n_steps=8, batch_size=8, seed=0, policy_kwargs=policy_kwargs)
    block = model.policy.features_extractor.encoders[0].blocks[0]
    steps = functional.softplus(block.step_bias.detach())

    assert 1e-3 * 0.99 <= float(steps.min()) < float(steps.max()) <= 1e-1 * 1.01
