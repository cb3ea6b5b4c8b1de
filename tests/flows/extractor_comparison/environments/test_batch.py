"""Environments that are stepped in one call do, to the last bit, what each of them does alone."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3.common.vec_env import DummyVecEnv

from extractor_flow.flows.extractor_comparison.environments.batch import (
    OneByOne,
    batch_of,
    keeps_its_word,
    offers_batches,
)
from extractor_flow.flows.extractor_comparison.environments.robot_nav import ENV_ID, RobotNavEnv, register
from extractor_flow.flows.extractor_comparison.training.batched_envs import BatchedEnvs, in_this_process
from extractor_flow.flows.extractor_comparison.training.evaluation import EvaluatingEnv, Lane, lane_seeds, play

WORLDS = [
    {"max_steps": 40},
    {"rays": 37, "frames": 1, "pedestrians": 0, "max_steps": 15},
    {"walls": 0, "pedestrians": 1, "rays": 16},
    {"walls": 9, "pedestrians": 20, "frames": 2},
]


def told(batch, count, space):
    """Everything that *count* environments tell in 60 steps: all of them, and every other time some of them."""
    space.seed(count)
    choose = np.random.default_rng(count)
    told = [batch.reset(row, seed=row) for row in range(count)]
    for number in range(60):
        some = choose.choice(count, size=int(choose.integers(1, count + 1)), replace=False).tolist()
        rows = some if number // 10 % 2 else range(count)
        step = batch.step(rows, np.stack([1.5 * space.sample() for _ in rows]))
        told.append(step)
        ended = step.terminated | step.truncated
        told += [batch.reset(row) for row, over in zip(rows, ended, strict=True) if over]
    return told


@pytest.mark.parametrize("arguments", WORLDS, ids=str)
def test_robots_that_are_stepped_together_do_what_each_does_alone(arguments):
    count = 6
    together, alone = ([RobotNavEnv(**arguments) for _ in range(count)] for _ in range(2))
    space = alone[0].action_space

    np.testing.assert_equal(told(batch_of(together), count, space), told(OneByOne(alone), count, space))


def test_a_robot_of_a_batch_shows_its_own_world():
    together, alone = ([RobotNavEnv(render_mode="rgb_array") for _ in range(3)] for _ in range(2))
    told(batch_of(together), 3, alone[0].action_space)
    told(OneByOne(alone), 3, alone[0].action_space)

    np.testing.assert_array_equal([each.render() for each in together], [each.render() for each in alone])


class Walk(gymnasium.Env):
    """A random walk on a line, whose class offers to step many together; that *lies* by so much, or raises."""

    observation_space = spaces.Box(-1e9, 1e9, (1,), np.float64)
    action_space = spaces.Discrete(2)

    def __init__(self, lies=0.0):
        self.lies = lies

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed, options=options)
        self.place = self.np_random.normal(size=1)
        return self.place.copy(), {}

    def step(self, action):
        self.place += self.np_random.normal() + action
        return self.place.copy(), float(self.place[0]), bool(self.place[0] > 6), bool(self.place[0] < -6), {}

    @staticmethod
    def stepped_together(environments):
        return Walks(environments)


class Walks(OneByOne):
    """What :class:`Walk` offers."""

    calls = 0

    def __init__(self, environments):
        super().__init__(environments)
        self.lies = environments[0].lies

    def step(self, rows, actions):
        Walks.calls += 1
        step = super().step(rows, actions)
        if self.lies is None:
            raise LookupError
        return step._replace(rewards=step.rewards + self.lies)


class Walker:
    """Makes a walk with two lanes, of which the class may *lie* while that of the training does not."""

    def __init__(self, number, lies, wrap):
        self.make, self.make_evaluated = (lambda: wrap(Walk())), (lambda: wrap(Walk(lies)))
        self.number = number

    def __call__(self):
        return EvaluatingEnv(self.make(), {2 * self.number + lane: Lane(self.make_evaluated()) for lane in range(2)})


def as_it_is(env):
    return env


def learned_from(envs):
    """What a training and an evaluation see of *envs*."""
    envs.seed(3)
    told = [envs.reset()]
    told += [envs.step(np.ones(2, dtype=np.int64)) for _ in range(40)]
    return told, play(envs, lambda seen: (seen[:, 0] > 0).astype(np.int64), lane_seeds(range(9), 4))


@pytest.mark.parametrize(
    ("lies", "wrap", "together"),
    [
        (0.0, as_it_is, True),
        (1e-15, as_it_is, False),
        (None, as_it_is, False),
        (0.0, lambda env: gymnasium.wrappers.TimeLimit(env, 5), False),
    ],
    ids=["it keeps its word", "it lies", "it raises", "a wrapper has its say"],
)
def test_what_a_class_offers_is_taken_and_changes_no_bit(lies, wrap, together):
    walkers = [Walker(number, lies, wrap) for number in range(2)]
    envs = in_this_process(walkers)
    Walks.calls = 0

    seen = learned_from(envs)

    np.testing.assert_equal(seen, learned_from(DummyVecEnv(walkers)))
    assert (type(envs) is BatchedEnvs, Walks.calls > 40) == (together, together)
    assert any("terminal_observation" in info for step in seen[0][1:] for info in step[3])


def test_a_robot_as_gymnasium_makes_it_is_stepped_with_others():
    register()

    assert keeps_its_word(lambda: gymnasium.make(ENV_ID, max_steps=30))
    assert not offers_batches(gymnasium.make("CartPole-v1"))
