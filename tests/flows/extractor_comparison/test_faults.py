"""What goes wrong in a training is said in words, and leaves no process behind."""

from __future__ import annotations

import multiprocessing
import sys
from pathlib import Path

import pytest

from extractor_flow.errors import Interrupted, JobError
from extractor_flow.flows.extractor_comparison import flow
from support.flows.extractor_bench import CORRIDOR, FLAT


def reason(bench, *extractors, **settings):
    with pytest.raises(JobError) as caught:
        bench.train(*extractors, **settings)
    return str(caught.value)


@pytest.mark.parametrize("reward", ["nan", "-inf"])
def test_a_reward_that_is_no_number_ends_the_job(bench, reward):
    env = {**CORRIDOR, "kwargs": {"bad_at": 3, "bad_reward": reward}}

    assert reason(bench, env=env) == f"the evaluation at step 0 has the mean reward {reward}"


def test_a_bad_reward_in_training_is_found_at_its_step(bench):
    env = {"factory": "support.flows.corridor:make_trap"}

    assert reason(bench, env=env) == "the environment gave the reward nan at step 40"


def test_weights_that_diverge_end_the_job(bench):
    message = reason(bench, algorithm={"learning_rate": 1e25, "max_grad_norm": 1e25})

    assert message.endswith("hold NaN or infinity after 32 steps: the training has diverged")


@pytest.mark.parametrize(
    ("extractor", "message"),
    [
        (
            {"class": "no_such_package.module:Thing"},
            f"class is 'no_such_package.module:Thing': there is no module 'no_such_package', also not in {Path.cwd()}",
        ),
        (
            {"class": "support.flows.corridor:NotAnExtractor"},
            "class is 'support.flows.corridor:NotAnExtractor', which is no stable_baselines3 BaseFeaturesExtractor",
        ),
        (
            {"class": "support.flows.corridor:Flat", "parameters": {"widht": 3}},
            (
                "parameters do not fit class 'support.flows.corridor:Flat': "
                "got an unexpected keyword argument 'widht'; it takes (observation_space, width=8)"
            ),
        ),
    ],
)
def test_a_class_that_cannot_be_used_is_named(bench, extractor, message):
    assert reason(bench, {"name": "mine", **extractor}) == message


def test_a_name_that_a_module_does_not_have_is_named(bench):
    message = reason(bench, {"name": "mine", "class": "support.flows.corridor:Flatt"})

    assert message.startswith("class is 'support.flows.corridor:Flatt': support.flows.corridor (")
    assert message.endswith("has no Flatt")


def test_a_module_is_also_looked_for_in_the_working_directory(bench, tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text("from support.flows.corridor import Flat as Mine\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    assert bench.train({"name": "mine", "class": "only_here:Mine"}).product.training_steps == 64


@pytest.mark.parametrize(
    ("env", "message"),
    [
        (
            {"factory": "support.flows.corridor:make_nothing"},
            "env.factory 'support.flows.corridor:make_nothing' returned object; expected a gymnasium.Env",
        ),
        (
            {**CORRIDOR, "filter_keys": ["rays"]},
            (
                "env.filter_keys: support.flows.corridor:make_corridor has no Dict observation but "
                "Box(-2.0, 20.0, (2,), float32)"
            ),
        ),
        (
            {**CORRIDOR, "kwargs": {"observation": "dict"}, "filter_keys": ["rays"]},
            (
                "env.filter_keys: support.flows.corridor:make_corridor has no observation 'rays'; "
                "it has kind, mission, place"
            ),
        ),
        (
            {**CORRIDOR, "kwargs": {"observation": "dict"}},
            (
                "support.flows.corridor:make_corridor: the observation 'mission' is a Text, which no policy can read; "
                "take it off with env.filter_keys"
            ),
        ),
        (
            {**CORRIDOR, "kwargs": {"observation": "dict"}, "filter_keys": ["kind", "mission", "place"]},
            "env.filter_keys: nothing is left of the observations of support.flows.corridor:make_corridor",
        ),
    ],
)
def test_an_environment_that_cannot_be_used_is_named(bench, env, message):
    assert reason(bench, env=env) == message


def test_an_unknown_environment_is_named(bench):
    assert reason(bench, env={"id": "CartPoole-v1"}).startswith("env.id is 'CartPoole-v1': ")


def test_what_an_environment_raises_is_passed_on(bench):
    with pytest.raises(RuntimeError, match="the simulator has crashed"):
        bench.train(env={"factory": "support.flows.corridor:make_failing"})


def test_a_worker_that_dies_fails_the_job_and_leaves_no_process(bench):
    message = reason(bench, env={"factory": "support.flows.corridor:make_dying"}, worker_mode="vectorized", num_envs=2)

    assert message == "a process died while its environment was stepped; the end of the log may say why"
    assert multiprocessing.active_children() == []


def test_an_environment_that_a_worker_cannot_make_fails_the_job(bench):
    message = reason(bench, env={"factory": "support.flows.corridor:make_nothing"}, worker_mode="vectorized")

    assert message == "a process died while its environment was made; the end of the log may say why"
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("worker_mode", ["single-thread", "vectorized"])
def test_an_interrupt_is_passed_on_and_leaves_no_process(bench, worker_mode):
    (job,) = bench.jobs(FLAT, worker_mode=worker_mode, total_timesteps=10_000)
    desk = bench.desk()

    def progress(done, total, **facts):
        if done >= 40:
            raise Interrupted(15)

    desk.progress = progress

    with pytest.raises(Interrupted):
        flow.run(job, desk)

    assert multiprocessing.active_children() == []
    assert not (desk.path / "final_model.zip").exists()
