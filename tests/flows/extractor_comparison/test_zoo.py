"""Hyperparameters of rl-baselines3-zoo become a config that trains; what none can express is said, nothing is run."""

from __future__ import annotations

import json

import pytest
import yaml

from extractor_flow.config import read_config
from extractor_flow.flows.extractor_comparison import flow
from extractor_flow.flows.extractor_comparison.plan import Plan
from extractor_flow.flows.extractor_comparison.zoo.command import main
from extractor_flow.verify import verify
from support.flows.extractor_bench import CORRIDOR
from support.published import publish_run

ENTRIES = """
Walking-v0: &walking
  normalize: true
  n_envs: 4
  n_timesteps: !!float 5e4
  policy: 'MlpPolicy'
  n_steps: 16
  batch_size: 1024
  learning_rate: lin_2e-3
  policy_kwargs: "dict(log_std_init=-1.5, ortho_init=False, activation_fn=nn.ELU,
                       net_arch=[dict(pi=[32, 16], vf=[24])])"
Looking-v0:
  <<: *walking
  policy: CnnPolicy
  frame_stack: 3
  normalize: "{'norm_obs': False}"
  env_wrapper:
    - some.wrappers.Skip: {skip: 2}
    - some.wrappers.Grey
  policy_kwargs: "dict(net_arch=[8])"
atari:
  env_wrapper: [stable_baselines3.common.atari_wrappers.AtariWrapper]
  frame_stack: 4
  policy: CnnPolicy
  n_envs: 8
  n_steps: 128
  n_epochs: 4
  batch_size: 256
  n_timesteps: !!float 1e7
  learning_rate: lin_2.5e-4
  clip_range: lin_0.1
  vf_coef: 0.5
  ent_coef: 0.01
Calling-v0:
  n_timesteps: 10
  policy_kwargs: "dict(net_arch=__import__('os').system('true'))"
Recurrent-v0:
  n_timesteps: 10
  lstm_size: 4
Untrained-v0: {policy: MlpPolicy}
"""


@pytest.fixture
def zoo(tmp_path, capsys):
    """Calls the command on these entries; its exit code, what it wrote, and what it complained of."""
    (tmp_path / "ppo.yml").write_text(ENTRIES, encoding="utf-8")

    def call(*words):
        code = main(["zoo", str(tmp_path / "ppo.yml"), *words])
        return (code, *capsys.readouterr())

    return call


def test_an_entry_becomes_a_study_with_everything_that_it_says(zoo, tmp_path):
    code, _, _ = zoo("Walking-v0", "--output", str(tmp_path / "study.yaml"))

    (job,) = flow.study(read_config(tmp_path / "study.yaml"), {}).jobs
    plan = Plan.from_parameters(job.parameters)
    assert (code, plan.environment.id, plan.extractor.target) == (
        0,
        "Walking-v0",
        "stable_baselines3.common.torch_layers:FlattenExtractor",
    )
    assert (plan.schedule.num_envs, plan.schedule.total_timesteps, plan.rollout) == (4, 50_000, 64)
    assert {name: plan.algorithm[name] for name in ("learning_rate", "batch_size")} == {
        "learning_rate": "lin_2e-3",
        "batch_size": 64,
    }
    assert plan.algorithm["policy"] == {
        "net_arch": {"pi": [32, 16], "vf": [24]},
        "activation": "elu",
        "ortho_init": False,
        "log_std_init": -1.5,
        "share_features_extractor": True,
        "optimizer_kwargs": None,
    }
    assert plan.environment.normalize["norm_obs"] is True


def test_wrappers_stacked_frames_and_a_choice_of_what_is_normalised_are_kept(zoo):
    code, written, _ = zoo("Looking-v0")

    config = yaml.safe_load(written)
    assert (code, config["extractors"][0]["class"].rpartition(":")[2]) == (0, "NatureCNN")
    assert config["env"] == {
        "id": "Looking-v0",
        "wrappers": [{"class": "some.wrappers:Skip", "kwargs": {"skip": 2}}, {"class": "some.wrappers:Grey"}],
        "frame_stack": 3,
        "normalize": {"norm_obs": False},
    }


@pytest.mark.usefixtures("undrawn")
def test_a_game_has_the_entry_of_all_games_which_trains_on_stacked_screens_and_plays_again(zoo, tmp_path):
    config = yaml.safe_load(zoo("ALE/Pong-v5")[1])
    wrapper = config["env"]["wrappers"].pop()["class"]
    factory, extractor = CORRIDOR["factory"], config["extractors"][0]["class"]
    budget = {"num_envs": 2, "total_timesteps": 64, "eval_freq": 32, "final_eval_episodes": 2}
    config["env"] |= {"factory": factory, "kwargs": {"observation": "screen", "limit": 4}}
    config["algorithm"] |= {"n_steps": 16, "batch_size": 16}
    config["run"] |= budget

    # A screen without an emulator; all else is the entry's: NatureCNN, four frames, rates that fall.
    run = publish_run(tmp_path, {**config, "env": {key: each for key, each in config["env"].items() if key != "id"}})

    verdict = verify(run, deep=True, trust=[factory, extractor])
    assert (wrapper, config["env"]["id"]) == ("stable_baselines3.common.atari_wrappers:AtariWrapper", "ALE/Pong-v5")
    assert (verdict.violations, {each.check for each in verdict.unchecked}) == ((), {"figures-made-again"})
    assert json.loads((run / "summary.json").read_text())["aggregate_metrics"]["completed_runs"] == 1


@pytest.mark.parametrize(
    ("env", "complaint"),
    [
        ("Missing-v0", "has no entry 'Missing-v0'; it has Calling-v0, "),
        ("Recurrent-v0", "Recurrent-v0: no config can express lstm_size"),
        ("Untrained-v0", "Untrained-v0: is no entry with n_timesteps"),
        (
            "Calling-v0",
            "policy_kwargs is \"dict(net_arch=__import__('os').system('true'))\"; expected dict(...) of plain",
        ),
    ],
)
def test_what_no_config_can_express_is_said_and_nothing_is_run(zoo, env, complaint):
    code, written, told = zoo(env)

    assert (code, written) == (2, "")
    assert complaint in told


REPLAYING = """
Swinging-v0: &swinging
  n_timesteps: !!float 2e4
  policy: MlpPolicy
  learning_rate: lin_7.3e-4
  buffer_size: 300000
  batch_size: 64
  ent_coef: auto
  train_freq: [8, "step"]
  gradient_steps: 8
  optimize_memory_usage: False
  use_sde: True
  policy_kwargs: "dict(log_std_init=-3, net_arch=dict(pi=[64], qf=[32, 32]))"
Episodes-v0:
  <<: *swinging
  train_freq: [1, episode]
Passes-v0:
  <<: *swinging
  n_epochs: 4
"""


@pytest.mark.parametrize(("file", "option"), [("sac.yml", ()), ("hyperparams.yml", ("--algorithm", "SAC"))])
def test_the_file_or_an_option_says_for_which_algorithm_an_entry_is(tmp_path, file, option):
    (tmp_path / file).write_text(REPLAYING, encoding="utf-8")

    code = main(["zoo", str(tmp_path / file), "Swinging-v0", *option, "--output", str(tmp_path / "study.yaml")])

    (job,) = flow.study(read_config(tmp_path / "study.yaml"), {}).jobs
    plan = Plan.from_parameters(job.parameters)
    assert (code, plan.trainer.name, plan.rollout, plan.algorithm["ent_coef"]) == (0, "SAC", 8, "auto")
    assert plan.algorithm["policy"]["net_arch"] == {"pi": [64], "qf": [32, 32]}
    # No more transitions than the entry keeps, and tau is stable_baselines3's own.
    assert (plan.algorithm["buffer_size"], plan.algorithm["tau"]) == (300_000, 0.005)


@pytest.mark.parametrize(
    ("env", "complaint"),
    [
        ("Episodes-v0", "no config can express train_freq [1, 'episode']; expected a number of steps"),
        ("Passes-v0", "Passes-v0: no config can express n_epochs with SAC"),
    ],
)
def test_a_setting_of_another_algorithm_is_named(tmp_path, capsys, env, complaint):
    (tmp_path / "sac.yml").write_text(REPLAYING, encoding="utf-8")

    assert main(["zoo", str(tmp_path / "sac.yml"), env]) == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("text", ["- a list", "a: [", "\xff", "a: !!python/object/apply:os.system [true]"])
def test_a_file_that_is_none_of_the_zoo_is_refused(zoo, tmp_path, text):
    (tmp_path / "ppo.yml").write_bytes(text.encode("latin-1"))

    assert zoo("Walking-v0")[0] == 2
