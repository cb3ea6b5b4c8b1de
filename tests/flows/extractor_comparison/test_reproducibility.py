"""The same job gives the same numbers and bytes; another seed does not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import CombinedExtractor, FlattenExtractor
from stable_baselines3.common.vec_env import DummyVecEnv

from extractor_flow.flows.extractor_comparison.environments.factory import EnvironmentFactory
from extractor_flow.flows.extractor_comparison.environments.probe import PROBE_SEED
from extractor_flow.flows.extractor_comparison.plan import EnvironmentChoice, Plan
from extractor_flow.flows.extractor_comparison.seeds import evaluation_seeds, held_out_seeds, training_seed
from extractor_flow.flows.extractor_comparison.training.acting import actor_of
from extractor_flow.flows.extractor_comparison.training.evaluation import (
    EvaluatingEnv,
    Lane,
    lane_seeds,
    play,
)
from extractor_flow.flows.extractor_comparison.training.vec_envs import training_environments
from support.flows import corridor
from support.flows.extractor_bench import CORRIDOR, ROBOT_NAV

MLP = {"name": "mlp", "preset": "mlp_small"}


@pytest.fixture(scope="module")
def once(shared_bench):
    """A job with dropout, several environments and a best policy before the end."""
    return shared_bench.train(MLP, env=ROBOT_NAV, num_envs=2, total_timesteps=192, eval_freq=64)


def result(done):
    return done.read("policy"), done.read("evaluations"), done.product.metrics, done.product.details


def test_the_same_job_twice_gives_the_same_bytes_and_numbers(once, bench):
    again = bench.train(MLP, env=ROBOT_NAV, num_envs=2, total_timesteps=192, eval_freq=64)

    assert result(again) == result(once)


def test_worker_processes_change_no_bit(once, bench):
    vectorized = bench.train(
        MLP, env=ROBOT_NAV, num_envs=2, total_timesteps=192, eval_freq=64, worker_mode="vectorized"
    )

    assert vectorized.job.worker_mode == "vectorized"
    assert result(vectorized) == result(once)


SLOPPY = {"factory": "support.flows.corridor:make_sloppy"}


def test_seeds_reach_an_environment_that_draws_from_the_global_generator(bench):
    first, second = (bench.train(env=SLOPPY) for _ in range(2))

    assert result(first) == result(second)


def test_seeds_reach_the_global_generator_of_a_worker_however_its_process_is_started(bench):
    # What is forked from one server has one state to begin with; what is spawned has its own.
    spawned, forked = (
        bench.train(env=SLOPPY, worker_mode="vectorized", start_method=method) for method in ("spawn", "forkserver")
    )

    assert result(spawned) == result(forked)


def test_the_seeds_a_job_names_are_those_its_environments_were_given(bench):
    corridor.SEEDS_SEEN.clear()
    done = bench.train(env={"factory": "support.flows.corridor:make_listening"}, num_envs=2)
    named = done.product.details["seeds"]

    assert set(corridor.SEEDS_SEEN) == {*named["environments"], *named["evaluation"], *named["held_out"], PROBE_SEED}
    assert named["training"] == 1


def test_another_seed_gives_other_weights_before_and_after(once, bench):
    other = bench.train(MLP, env=ROBOT_NAV, num_envs=2, total_timesteps=192, eval_freq=64, seed=2)

    assert other.read("policy") != once.read("policy")
    assert other.product.details["untrained_weights_sha256"] != once.product.details["untrained_weights_sha256"]


def test_the_untrained_policy_does_not_depend_on_the_training(once, bench):
    shorter = bench.train(MLP, env=ROBOT_NAV, num_envs=2, total_timesteps=64, eval_freq=32)

    def untrained(done):
        return done.product.details["untrained_weights_sha256"], done.product.metrics["untrained_mean_reward"]

    assert untrained(shorter) == untrained(once)


@pytest.mark.parametrize(
    ("model", "episodes", "metric"),
    [
        ("best_model", "evaluation", "best_mean_reward"),
        ("final_model", "evaluation", "final_mean_reward"),
        ("best_model", "held_out", "held_out_mean_reward"),
        ("final_model", "held_out", "held_out_final_mean_reward"),
    ],
)
def test_a_saved_model_scores_again_what_its_metric_says(once, tmp_path, model, episodes, metric):
    plan = Plan.from_parameters(once.job.parameters)
    loaded = PPO.load(once.path / once.product.artifacts[model])
    seeds = lane_seeds(once.product.details["seeds"][episodes], plan.schedule.eval_num_envs)

    with training_environments(plan, seed=1, worker_mode="single-thread", directory=tmp_path) as envs:
        played = play(envs, lambda observations: loaded.predict(observations, deterministic=True)[0], seeds)

    rewards = torch.tensor([episode.reward for episode in played], dtype=torch.float64)
    assert rewards.mean().item() == pytest.approx(once.product.metrics[metric], abs=1e-12)


def test_the_policy_that_was_selected_and_the_final_one_differ_in_the_job_that_tells_them_apart(once):
    metrics = once.product.metrics

    assert metrics["best_timestep"] < once.product.training_steps
    assert metrics["held_out_mean_reward"] != metrics["held_out_final_mean_reward"]


ACTIONS = [
    spaces.Box(-1, 1, (2,)),
    spaces.Box(0.0, 10.0, (2, 2)),
    spaces.Discrete(3),
    spaces.MultiDiscrete([2, 3]),
    spaces.MultiBinary(4),
]
OBSERVATIONS = [
    spaces.Box(-1, 1, (4,)),
    spaces.Box(0, 255, (36, 36, 3), np.uint8),
    spaces.Discrete(5),
    spaces.Dict({"a": spaces.Box(-1, 1, (3, 16)), "b": spaces.Discrete(4)}),
]


@pytest.mark.parametrize("action_space", ACTIONS, ids=str)
@pytest.mark.parametrize("space", OBSERVATIONS, ids=lambda space: type(space).__name__)
@pytest.mark.parametrize("use_sde", [False, True])
def test_the_actor_alone_does_what_predict_does_bit_for_bit(space, action_space, use_sde):
    dict_like = isinstance(space, spaces.Dict)
    policy = ActorCriticPolicy(
        space,
        action_space,
        lambda _: 0.0,
        use_sde=use_sde and isinstance(action_space, spaces.Box),
        features_extractor_class=CombinedExtractor if dict_like else FlattenExtractor,
    )
    shown = [space.sample() for _ in range(3)]
    batch = {key: np.stack([each[key] for each in shown]) for key in space} if dict_like else np.stack(shown)

    actions = actor_of(policy)(batch)

    assert np.array_equal(actions, policy.predict(batch, deterministic=True)[0])


CHOICE = EnvironmentChoice(None, CORRIDOR["factory"], {"limit": 5}, ())


def episodes_of(seeds, *, lanes, workers):
    """The episodes of *seeds* under a policy that walks left, in *lanes* that *workers* share."""
    make = EnvironmentFactory(CHOICE)
    shares = lane_seeds(seeds, lanes)
    envs = DummyVecEnv(
        [
            lambda worker=worker: EvaluatingEnv(
                make(), {lane: Lane(make()) for lane in shares if lane % workers == worker}
            )
            for worker in range(workers)
        ]
    )
    return [play(envs, lambda batch: [0] * len(batch), shares) for _ in range(2)]


@pytest.mark.parametrize(("lanes", "workers"), [(1, 1), (2, 1), (3, 2), (5, 2), (8, 3)])
def test_the_same_episodes_are_played_in_order_whatever_plays_them(lanes, workers):
    seeds = evaluation_seeds(3, 5)
    alone = [episodes_of([seed], lanes=1, workers=1)[0][0] for seed in seeds]

    first, second = episodes_of(seeds, lanes=lanes, workers=workers)

    assert list(first) == list(second) == alone
    assert len(set(alone)) == 5


def test_every_episode_counts_once_however_long_it_is():
    lengths = {7: 3, 8: 40, 9: 1}

    class Fixed:
        def reset(self, *, seed=None, options=None):
            self.left = lengths[seed]
            return self.left, {}

        def step(self, action):
            self.left -= 1
            return self.left, 1.0, self.left == 0, False, {}

        def close(self):
            pass

    lane = Lane(Fixed())
    steps = [lane.start([7, 8, 9])]
    while steps[-1].observation is not None:
        steps.append(lane.step(0))

    ended = [step.ended for step in steps if step.ended]
    assert [(episode.length, episode.reward, episode.success) for episode in ended] == [
        (3, 3.0, None),
        (40, 40.0, None),
        (1, 1.0, None),
    ]


def test_held_out_episodes_are_never_those_of_an_evaluation():
    first = held_out_seeds(7, 3, ())

    assert held_out_seeds(7, 2, [5, first[0]]) == first[1:]


def test_seeds_of_training_and_evaluation_never_meet_between_runs():
    seen = [
        number
        for seed in range(200)
        for number in [
            *range(training_seed(seed), training_seed(seed) + 8),
            *evaluation_seeds(seed, 20),
            *held_out_seeds(seed, 20, ()),
        ]
    ]

    assert len(set(seen)) == len(seen)
    assert all(0 <= number < 2**31 for number in seen)
