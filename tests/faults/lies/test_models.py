"""Lies about how a policy was trained: each kind is caught, and a file that contradicts it is named."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from extractor_flow.config import ConfigDocument
from extractor_flow.evidence.findings import Why
from extractor_flow.flows.extractor_comparison import ExtractorComparison
from extractor_flow.flows.extractor_comparison.checks.expected import ACTIONS, FRAMES, MAX_STEPS, RAYS, shapes_of
from extractor_flow.flows.extractor_comparison.checks.ppo_settings import ACTIVATIONS
from extractor_flow.flows.extractor_comparison.config import DEFAULT_ENVIRONMENT
from extractor_flow.flows.extractor_comparison.extractors.presets import PRESETS
from extractor_flow.flows.extractor_comparison.plan import EnvironmentChoice, Plan
from extractor_flow.verify import verify
from support.lies.about_models import FINAL, LATE, LIES, POLICY, STUDY, remodelled, told_by_the_models_too, torched
from support.lies.mutated_runs import ONE, one_for_each_check
from support.published import publish_run

torch = pytest.importorskip("torch")
pytest.importorskip("stable_baselines3")

from extractor_flow.flows.extractor_comparison.checks.player import Player  # noqa: E402
from extractor_flow.flows.extractor_comparison.environments.robot_nav import RobotNavEnv  # noqa: E402
from extractor_flow.flows.extractor_comparison.extractors.presets import extractor_class  # noqa: E402
from extractor_flow.flows.extractor_comparison.training.model import _ACTIVATIONS  # noqa: E402


@pytest.fixture(scope="module")
def genuine_run(shared_run):
    return shared_run(STUDY)


@pytest.fixture
def run(genuine_run, tampering_with):
    return tampering_with(genuine_run)


DEEP = ("ppo-torch-weights", "ppo-played-again")


def violations(run, **options):
    return verify(run.path, **options).violations


@pytest.mark.parametrize("mutation", one_for_each_check(LIES))
def test_each_is_caught_and_the_file_named(run, mutation):
    mutation.change(run)

    named = [violation for violation in violations(run) if violation.file == mutation.file]

    caught = [violation for violation in named if mutation.kind in (None, violation.kind)]
    assert [violation for violation in caught if violation.check in mutation.checks], violations(run)


def test_telling_everything_again_is_no_lie(run):
    remodelled(lambda members: None, FINAL, LATE)(run)

    assert violations(run, deep=DEEP) == ()


def test_weights_that_want_a_gradient_are_compared_by_pytorch_as_others_are(run):
    def wanting(state):
        known = {value.data_ptr(): value.detach().requires_grad_() for value in state.values()}
        return {name: known[value.data_ptr()] for name, value in state.items()}

    remodelled(torched(POLICY, wanting), FINAL, LATE)(run)

    assert violations(run, deep=DEEP) == ()


def test_an_extractor_that_all_files_tell_of_and_nobody_trained_is_found_by_making_it_again(run):
    told_by_the_models_too(run)

    found = {each.file for each in violations(run, deep=DEEP) if each.check == "ppo-played-again"}

    assert (violations(run), found >= {f"{ONE}/{FINAL}", f"{ONE}/{LATE}"}) == ((), True)


@pytest.mark.parametrize(
    ("extractors", "algorithm"),
    [
        pytest.param(
            [
                {"name": "preset", "preset": "dynamics_no_conv"},
                {"name": "class", "class": "stable_baselines3.common.torch_layers:FlattenExtractor"},
            ],
            {},
            id="one network under two names",
        ),
        pytest.param(
            [{"name": "mlp", "preset": "mlp_small", "parameters": {"dropout_rate": 0.5}}],
            {"target_kl": 1e-12},
            id="passes that end before the first update",
        ),
        pytest.param(
            [{"name": "own", "class": "changing:Extractor"}],
            {"clip_range_vf": 0.1},
            id="a class that keeps more than its weights",
        ),
    ],
)
@pytest.mark.usefixtures("undrawn")
def test_an_honest_run_verifies(tmp_path, monkeypatch, extractors, algorithm):
    (tmp_path / "changing.py").write_text(CHANGING, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    named = [entry["class"] for entry in extractors if "class" in entry]
    settings = {
        **STUDY,
        "run": {**STUDY["run"], "seeds": [1], "baseline_extractor": None},
        "env": {"id": "CartPole-v1", "kwargs": {"max_episode_steps": 12}},
        "algorithm": STUDY["algorithm"] | algorithm,
        "extractors": extractors,
    }

    verdict = verify(publish_run(tmp_path, settings), deep=DEEP, trust=named)

    assert (verdict.violations, {each.code for each in verdict.unchecked} - {Why.NO_REPEAT}) == ((), set())


def test_what_is_due_is_written_down_as_the_code_that_trains_has_it():
    defaults = {name: each.default for name, each in inspect.signature(RobotNavEnv).parameters.items()}
    env = RobotNavEnv()

    assert tuple(defaults[name] for name in ("rays", "frames", "max_steps")) == (RAYS, FRAMES, MAX_STEPS)
    assert {key: list(space.shape) for key, space in env.observation_space.items()} == shapes_of(
        EnvironmentChoice(DEFAULT_ENVIRONMENT, None, {}, ())
    )
    assert env.action_space.shape == (ACTIONS,)
    assert {name: getattr(torch.nn, each).__name__ for name, each in ACTIVATIONS.items()} == {
        name: each.__name__ for name, each in _ACTIVATIONS.items()
    }


def plan_of(preset):
    settings = {**STUDY, "extractors": [{"name": "mlp", "preset": preset}]}
    (job, *_) = ExtractorComparison().study(ConfigDocument(Path("study.yaml"), settings, {}), {}).jobs
    return Plan.from_parameters(job.parameters)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_can_be_made_without_numbers(preset):
    plan = plan_of(preset)
    boxes = RobotNavEnv(**plan.environment.kwargs).observation_space
    kind, arguments = extractor_class(preset, plan.extractor.parameters)

    made = kind(boxes, **arguments).state_dict()

    shapes = {name: tuple(values.shape) for name, values in made.items()}
    assert Player(plan, 1).extractor_shapes() == shapes


CHANGING = '''
import torch
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn


class Changing(BaseFeaturesExtractor):
    """Has a buffer that grows and one that jumps, weights for now and then, and some that stay as they are."""

    def __init__(self, space):
        super().__init__(space, 6)
        self.often, self.seldom, self.never = (nn.Linear(4, 6) for _ in range(3))
        self.never.requires_grad_(False)
        self.register_buffer("mean", torch.zeros(4))
        self.register_buffer("memory", torch.zeros(1))
        self.calls = 0

    def forward(self, observations):
        self.calls += 1
        self.mean += 5.0
        self.memory = torch.zeros(self.calls)
        return (self.seldom if self.calls % 3 == 0 else self.often)(observations)


Extractor = Changing
'''
