"""The comparison's config: what it becomes, and what it complains about."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from extractor_flow.config import ConfigDocument, read_config
from extractor_flow.errors import ConfigError, RequestError
from extractor_flow.flows.extractor_comparison import flow
from extractor_flow.flows.extractor_comparison.config import schema
from extractor_flow.flows.extractor_comparison.extractors.presets import PRESETS
from extractor_flow.flows.extractor_comparison.jobs import missing_requirement
from extractor_flow.study.codes import Code
from extractor_flow.study.jobs import Job, Limits
from extractor_flow.study.records import Skipped
from support import ROOT

EXAMPLES = ROOT / "contracts" / "examples"
SCENARIOS = sorted((ROOT / "configs" / "scenarios").glob("*.yaml"))


@pytest.fixture
def study(tmp_path):
    """The study of a config given as YAML text or as sections of one with the extractor mlp_small."""

    def build(text=None, *, overrides=None, extractors=None, run=None, **sections):
        data = {"run": run or {}, "extractors": extractors or [{"name": "a", "preset": "mlp_small"}], **sections}
        path = tmp_path / "my_study.yaml"
        path.write_text(text if text is not None else yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
        return flow.study(read_config(path), overrides or {})

    return build


@pytest.fixture
def complaints(study):
    """The complaints about a config, without the file's name."""

    def collect(*arguments, **sections):
        with pytest.raises(ConfigError) as caught:
            study(*arguments, **sections)
        return [problem.split("my_study.yaml:", 1)[1].split(": ", 1)[1] for problem in caught.value.problems]

    return collect


REFERENCE = """
run:
  run_id: "default"
  worker_mode: "single-thread"
  num_envs: 1
  total_timesteps: 4096
  eval_freq: 512
  save_freq: 2048
  n_eval_episodes: 3
  device: "cpu"
  seed: 42
extractors:
  - name: "dynamics_original"
    preset: "dynamics_original"
    description: "Baseline"
    expected_resources: "cpu"
  - name: "mlp_small"
    preset: "mlp_small"
"""


def test_a_config_of_run_and_extractors_alone_is_a_whole_study(study):
    result = study(REFERENCE)

    assert (result.run_id, result.output_root, result.notes) == ("default", "tmp/multi_extractor_training", ())
    assert [(job.label, job.directory, job.requires) for job in result.jobs] == [
        ("dynamics_original seed 42", "extractors/dynamics_original", ()),
        ("mlp_small seed 42", "extractors/mlp_small", ()),
    ]


def test_the_parameters_of_a_job_hold_all_that_decides_its_result(study):
    (job,) = study(run={"num_envs": 2}, env={"kwargs": {"rays": 32}}).jobs

    assert job.parameters == {
        "extractor": {
            "preset": "mlp_small",
            "target": None,
            "parameters": {"ray_hidden_dims": [64, 32], "drive_hidden_dims": [16, 8], "dropout_rate": 0.1},
        },
        "environment": {
            "id": "extractor_flow/RobotNav-v0",
            "factory": None,
            "kwargs": {"rays": 32},
            "filter_keys": [],
            "wrappers": [],
            "frame_stack": None,
            "normalize": None,
        },
        "algorithm": {
            "learning_rate": 0.0003,
            "n_steps": 256,
            "batch_size": 64,
            "n_epochs": 10,
            "gamma": 0.99,
            "gae_lambda": 0.95,
            "clip_range": 0.2,
            "clip_range_vf": None,
            "normalize_advantage": True,
            "ent_coef": 0.0,
            "vf_coef": 0.5,
            "max_grad_norm": 0.5,
            "use_sde": False,
            "sde_sample_freq": -1,
            "target_kl": None,
            "stats_window_size": 100,
            "policy": {
                "net_arch": None,
                "optimizer_kwargs": None,
                "activation": "tanh",
                "ortho_init": True,
                "log_std_init": 0.0,
                "share_features_extractor": True,
            },
        },
        "schedule": {
            "total_timesteps": 4096,
            "num_envs": 2,
            "eval_freq": 512,
            "save_freq": 2048,
            "n_eval_episodes": 3,
            "eval_num_envs": 8,
            "final_eval_episodes": 20,
        },
        "convergence_fraction": 0.95,
        "device": "cpu",
        "threads": 1,
        "start_method": "spawn",
    }


@pytest.mark.parametrize(("run", "baseline"), [({}, "a"), ({"baseline_extractor": None}, None)])
def test_the_first_extractor_is_the_baseline_unless_the_config_says_otherwise(study, run, baseline):
    extractors = [{"name": name, "preset": "mlp_small"} for name in "ab"]

    assert study(run=run, extractors=extractors).settings["run"]["baseline_extractor"] == baseline


def test_several_seeds_make_a_job_and_a_directory_each(study):
    jobs = study(run={"seeds": [3, 1]}, extractors=[{"name": "A b", "preset": "mlp_small"}]).jobs

    assert [(job.name, job.seed, job.directory) for job in jobs] == [
        ("A b", 3, "extractors/A_b/seed-3"),
        ("A b", 1, "extractors/A_b/seed-1"),
    ]


def test_the_command_line_has_the_last_word(study):
    overrides = {"run_id": "mac", "output_root": "/elsewhere", "seeds": [7]}

    result = study(run={"run_id": "x", "seeds": [1, 2]}, overrides=overrides)

    assert (result.run_id, result.output_root, [job.seed for job in result.jobs]) == ("mac", "/elsewhere", [7])


@pytest.mark.parametrize("overrides", [{"seeds": [1, 1]}, {"seeds": [-1]}, {"seeds": [2**31]}, {"run_id": "  "}])
def test_an_impossible_word_on_the_command_line_is_a_bad_request(study, overrides):
    with pytest.raises(RequestError):
        study(overrides=overrides)


def test_a_run_without_a_name_is_named_after_its_file(study):
    assert study().run_id == "my_study"


@pytest.mark.parametrize(
    ("run", "algorithm", "expected"),
    [
        ({}, {}, (512, 64)),
        ({"num_envs": 4}, {}, (128, 64)),
        ({"num_envs": 3}, {}, (160, 60)),
        ({"total_timesteps": 64}, {}, (64, 64)),
        ({"eval_freq": 5}, {}, (16, 16)),
        ({"eval_freq": 100_000, "total_timesteps": 10**6}, {}, (2048, 64)),
        ({"num_envs": 2}, {"n_steps": 50}, (50, 50)),
        ({}, {"batch_size": 128}, (512, 128)),
        ({"num_envs": 1}, {"n_steps": 67}, (67, 67)),
        ({"num_envs": 2}, {"n_steps": 67}, (67, 67)),
        ({"num_envs": 1}, {"n_steps": 14}, (14, 14)),
    ],
)
def test_rollouts_end_where_evaluations_are_due_and_batches_divide_them(study, run, algorithm, expected):
    settings = study(run=run, algorithm=algorithm).settings["algorithm"]

    assert (settings["n_steps"], settings["batch_size"]) == expected


def test_rollouts_longer_than_the_time_between_evaluations_are_noted(study):
    result = study(run={"eval_freq": 64, "notes": ["mine"]}, algorithm={"n_steps": 256})

    assert result.notes == (
        "mine",
        (
            "eval_freq is 64 steps, but the policy changes only every 256 (n_steps x num_envs): "
            "it was evaluated that often"
        ),
    )


def test_limits_priorities_and_worker_modes_reach_the_jobs(study):
    run = {"time_limit_seconds": 60, "memory_limit_mb": 2048, "worker_mode": "vectorized"}
    extractors = [
        {"name": "a", "preset": "mlp_small"},
        {"name": "b", "preset": "lstm_medium"},
        {"name": "c", "preset": "mlp_small", "priority": 1},
    ]

    jobs = study(run=run, extractors=extractors).jobs

    assert [(job.limits, job.worker_mode) for job in jobs] == [(Limits(60, 2048), "vectorized")] * 3
    assert [job.name for job in sorted(jobs, key=lambda job: -job.weight)] == ["c", "b", "a"]


def test_settings_read_again_from_json_give_the_same_jobs(study):
    jobs = study(run={"seeds": [1, 2]}).jobs

    assert [Job.from_json(json.loads(json.dumps(job.to_json()))) for job in jobs] == [
        replace(job, parameters=json.loads(json.dumps(job.parameters))) for job in jobs
    ]


def test_all_complaints_come_at_once(complaints):
    text = """
run:
  eval_freq: 0
  total_timesteps: -1
  divice: cpu
  device: gpu
  baseline_extractor: c
  seed: 1
  seeds: [1, 1]
extractors:
  - name: a
    preset: mlp_smal
  - name: A
    class: no_colon
  - mlp_small
env: {id: CartPole-v1, factory: "pkg:make"}
"""
    assert [line.split(": ")[0] for line in complaints(text)] == [
        "run.eval_freq",
        "run.total_timesteps",
        "run.divice",
        "run.device",
        "run.seeds",
        "run.seeds[1]",
        "extractors[0].preset",
        "extractors[1].name",
        "extractors[1].class",
        "extractors[2]",
        "env.factory",
    ]


LSTM_WITHOUT_DROPOUT = {"name": "b", "preset": "lstm_medium", "parameters": {"lstm_dropout": 0.0}}
CASES = {
    "an unknown preset": (
        {"extractors": [{"name": "a", "preset": "mlp_smal"}]},
        f"extractors[0].preset: is 'mlp_smal'; expected one of {', '.join(PRESETS)}; did you mean 'mlp_small'?",
    ),
    "two equal names": (
        {"extractors": [{"name": "a", "preset": "mlp_small"}, {"name": "a", "preset": "mlp_large"}]},
        "extractors[1].name: is 'a', as extractors[0].name is already; expected another name",
    ),
    "two names with one directory": (
        {"extractors": [{"name": "a b", "preset": "mlp_small"}, {"name": "A/b", "preset": "mlp_large"}]},
        (
            "extractors[1].name: is 'A/b', which would share the directory 'A_b' with extractors[0].name 'a b'; "
            "expected a name that differs in more than case and special characters"
        ),
    ),
    "a preset and a class": (
        {"extractors": [{"name": "a", "preset": "mlp_small", "class": "pkg:Thing"}]},
        "extractors[0].class: stands beside preset; leave one of them out",
    ),
    "neither a preset nor a class": (
        {"extractors": [{"name": "a"}]},
        "extractors[0]: expected the key 'preset' or the key 'class'",
    ),
    "a class that is no such string": (
        {"extractors": [{"name": "a", "class": "pkg.Thing"}]},
        "extractors[0].class: is 'pkg.Thing'; expected \"package.module:Class\"",
    ),
    "a parameter the preset does not have": (
        {"extractors": [{"name": "a", "preset": "dynamics_no_conv", "parameters": {"use_ray_con": True}}]},
        "extractors[0].parameters.use_ray_con: unknown key 'use_ray_con'; did you mean 'use_ray_conv'?",
    ),
    "a baseline that is not compared": (
        {"run": {"baseline_extractor": "b"}},
        "run.baseline_extractor: is 'b'; expected one of a",
    ),
    "an LSTM on mps with dropout between its layers": (
        {"run": {"device": "mps"}, "extractors": [{"name": "a", "preset": "lstm_medium"}, LSTM_WITHOUT_DROPOUT]},
        (
            "extractors[0].preset: lstm_medium has dropout between the layers of its LSTM, which PyTorch does not "
            "train on mps; set run.device to cpu, or lstm_dropout to 0"
        ),
    ),
    "a seed and seeds": ({"run": {"seed": 1, "seeds": [2]}}, "run.seeds: stands beside seed; leave one of them out"),
    "a seed that stands twice": (
        {"run": {"seeds": [4, 5, 4]}},
        "run.seeds[2]: is 4 again, as item 0; expected every item once",
    ),
    "an environment by id and by factory": (
        {"env": {"id": "CartPole-v1", "factory": "pkg:make"}},
        "env.factory: stands beside id; leave one of them out",
    ),
    "a factory that is no such string": (
        {"env": {"factory": "make"}},
        "env.factory: is 'make'; expected \"package.module:function\"",
    ),
    "a batch that does not divide a rollout": (
        {"run": {"num_envs": 2}, "algorithm": {"n_steps": 100, "batch_size": 64}},
        (
            "algorithm.batch_size: is 64, which does not divide a rollout, n_steps x num_envs = 100 x 2 = 200; "
            "expected a divisor, such as 50 or 100"
        ),
    ),
    "a batch larger than a rollout": (
        {"algorithm": {"n_steps": 32, "batch_size": 64}},
        (
            "algorithm.batch_size: is 64, which does not divide a rollout, n_steps x num_envs = 32 x 1 = 32; "
            "expected a divisor, such as 32"
        ),
    ),
    "a rollout of one step": (
        {"algorithm": {"n_steps": 1}},
        "algorithm.n_steps: gives n_steps x num_envs = 1 x 1 = 1; PPO needs at least 2 samples in a rollout",
    ),
    "a setting of another algorithm": (
        {"algorithm": {"name": "DQN", "n_epochs": 4}},
        "algorithm.n_epochs: is no setting of DQN; PPO has it",
    ),
    "a setting of two other algorithms": (
        {"algorithm": {"name": "A2C", "noise_std": None}},
        "algorithm.noise_std: is no setting of A2C; SAC, TD3 and TQC have it",
    ),
    "a network's setting of others": (
        {"algorithm": {"name": "TD3", "policy": {"ortho_init": True}}},
        "algorithm.policy.ortho_init: is no setting of TD3; PPO, A2C and TRPO have it",
    ),
    "a word where others have a number": (
        {"algorithm": {"ent_coef": "auto"}},
        "algorithm.ent_coef: is 'auto', which SAC and TQC understand; PPO expects a number",
    ),
    "a null for what there has to be": (
        {"algorithm": {"name": "DQN", "batch_size": None}},
        "algorithm.batch_size: is null; DQN expects a value, such as its own 32",
    ),
    "widths of networks that there are not": (
        {"algorithm": {"name": "SAC", "policy": {"net_arch": {"pi": [4], "vf": [4]}}}},
        "algorithm.policy.net_arch: has the keys pi and vf; SAC expects the keys pi and qf",
    ),
    "widths of two networks for one": (
        {"algorithm": {"name": "DQN", "policy": {"net_arch": {"pi": [4], "qf": [4]}}}},
        "algorithm.policy.net_arch: has the keys pi and qf; DQN expects one list: it has one network",
    ),
    "an argument of Adam for RMSprop": (
        {"algorithm": {"name": "A2C", "policy": {"optimizer_kwargs": {"eps": 0.1}}}},
        (
            "algorithm.policy.optimizer_kwargs: are Adam's, and use_rms_prop puts RMSprop in its place; "
            "set use_rms_prop to false, or rms_prop_eps"
        ),
    ),
    "a noise of no width": (
        {"algorithm": {"name": "TD3", "noise_type": "normal"}},
        "algorithm.noise_std: is missing; the noise 'normal' needs it",
    ),
    "a noise of no kind": (
        {"algorithm": {"name": "TD3", "noise_std": 0.1}},
        "algorithm.noise_type: is missing; noise_std needs it: normal or ornstein-uhlenbeck",
    ),
    "a training that ends before its first update": (
        {"run": {"total_timesteps": 99}, "algorithm": {"name": "DQN"}},
        "algorithm.learning_starts: is 100, and the training has 100 steps; expected fewer than 100",
    ),
    "no updates": (
        {"algorithm": {"name": "SAC", "gradient_steps": 0}},
        "algorithm.gradient_steps: is 0; nothing would be learned; expected -1 or at least 1",
    ),
    "an environment of the evaluations by id and by factory": (
        {"eval_env": {"id": "CartPole-v1", "factory": "pkg:make"}},
        "eval_env.factory: stands beside id; leave one of them out",
    ),
}


def test_an_algorithm_has_its_own_settings_and_defaults_and_ppo_goes_without_its_name(study):
    replayed = study(run={"num_envs": 2, "total_timesteps": 999}, algorithm={"name": "DQN"})
    plain = study(algorithm={"name": "PPO"})

    settings = replayed.settings["algorithm"]
    assert {key: settings[key] for key in ("learning_rate", "batch_size", "train_freq", "buffer_size")} == {
        "learning_rate": 0.0001,
        "batch_size": 32,
        "train_freq": 4,
        "buffer_size": 1000,
    }
    assert "n_epochs" not in settings
    assert plain.jobs == study().jobs


def test_an_environment_of_the_evaluations_has_what_it_leaves_out_from_the_trainings(study):
    own = study(env={"kwargs": {"rays": 16}}, eval_env={"wrappers": [{"class": "pkg:Wrap"}]})
    other = study(env={"id": "CartPole-v1", "kwargs": {"a": 1}}, eval_env={"factory": "pkg:make"})

    assert own.settings["eval_env"] == {
        "id": "extractor_flow/RobotNav-v0",
        "kwargs": {"rays": 16},
        "filter_keys": [],
        "wrappers": [{"class": "pkg:Wrap", "kwargs": {}}],
        "frame_stack": None,
    }
    assert (other.settings["eval_env"]["kwargs"], "id" in other.settings["eval_env"]) == ({}, False)
    assert other.notes == ("every evaluation took place in eval_env, pkg:make; the training in env, CartPole-v1",)
    again = flow.study(ConfigDocument(Path("run.json"), dict(own.settings), {}), {})
    assert again.jobs == own.jobs


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_meant_is_complained_about(complaints, case):
    sections, message = CASES[case]

    assert complaints(**sections) == [message]


def test_what_is_wrong_already_is_not_complained_about_again(complaints):
    sections = {
        "run": {"baseline_extractor": "b"},
        "extractors": [{"name": 3, "preset": ["x"]}],
        "algorithm": {"n_steps": "many", "batch_size": 7},
    }

    assert [line.split(": ")[0] for line in complaints(**sections)] == [
        "extractors[0].name",
        "extractors[0].preset",
        "algorithm.n_steps",
    ]


NO_GPU = {"cuda": "no NVIDIA driver", "mps": "no Metal"}


@pytest.mark.parametrize(
    ("device", "resources", "missing", "expected"),
    [
        ("cpu", "cpu", NO_GPU, None),
        ("auto", "hybrid", NO_GPU, None),
        ("cuda", "cpu", {"mps": "no Metal"}, None),
        ("auto", "gpu", {"cuda": "no NVIDIA driver"}, None),
        (
            "cuda",
            "cpu",
            NO_GPU,
            (
                "needs cuda, which is missing here: no NVIDIA driver; "
                "run it on a machine that has it, or set run.device to cpu or auto"
            ),
        ),
        (
            "mps",
            "gpu",
            NO_GPU,
            (
                "needs mps, which is missing here: no Metal; "
                "run it on a machine that has it, "
                "or set run.device to cpu and expected_resources of the extractor to cpu"
            ),
        ),
        (
            "cpu",
            "gpu",
            NO_GPU,
            (
                "expects a GPU, and there is none (cuda: no NVIDIA driver; mps: no Metal); "
                "run it on a machine that has one, or set expected_resources of the extractor to cpu"
            ),
        ),
    ],
)
def test_a_job_that_cannot_run_says_what_is_missing_and_what_would_do(study, device, resources, missing, expected):
    extractors = [{"name": "a", "preset": "mlp_small", "expected_resources": resources}]
    (job,) = study(run={"device": device}, extractors=extractors).jobs

    skip = missing_requirement(job, missing)

    assert skip == (None if expected is None else Skipped(Code.MISSING_CAPABILITY, expected))


def test_the_contract_is_a_json_schema_with_a_description_for_every_key():
    def keys(part, path=()):
        for name, below in part.get("properties", {}).items():
            yield (*path, name), below
            yield from keys(below, (*path, name))
        if isinstance(part.get("items"), dict):
            yield from keys(part["items"], (*path, "[]"))

    Draft202012Validator.check_schema(schema())
    assert [path for path, below in keys(schema()) if not {"description", "$ref"} & below.keys()] == []


@pytest.mark.parametrize("path", sorted((EXAMPLES / "valid").glob("run_config.*")), ids=lambda path: path.name)
def test_valid_examples_are_studies(path):
    assert flow.study(read_config(path), {}).jobs


@pytest.mark.parametrize("path", sorted((EXAMPLES / "invalid").glob("run_config.*")), ids=lambda path: path.name)
def test_invalid_examples_are_refused(path):
    with pytest.raises(ConfigError):
        flow.study(read_config(path), {})


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.name)
def test_scenarios_that_are_shipped_are_studies(path):
    assert flow.study(read_config(path), {}).jobs


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.stem)
def test_the_settings_of_a_study_make_the_same_study_again(scenario):
    study = flow.study(read_config(scenario), {"seeds": [7, 8], "run_id": "x"})

    again = flow.study(ConfigDocument(Path("run.json"), dict(study.settings), {}), {})

    assert again == study
