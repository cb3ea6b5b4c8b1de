"""The probe: what does not repeat is found before it is trained in, and so is what nobody could train in."""

from __future__ import annotations

import itertools

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from extractor_flow.errors import JobError
from extractor_flow.flows.extractor_comparison.environments.factory import EnvironmentFactory
from extractor_flow.flows.extractor_comparison.environments.probe import probe
from extractor_flow.flows.extractor_comparison.plan import EnvironmentChoice
from extractor_flow.flows.extractor_comparison.repeatability import Finding, Repeatability

_AGE = itertools.count()
REPEATS = Repeatability()


class Pattern(gymnasium.Env):
    """Episodes of seven steps; what it shows, gives and numbers can be told otherwise."""

    def __init__(self, *, actions=None, shown=None, size=1.0, reward=1.0, draw=None):
        self.action_space = actions or spaces.Discrete(2)
        self.observation_space = shown or spaces.Box(-1.0, 1.0, (2,))
        self._size, self._reward, self._own, self._steps = size, reward, draw, 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._steps = 0
        return self._observe(), {}

    def step(self, action):
        self._steps += 1
        reward = self._own() if self._own else self._reward
        return self._observe(), reward, self._steps == 7, False, {}

    def _observe(self):
        return (self._size * self.np_random.uniform(-1, 1, 2)).astype(np.float32)


class Old(Pattern):
    def reset(self, **options):
        return super().reset()[0]


def pendulum():
    return gymnasium.make("Pendulum-v1")


@pytest.mark.parametrize(
    ("make", "found"),
    [
        pytest.param(Pattern, REPEATS, id="its own generator"),
        pytest.param(
            lambda: Pattern(draw=np.random.default_rng().random),
            Repeatability(("rewards",)),
            id="a generator of its own",
        ),
        pytest.param(lambda: Pattern(draw=_AGE.__next__), Repeatability(("rewards",)), id="what outlives an episode"),
        pytest.param(
            lambda: gymnasium.wrappers.NormalizeReward(pendulum()),
            Repeatability(("rewards",), (Finding.RUNNING_REWARDS,)),
            id="running normalisation of rewards",
        ),
        pytest.param(
            lambda: gymnasium.wrappers.ClipReward(gymnasium.wrappers.NormalizeObservation(pendulum()), -1, 1),
            Repeatability(("observations",), (Finding.RUNNING_OBSERVATIONS,)),
            id="running normalisation of observations, below another wrapper",
        ),
        pytest.param(lambda: Pattern(size=5.0), Repeatability((), (Finding.OUTSIDE_SPACE,)), id="outside its space"),
        pytest.param(lambda: gymnasium.wrappers.FrameStackObservation(pendulum(), 3), REPEATS, id="stacked frames"),
        pytest.param(
            EnvironmentFactory(EnvironmentChoice("extractor_flow/RobotNav-v0", None, {"rays": 16}, ())),
            REPEATS,
            id="ours",
        ),
    ],
)
def test_what_differs_after_the_same_seed_and_actions_is_found(make, found):
    assert probe(make) == found


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Pattern(actions=spaces.Discrete(3, start=5)),
            "the action space has Discrete(3, start=5): expected numbers",
        ),
        (
            lambda: Pattern(shown=spaces.Discrete(3, start=1)),
            "the observation space has Discrete(3, start=1): expected numbers",
        ),
        (lambda: Pattern(reward=None), "step() returned the reward None, of NoneType; expected a number"),
        (lambda: Pattern(reward=np.ones(1)), "step() returned the reward array([1.]), of ndarray; expected a number"),
        (Old, "reset() returned ndarray; expected (observation, info)"),
        (lambda: Pattern(size=np.nan), "an observation has NaN in it; expected numbers"),
        (lambda: Pattern(shown=spaces.Box(-1, 1, (3,))), "an observation has the shape (2,); its space has (3,)"),
        (
            lambda: Pattern(actions=spaces.Dict({"a": spaces.Discrete(2)})),
            "the action space is a Dict; expected Box, Discrete, MultiDiscrete or MultiBinary",
        ),
    ],
)
def test_what_nobody_could_train_in_is_refused_and_named(make, message):
    with pytest.raises(JobError) as caught:
        probe(make)

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    "data", [None, {}, {"repeats": True, "differs": ["rewards"], "findings": []}, {**REPEATS.to_json(), "more": 1}]
)
def test_only_what_the_probe_writes_is_read(data):
    assert Repeatability.from_json(data) is None


def test_what_it_writes_is_read_again():
    found = Repeatability(("rewards",), (Finding.STATEFUL_EXTRACTOR,))

    assert Repeatability.from_json(found.to_json()) == found
