"""A study of several environments: its jobs, and what is said of each environment and of all of them."""

from __future__ import annotations

import pytest
import yaml

from extractor_flow.config import read_config
from extractor_flow.errors import ConfigError
from extractor_flow.flows.extractor_comparison import flow
from extractor_flow.flows.extractor_comparison.config import schema
from extractor_flow.flows.extractor_comparison.contract import NORMALISED
from extractor_flow.study.codes import Code
from extractor_flow.study.records import Artifact, Completed, Failed, JobRecord

SEEDS = [0, 1, 2, 3, 4]
SWING = {"name": "swing", "id": "Pendulum-v1", "score_range": [-1000, 0]}
CART = {"name": "cart", "id": "CartPole-v1"}
WOBBLE = [0.0, 1.0, -1.0, 2.0, -2.0]


def study(tmp_path, *envs, **sections):
    data = {
        "run": {"seeds": SEEDS, "baseline_extractor": "mlp"},
        "envs": list(envs),
        "extractors": [{"name": "mlp", "preset": "mlp_small"}, {"name": "cnn", "preset": "lightweight_cnn"}],
        **sections,
    }
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return flow.study(read_config(path), {})


def records_of(made, scores):
    """Completed jobs: *scores* are held-out rewards by name, to which each seed adds its wobble; all began at 0."""
    return [_record(job, scores[job.name] + WOBBLE[job.seed] + job.seed % 2) for job in made.jobs]


def _record(job, score):
    names = (
        "held_out_mean_reward",
        "held_out_final_mean_reward",
        "best_mean_reward",
        "final_mean_reward",
        "reward_gain",
    )
    metrics = {**dict.fromkeys(names, score), "untrained_mean_reward": 0.0}
    curve = {"timesteps": [0, 64], "mean_rewards": [0.0, score]}
    outcome = Completed(metrics, {"final_model": Artifact("a", "0" * 64, 1)}, 64, {"curve": curve})
    return JobRecord("f", job.name, job.seed, job.key, job.directory, outcome, "t", "single-thread")


def entries(comparison, metric):
    return {entry["config_name"]: entry for entry in comparison.statistics if entry["metric"] == metric}


def test_each_extractor_is_a_job_in_each_environment_under_both_names(tmp_path):
    jobs = study(tmp_path, SWING, CART).jobs

    assert [(job.name, job.directory) for job in jobs if job.seed == 3] == [
        ("swing/mlp", "extractors/swing/mlp/seed-3"),
        ("swing/cnn", "extractors/swing/cnn/seed-3"),
        ("cart/mlp", "extractors/cart/mlp/seed-3"),
        ("cart/cnn", "extractors/cart/cnn/seed-3"),
    ]
    assert {job.parameters["environment"]["id"] for job in jobs if job.name.startswith("cart/")} == {"CartPole-v1"}
    assert len({job.key for job in jobs}) == 20


def test_a_study_of_one_environment_has_no_trace_of_several(tmp_path):
    path = tmp_path / "one.yaml"
    path.write_text("run: {}\nextractors: [{name: a/b, preset: mlp_small}]", encoding="utf-8")
    made = flow.study(read_config(path), {})

    assert ("envs" in made.settings, [job.name for job in made.jobs]) == (False, ["a/b"])


def test_an_environment_of_several_has_every_key_of_a_single_one():
    properties = schema()["properties"]

    assert set(properties["envs"]["items"]["properties"]) == {
        *properties["env"]["properties"],
        "eval_env",
        "name",
        "score_range",
    }


@pytest.mark.parametrize(
    ("envs", "sections", "message"),
    [
        ([CART], {}, r"envs: has 1 item; expected at least 2"),
        ([CART, {**SWING, "name": "Cart"}], {}, r"envs\[1\].name: is 'Cart', which would share the directory"),
        ([CART, {"name": "a/b"}], {}, r"envs\[1\].name: is 'a/b'"),
        ([CART, {**SWING, "score_range": [0, 0]}], {}, r"envs\[1\].score_range: is \[0, 0\]; expected the lower"),
        ([CART, {**SWING, "factory": "m:f"}], {}, r"envs\[1\].factory: stands beside id"),
        ([CART, SWING], {"env": {}}, r"envs: stands beside env; leave one of them out"),
    ],
)
def test_a_mistake_is_said_with_its_place(tmp_path, envs, sections, message):
    with pytest.raises(ConfigError, match=message):
        study(tmp_path, *envs, **sections)


def test_the_baseline_is_that_of_each_environment(tmp_path):
    made = study(tmp_path, SWING, CART)
    found = flow.compare(
        records_of(made, {"swing/mlp": -300, "swing/cnn": -100, "cart/mlp": 90, "cart/cnn": 60}), made.settings
    )

    told = {
        name: (entry["baseline"], entry["environment"])
        for name, entry in entries(found, "best_mean_reward").items()
        if "baseline" in entry
    }
    assert told == {"swing/cnn": ("swing/mlp", "swing"), "cart/cnn": ("cart/mlp", "cart")}
    assert {name: (part.code, part.winner) for name, part in found.verdict.parts.items()} == {
        "swing": ("winner", "swing/cnn"),
        "cart": ("winner", "cart/mlp"),
    }


def test_scores_are_normalised_as_stated_or_by_what_was_observed(tmp_path):
    made = study(tmp_path, SWING, CART)
    found = flow.compare(
        records_of(made, {"swing/mlp": -300, "swing/cnn": -100, "cart/mlp": 90, "cart/cnn": 60}), made.settings
    )

    entry = entries(found, NORMALISED)["cnn"]
    assert entry["environments"] == [
        {"environment": "swing", "config_name": "swing/cnn", "low": -1000, "high": 0, "stated": True},
        {"environment": "cart", "config_name": "cart/cnn", "low": 0.0, "high": 93.0, "stated": False},
    ]
    assert entry["values"] == pytest.approx([0.9, 0.902, 0.899, 0.903, 0.898, *(x / 93 for x in (60, 62, 59, 63, 58))])
    assert entry["low"] < entry["centre"] < entry["high"]
    assert (entry["interval"], entry["coverage"], entry["resamples"]) == ("stratified-bootstrap", 0.81, 2000)
    assert (entry["profile"][0]["share"], entry["profile"][-1]["share"]) == (1.0, 0.0)
    assert "The scores of cart are normalised by this run itself" in found.verdict.limits[0]


def test_over_all_environments_the_seeds_decide(tmp_path):
    made = study(tmp_path, SWING, CART)
    ahead = flow.compare(
        records_of(made, {"swing/mlp": -300, "swing/cnn": -100, "cart/mlp": 60, "cart/cnn": 90}), made.settings
    )
    even = flow.compare(
        records_of(made, {"swing/mlp": -300, "swing/cnn": -300, "cart/mlp": 60, "cart/cnn": 60}), made.settings
    )

    assert (ahead.verdict.code, ahead.verdict.winner) == ("winner", "cnn")
    assert (even.verdict.code, even.verdict.winner) == ("not-distinguishable", None)
    assert ahead.verdict.details[-2].startswith("In swing: swing/cnn is better than swing/mlp")


def test_an_environment_in_which_nothing_was_gained_is_left_out_and_named(tmp_path):
    made = study(tmp_path, SWING, CART)
    found = flow.compare(
        records_of(made, {"swing/mlp": -300, "swing/cnn": -100, "cart/mlp": -9, "cart/cnn": -9}), made.settings
    )

    assert (found.verdict.code, entries(found, NORMALISED)) == ("each-on-its-own", {})
    assert found.notes[-1].startswith("cart is left out of what is said over all environments")


def test_failed_jobs_and_the_order_of_records_change_no_scale(tmp_path):
    made = study(tmp_path, SWING, CART)
    records = records_of(made, {"swing/mlp": -300, "swing/cnn": -100, "cart/mlp": 90, "cart/cnn": 60})
    job = made.jobs[0]
    failed = JobRecord("f", job.name, job.seed, job.key, job.directory, Failed(Code.RAISED, "x"), "t", "single-thread")
    records[0] = failed

    found, turned = (flow.compare(each, made.settings) for each in (records, records[::-1]))

    assert found == turned
    assert entries(found, NORMALISED)["cnn"]["paired"]["n"] == 4
    assert "interval" not in entries(found, NORMALISED)["mlp"]
