"""The comparison: sample efficiency seed by seed, aggregates that are absent where undefined, honest statistics."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor_flow.flows.extractor_comparison.conclusion.comparison import arrival_of, compare_records
from extractor_flow.flows.extractor_comparison.contract import CONTRACT
from extractor_flow.flows.extractor_comparison.learning_curve import Curve
from extractor_flow.study.codes import Code
from extractor_flow.study.flow import Comparison
from extractor_flow.study.records import Artifact, Completed, Failed, JobRecord, Skipped

STEPS = (0, 100, 200, 300, 400)


def curve(*rewards):
    return Curve(STEPS[: len(rewards)], rewards)


def settings(*names, baseline=None, fraction=0.5):
    return {
        "run": {"baseline_extractor": baseline, "convergence_fraction": fraction, "total_timesteps": 400},
        "env": {"id": "Walk-v1"},
        "extractors": [{"name": name} for name in names],
    }


def record(name, outcome, seed=1):
    return JobRecord("f", name, seed, f"{name}-{seed}", f"extractors/{name}", outcome, "t", "single-thread")


def trained(name, *rewards, seed=1, fraction=0.5):
    learned = curve(*rewards)
    converged = learned.convergence_timestep(fraction)
    metrics = {
        "untrained_mean_reward": rewards[0],
        "held_out_mean_reward": learned.best,
        "held_out_final_mean_reward": rewards[-1],
        "held_out_success_rate": float(learned.best > 0),
        "best_mean_reward": learned.best,
        "final_mean_reward": rewards[-1],
        "reward_gain": rewards[-1] - rewards[0],
        **({} if converged is None else {"convergence_timestep": converged}),
    }
    artifacts = {"final_model": Artifact("a", "0" * 64, 1)}
    return record(name, Completed(metrics, artifacts, 400, {"curve": learned.to_json()}), seed)


def test_efficiency_is_measured_against_the_baseline_of_the_same_seed():
    records = [
        trained("base", -10, -8, -4, 0, 0, seed=1),  # half-way at -5: step 200
        trained("base", 0, 10, 10, 10, 20, seed=2),  # half-way at 10: step 100
        trained("other", -20, -5, 0, 0, 0, seed=1),  # at -5 after 100 steps
        trained("other", 0, 0, 0, 0, 10, seed=2),  # at 10 after 400 steps
    ]

    result = compare_records(records, settings("base", "other", baseline="base"))

    assert result.job_metrics == {
        "base-1": {"sample_efficiency_ratio": 1.0, "area_under_curve": -4.25},
        "base-2": {"sample_efficiency_ratio": 1.0, "area_under_curve": 10.0},
        "other-1": {"sample_efficiency_ratio": 2.0, "area_under_curve": -3.75},
        "other-2": {"sample_efficiency_ratio": 0.25, "area_under_curve": 1.25},
    }
    assert result.aggregate_metrics == {
        "best_mean_reward": 20,
        "avg_convergence_timestep": 200.0,  # 200, 100, 100 (at -10, its own half-way) and 400
        "median_convergence_timestep": 150.0,
        "avg_sample_efficiency_ratio": 1.125,  # without the baseline's own
        "median_sample_efficiency_ratio": 1.125,
        "baseline_target_reward": 2.5,
        "baseline_convergence_timestep": 150.0,
    }


@pytest.mark.parametrize(
    ("other", "baseline"),
    [
        (curve(0, 1, 2), curve(5, 4, 3)),  # the baseline only lost
        (curve(0, 1, 2), curve(5, 5, 5)),  # the baseline gained nothing
        (curve(0, 1, 2), curve(0, 8, 8)),  # never gets there
        (curve(9, 1, 9), curve(0, 8, 8)),  # was there before the first step
    ],
)
def test_efficiency_is_undefined_rather_than_invented(other, baseline):
    arrival = arrival_of(other, baseline, 0.9)

    assert arrival is None or arrival.ratio is None


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=5), st.floats(0.01, 1))
def test_the_baseline_against_itself_is_exactly_one_wherever_it_learned(rewards, fraction):
    learned = curve(*rewards)

    arrival = arrival_of(learned, learned, fraction)

    assert (None if arrival is None else arrival.ratio) == (1.0 if learned.best > learned.untrained else None)


def test_undefined_aggregates_are_absent():
    result = compare_records([trained("a", 1, 0, 0)], settings("a", "b", baseline="b"))

    assert result.aggregate_metrics == {"best_mean_reward": 1}
    assert result.job_metrics == {"a-1": {"area_under_curve": 0.25}}


def test_without_any_completed_job_there_is_nothing_to_say():
    records = [
        record("a", Failed(Code.MEMORY_LIMIT, "out of memory")),
        record("b", Skipped(Code.MISSING_CAPABILITY, "needs cuda")),
    ]

    assert compare_records(records, settings("a", "b")) == Comparison()


def test_the_share_of_luck_in_the_spread_between_seeds_is_said_from_five_seeds_on():
    def played(name, scores, std):
        for seed, score in enumerate(scores):
            job = trained(name, 0, score, seed=seed)
            metrics = {**job.outcome.metrics, "held_out_episodes": 17, "held_out_std_reward": std}
            yield replace(job, outcome=replace(job.outcome, metrics=metrics))

    scores = [1, 2, 3, 4, 5]  # of the variance 2.5
    jobs = [*played("calm", scores, 4.0), *played("wild", scores, 40.0), *played("flat", [3] * 5, 1.0)]
    few = [job for job in jobs if job.seed > 0]

    said, unsaid = (compare_records(each, settings("calm", "wild", "flat")).verdict.limits for each in (jobs, few))

    begin = "Chance in the held-out episodes"
    sentence = f"{begin} accounts for this share of the variance between seeds: 40% (calm), 100% (wild)."
    assert (said[0].startswith(sentence), begin in "".join(unsaid)) == (True, False)


def test_failed_and_skipped_jobs_count_nowhere_but_in_the_limits_of_the_verdict():
    done = [trained(name, 0, 1, 2, seed=seed) for name in ("a", "b") for seed in (1, 2)]
    broken = [
        record("a", Failed(Code.LOST, "killed"), 3),
        record("a", Skipped(Code.MISSING_CAPABILITY, "needs cuda"), 4),
        record("b", Failed(Code.RAISED, "x"), 5),
    ]
    whole, part = (compare_records(records, settings("a", "b")) for records in (done, [*done, *broken]))

    assert part == replace(whole, verdict=part.verdict)
    assert part.verdict.limits == (*whole.verdict.limits, "3 of the study's jobs did not complete and are left out.")


def test_a_seed_that_never_reaches_the_baselines_level_counts_as_the_end_and_is_named():
    records = [trained("base", 0, 9, 9, 10, 10, seed=seed) for seed in (1, 2)]  # half-way after 100 steps
    records += [trained("other", 0, 0, 9, 9, 9, seed=1), trained("other", 0, 1, 2, 3, 4, seed=2)]

    result = compare_records(records, settings("base", "other", baseline="base"))
    entry = next(
        each for each in result.statistics if (each["metric"], each["config_name"]) == ("steps_to_target", "other")
    )

    assert {key: entry[key] for key in ("values", "seeds", "censored", "restricted_mean")} == {
        "values": [200.0, 400.0],
        "seeds": [1, 2],
        "censored": [2],
        "restricted_mean": 300.0,
    }
    assert entry["paired"]["differences"] == {"1": 100.0, "2": 300.0}
    assert (entry["paired"]["wins"], entry["probability_of_improvement"]) == (0, 0.0)
    assert result.aggregate_metrics["avg_sample_efficiency_ratio"] == 0.375  # 100/200 and at most 100/400


def test_the_order_of_the_records_changes_nothing():
    records = [trained(name, 0, seed, 2 * seed, seed=seed) for name in ("a", "b") for seed in range(1, 5)]
    wanted = settings("a", "b", baseline="a")

    assert compare_records(records[::-1], wanted) == compare_records(records, wanted)


def test_statistics_list_every_seed_and_compare_with_the_baseline():
    records = [trained("base", 0, 1, seed=1), trained("base", 0, 3, seed=2)]
    records += [trained("other", 0, 2, seed=1), trained("other", 0, 3, seed=2)]

    entries = compare_records(records, settings("base", "other", baseline="base")).statistics

    assert [(entry["metric"], entry["config_name"]) for entry in entries] == [
        (metric, name)
        for metric in (*CONTRACT.described, "area_under_curve", "steps_to_target")
        for name in ("base", "other")
    ]
    assert entries[1] == {
        "config_name": "other",
        "metric": "held_out_mean_reward",
        "seeds": [1, 2],
        "n": 2,
        "values": [2.0, 3.0],
        "centre": 2.5,
        "centre_name": "median",
        "low": 2.0,
        "high": 3.0,
        "interval": "range",
        "baseline": "base",
        "probability_of_improvement": 0.75,
        "paired": {
            "differences": {"1": 1.0, "2": 0.0},
            "n": 2,
            "wins": 1,
            "ties": 1,
            "median": 0.5,
            "mean": 0.5,
            "low": 0.0,
            "high": 1.0,
            "interval": "range",
            "improvement": {
                "low": pytest.approx(0.198, abs=1e-3),
                "high": pytest.approx(0.973, abs=1e-3),
                "interval": "wilson",
                "coverage": 0.95,
            },
            "distinct": False,
        },
    }
    assert [entry["config_name"] for entry in entries if "baseline" in entry] == ["other"] * 8


def test_a_baseline_that_did_not_complete_is_named():
    records = [trained("a", 0, 1, seed=seed) for seed in range(4)] + [record("b", Failed(Code.LOST, "killed"))]

    assert compare_records(records, settings("a", "b", baseline="b")).notes == (
        "no job of the baseline b completed: there is no sample efficiency",
    )


@pytest.mark.parametrize(
    ("rewards", "fraction", "expected"),
    [
        ((-10, -9, -1, 0), 0.95, 300),
        ((-10, -9, -0.5, 0), 0.95, 200),
        ((-10, -30, 0, -20), 1, 200),
        ((0, 0, 0), 0.5, None),
        ((3, 2, 1), 0.5, None),
    ],
)
def test_convergence_is_the_way_made_from_untrained_to_best(rewards, fraction, expected):
    assert curve(*rewards).convergence_timestep(fraction) == expected


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=5), st.floats(0.001, 1))
def test_a_curve_that_rose_converges_no_later_than_at_its_best(rewards, fraction):
    learned = curve(*rewards)

    converged = learned.convergence_timestep(fraction)

    assert (converged is None) == (learned.best == learned.untrained)
    assert converged is None or converged <= learned.best_timestep


def test_a_curve_begins_with_the_untrained_policy():
    with pytest.raises(ValueError, match="not a curve from step 0"):
        Curve((100, 200), (1.0, 2.0))
