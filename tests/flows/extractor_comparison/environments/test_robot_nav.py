"""The navigation environment as a learner sees it: spaces, episodes, rewards, seeds."""

from __future__ import annotations

import itertools
import math
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as gymnasium_check_env
from stable_baselines3.common.env_checker import check_env as sb3_check_env

from extractor_flow.errors import ConfigError
from extractor_flow.flows.extractor_comparison.environments.robot_nav import ENV_ID, RobotNavEnv, register

FORWARD = np.array([1.0, 0.0], np.float32)
STAND = np.array([-1.0, 0.0], np.float32)


def towards_goal(observation):
    """Turn to the goal, and drive once it lies ahead."""
    _, sine, cosine, _, _ = observation["drive_state"][-1].tolist()
    return np.array([1.0 if cosine > 0.9 else -1.0, np.clip(2.0 * math.atan2(sine, cosine), -1, 1)], np.float32)


def play(env, policy, seed):
    """All steps of one episode as (observation, reward, terminated, truncated, info)."""
    observation, _ = env.reset(seed=seed)
    steps = []
    while not steps or not (steps[-1][2] or steps[-1][3]):
        steps.append(env.step(policy(observation)))
        observation = steps[-1][0]
    return steps


def random_steps(env, seed, count):
    env.action_space.seed(seed)
    env.reset(seed=seed)
    for _ in range(count):
        step = env.step(env.action_space.sample())
        yield step
        if step[2] or step[3]:
            env.reset()


def gain(before, after):
    """How much nearer to the goal one step is than the other (m)."""
    return before[4]["goal_distance"] - after[4]["goal_distance"]


def fingerprint(env, seed):
    return b"".join(step[0]["rays"].tobytes() + np.float64(step[1]).tobytes() for step in random_steps(env, seed, 100))


def test_gymnasium_finds_nothing_to_complain_about():
    register()

    gymnasium_check_env(gymnasium.make(ENV_ID).unwrapped)


def test_sb3_has_no_complaint_but_that_two_axes_are_unusual():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sb3_check_env(RobotNavEnv(render_mode="rgb_array"), warn=True, skip_render_check=False)

    assert [str(warning.message).split("(")[0] for warning in caught] == [
        "Your observation drive_state has an unconventional shape ",
        "Your observation rays has an unconventional shape ",
    ]


def test_spaces_are_those_of_the_simulator_it_stands_for():
    env = RobotNavEnv()

    assert (env.observation_space, env.action_space) == (
        gymnasium.spaces.Dict(
            {
                "drive_state": gymnasium.spaces.Box(-1.0, 1.0, (3, 5), np.float32),
                "rays": gymnasium.spaces.Box(0.0, 1.0, (3, 272), np.float32),
            }
        ),
        gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32),
    )


def test_rays_and_frames_set_the_shapes():
    observation, _ = RobotNavEnv(rays=64, frames=2).reset(seed=0)

    assert {key: value.shape for key, value in observation.items()} == {"drive_state": (2, 5), "rays": (2, 64)}


def test_registering_twice_changes_nothing():
    register()
    before = gymnasium.registry[ENV_ID]
    register()

    assert gymnasium.registry[ENV_ID] is before


def test_a_made_environment_takes_the_arguments():
    register()

    env = gymnasium.make(ENV_ID, pedestrians=0, walls=0, max_steps=3)
    steps = play(env, lambda _: STAND, seed=0)

    assert [step[2:4] for step in steps] == [(False, False), (False, False), (False, True)]


def test_equal_seeds_give_equal_episodes():
    assert fingerprint(RobotNavEnv(), 5) == fingerprint(RobotNavEnv(), 5)


def test_other_seeds_give_other_episodes():
    assert len({fingerprint(RobotNavEnv(), seed) for seed in range(4)}) == 4


def test_resets_without_a_seed_go_on_with_the_same_chance():
    def starts():
        env = RobotNavEnv()
        return [env.reset(seed=3 if number == 0 else None)[0]["rays"].tobytes() for number in range(4)]

    first, second = starts(), starts()

    assert (first, len(set(first))) == (second, 4)


def test_the_newest_frame_is_the_last_and_the_others_move_up():
    env = RobotNavEnv()
    env.reset(seed=1)
    before, after = (env.step(FORWARD)[0] for _ in range(2))

    for key in ("drive_state", "rays"):
        np.testing.assert_array_equal(after[key][:-1], before[key][1:])
        assert not np.array_equal(after[key][-1], before[key][-1])


def test_at_the_start_all_frames_show_the_start():
    observation, _ = RobotNavEnv().reset(seed=1)

    assert {len({frame.tobytes() for frame in frames}) for frames in observation.values()} == {1}


def test_an_observation_keeps_its_values_while_the_episode_goes_on():
    env = RobotNavEnv()
    observation, _ = env.reset(seed=1)
    copy = {key: value.copy() for key, value in observation.items()}
    env.step(FORWARD)

    for key, value in observation.items():
        np.testing.assert_array_equal(value, copy[key])


@pytest.mark.parametrize("seed", range(5))
def test_who_drives_to_the_goal_arrives_and_is_paid(seed):
    *way, last = play(RobotNavEnv(pedestrians=0, walls=0), towards_goal, seed)
    _, reward, terminated, truncated, info = last

    assert (terminated, truncated, info["is_success"], info["is_collision"]) == (True, False, True, False)
    assert reward > 9.5
    assert not any(step[4]["is_success"] for step in way)


@pytest.mark.parametrize("seed", range(5))
def test_who_drives_into_a_wall_is_stopped_and_pays(seed):
    env = RobotNavEnv(pedestrians=0, walls=2)
    while True:  # an episode in which straight ahead is not where the goal is
        steps = play(env, lambda _: FORWARD, seed)
        if not steps[-1][4]["is_success"]:
            break
        seed += 100
    _, reward, terminated, truncated, info = steps[-1]

    assert (terminated, truncated, info["is_success"], info["is_collision"]) == (True, False, False, True)
    assert -5.44 <= reward <= -4.59


def test_a_random_policy_is_rewarded_within_the_stated_range_unless_it_arrives():
    steps = list(random_steps(RobotNavEnv(), 0, 2000))
    rewards = [reward for _, reward, _, _, info in steps if not info["is_success"]]

    assert -5.44 <= min(rewards) <= -4.9
    assert 0.3 <= max(rewards) <= 0.4


def test_the_reward_is_progress_less_the_time_it_took():
    steps = [step for step in random_steps(RobotNavEnv(), 2, 200) if not (step[2] or step[3])]
    pairs = [(one, next_one) for one, next_one in itertools.pairwise(steps) if abs(gain(one, next_one)) < 0.2]

    assert {gain(*pair) > 0 for pair in pairs} == {True, False}
    assert [after[1] for _, after in pairs] == pytest.approx([2.8 * gain(*pair) - 0.02 for pair in pairs])


def test_observations_stay_within_their_space():
    env = RobotNavEnv(pedestrians=12)

    assert all(env.observation_space.contains(step[0]) for step in random_steps(env, 1, 800))


def test_actions_beyond_the_space_count_as_its_bounds():
    def after(action):
        env = RobotNavEnv()
        env.reset(seed=0)
        return env.step(np.array(action, np.float32))[0]["drive_state"].tolist()

    assert after([7.0, -9.0]) == after([1.0, -1.0])


def test_a_step_before_the_first_reset_is_refused():
    with pytest.raises(gymnasium.error.ResetNeeded):
        RobotNavEnv().step(FORWARD)


def test_impossible_arguments_are_refused_all_at_once():
    with pytest.raises(ConfigError) as caught:
        RobotNavEnv(rays=2, frames=0, max_steps=0, walls=99, pedestrians=-1, render_mode="human")

    assert caught.value.problems == (
        "rays is 2; expected an integer of at least 4",
        "frames is 0; expected an integer of at least 1",
        "max_steps is 0; expected an integer of at least 1",
        "render_mode is 'human'; expected 'rgb_array' or none",
        "walls is 99; an arena of 10 m has room for 0 to 9",
        "pedestrians is -1; an arena of 10 m has room for 0 to 50",
    )


def test_arguments_of_the_wrong_type_are_refused():
    with pytest.raises(ConfigError) as caught:
        RobotNavEnv(rays="many", walls=1.5, pedestrians="4")

    assert caught.value.problems == (
        "rays is 'many'; expected an integer of at least 4",
        "walls is 1.5; an arena of 10 m has room for 0 to 9",
        "pedestrians is '4'; an arena of 10 m has room for 0 to 50",
    )


@pytest.mark.parametrize("size", [4.9, math.nan, math.inf, "10"])
def test_an_arena_without_room_is_refused(size):
    with pytest.raises(ConfigError, match=r"^arena_size is .*; expected a number of metres, at least 5$"):
        RobotNavEnv(arena_size=size)


@pytest.mark.parametrize(
    "crowded",
    [
        {"arena_size": 5.0, "walls": 1, "pedestrians": 12},
        {"arena_size": 10.0, "walls": 9, "pedestrians": 50},
        {"arena_size": 30.0, "walls": 30, "pedestrians": 60},
    ],
)
def test_a_full_arena_can_still_be_played(crowded):
    env = RobotNavEnv(**crowded)

    assert all(env.observation_space.contains(step[0]) for step in random_steps(env, 0, 60))
