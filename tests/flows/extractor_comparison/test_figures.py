"""The figures of a comparison: one for each thing there is to show, as files that are pictures."""

from __future__ import annotations

import io

import pytest
from matplotlib.image import imread

from extractor_flow.flows.extractor_comparison import flow
from extractor_flow.flows.extractor_comparison.figures import draw_figures
from extractor_flow.flows.extractor_comparison.learning_curve import Curve
from extractor_flow.study.codes import Code
from extractor_flow.study.flow import Comparison
from extractor_flow.study.records import Artifact, Completed, Failed, HardwareProfile, JobRecord
from extractor_flow.study.summary import RunIdentity, summarize

HERE = HardwareProfile("Linux", "x86_64", "3.11", 2)
STEPS = (0, 1000, 2000, 3000)


def completed(name, seed, *rewards):
    curve = Curve(STEPS, rewards)
    metrics = {
        "untrained_mean_reward": curve.untrained,
        "held_out_mean_reward": curve.best - 1,
        "held_out_final_mean_reward": rewards[-1] - 1,
        "best_mean_reward": curve.best,
        "final_mean_reward": rewards[-1],
        "reward_gain": rewards[-1] - rewards[0],
    }
    return Completed(metrics, {"final_model": Artifact("a", "0" * 64, 1)}, 3000, {"curve": curve.to_json()})


@pytest.fixture
def summary():
    """The summary of jobs given as (name, seed, outcome), compared with the first name."""

    def build(*jobs):
        records = [
            JobRecord("extractor_comparison", name, seed, f"{name}-{seed}", name, outcome, "t", "single-thread")
            for name, seed, outcome in jobs
        ]
        names = dict.fromkeys(record.name for record in records)
        settings = {
            "run": {"baseline_extractor": next(iter(names)), "convergence_fraction": 0.9, "total_timesteps": 4096},
            "env": {"id": "Walk-v1"},
            "extractors": [{"name": name} for name in names],
        }
        comparison = flow.compare(records, settings) if names else Comparison()
        return summarize(RunIdentity("r", "extractor_comparison", "t", "o", "d"), records, comparison, HERE)

    return build


def test_a_study_over_seeds_is_drawn_in_three_figures(summary, tmp_path):
    study = summary(
        *(("base", seed, completed("base", seed, -10, -5 + seed, 0, 3)) for seed in range(5)),
        *(("other", seed, completed("other", seed, -9, 2, 5 - seed, 6)) for seed in range(5)),
        ("broken", 0, Failed(Code.LOST, "killed")),
    )

    names = list(flow.draw(study, tmp_path))

    assert names == ["learning_curves.png", "held_out_reward.png", "sample_efficiency.png"]
    for name in names:
        height, width, _ = imread(io.BytesIO((tmp_path / name).read_bytes())).shape
        assert (width, height) > (600, 400)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_one_seed_that_lost_is_drawn_without_an_efficiency(summary, tmp_path):
    lost = summary(("only", 1, completed("only", 1, 3, 2, 1, 0)))

    assert draw_figures(lost, tmp_path) == ["learning_curves.png", "held_out_reward.png"]


def test_nothing_completed_draws_nothing(summary, tmp_path):
    assert draw_figures(summary(("only", 1, Failed(Code.LOST, "killed"))), tmp_path) == []


def test_the_same_summary_draws_the_same_bytes(summary, tmp_path):
    study = summary(*(("base", seed, completed("base", seed, -10, -5 + seed, 0, 3)) for seed in range(2)))
    drawn = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        drawn.append([(tmp_path / name / file).read_bytes() for file in draw_figures(study, tmp_path / name)])

    assert drawn[0] == drawn[1]
