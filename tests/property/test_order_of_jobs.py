"""The order in which jobs ended decides nothing: not the counts, not the comparison."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from extractor_flow.flows.extractor_comparison import flow as extractor_comparison
from extractor_flow.flows.extractor_comparison.contract import CONTRACT
from extractor_flow.study.flow import Comparison
from extractor_flow.study.records import Artifact, Completed, HardwareProfile, JobRecord
from extractor_flow.study.summary import RunIdentity, core_aggregates, summarize
from line_fit import flow as line_fit
from support.generated.strategies import hostile_text, records

ARTIFACTS = {"final_model": Artifact("jobs/job/final_model.zip", "0" * 64, 1)}
HERE = HardwareProfile("Linux", "x86_64", "3.11.7", 2)
IDENTITY = RunIdentity("demo", "line_fit", "2026-11-21T10:15:00.000Z", "tmp", "20261121-101500-demo")
rewards = st.floats(-1e6, 1e6)
moderate = settings(max_examples=20)


def shuffled(values):
    """A list, and the same in another order."""
    return values.flatmap(lambda found: st.tuples(st.just(found), st.permutations(found)))


def a_record(name, seed, outcome):
    place = f"jobs/job-{name}-{seed}"
    return JobRecord("flow", name, seed, place, place, outcome, "2026-11-21T10:15:00.250Z", "single-thread")


TIMED = replace(a_record("a", 0, Completed({"best_score": 1.0}, ARTIFACTS, 1)), end_time="2026-11-21T10:16:00Z")
fits = st.lists(
    records() | st.builds(lambda score: a_record("a", 0, Completed({"best_score": score}, ARTIFACTS, 1)), rewards),
    max_size=6,
).map(
    lambda found: [record for record in found if record.status != "success" or "best_score" in record.outcome.metrics]
)


@st.composite
def comparisons(draw):
    """The settings of a small comparison, and records of what it trained; some jobs have none."""
    names = draw(st.lists(hostile_text(), min_size=1, max_size=3, unique=True))
    told = [
        a_record(name, seed, draw(trainings()))
        for name in names
        for seed in range(draw(st.integers(1, 6)))
        if draw(st.integers(0, 3))
    ]
    run = {
        "baseline_extractor": draw(st.none() | st.sampled_from(names)),
        "convergence_fraction": draw(st.floats(0.1, 1.0)),
        "total_timesteps": 256,
    }
    return {"run": run, "env": {"id": "Walk-v1"}, "extractors": [{"name": name} for name in names]}, told


@st.composite
def trainings(draw):
    """What a training leaves for the comparison."""
    values = draw(st.lists(rewards, min_size=1, max_size=4))
    metrics = {key: draw(rewards) for key in CONTRACT.described} | {"untrained_mean_reward": values[0]}
    if draw(st.booleans()):
        metrics["convergence_timestep"] = draw(st.integers(1, 4)) * 64
    curve = {"timesteps": [64 * n for n in range(len(values))], "mean_rewards": values}
    return Completed(metrics, ARTIFACTS, training_steps=256, details={"curve": curve})


@moderate
@given(shuffled(st.lists(records(), max_size=6)))
def test_counts_and_times_are_those_of_the_jobs_in_any_order(both):
    one, other = both

    assert core_aggregates(one) == core_aggregates(other)


@moderate
@given(shuffled(st.lists(st.floats(0, 1e18), min_size=1, max_size=5)))
def test_times_are_added_up_alike_in_any_order_however_far_apart_they_are(both):
    one, other = (core_aggregates([replace(TIMED, duration_seconds=time) for time in times]) for times in both)

    assert one == other


@moderate
@given(shuffled(fits))
def test_a_line_fit_is_compared_alike_in_any_order(both):
    one, other = both

    assert line_fit.compare(one, {}) == line_fit.compare(other, {})


@moderate
@given(comparisons().flatmap(lambda study: st.tuples(st.just(study), st.permutations(study[1]))))
def test_extractors_are_compared_alike_in_any_order(both):
    (settings_of_run, one), other = both

    assert extractor_comparison.compare(one, settings_of_run) == extractor_comparison.compare(other, settings_of_run)


@moderate
@given(shuffled(st.lists(records(), max_size=5)))
def test_a_summary_in_another_order_differs_in_nothing_but_the_order(both):
    one, other = (summarize(IDENTITY, told, Comparison({"score": 1.0}), HERE) for told in both)

    assert (one.aggregate_metrics, one.interrupted) == (other.aggregate_metrics, other.interrupted)
    assert set(one.hardware_overview) == set(other.hardware_overview)
    assert sorted(map(repr, one.records)) == sorted(map(repr, other.records))
