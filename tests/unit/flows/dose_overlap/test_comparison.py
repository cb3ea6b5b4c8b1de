"""What the cells say together: means by dose and by view, statistics over seeds."""

from __future__ import annotations

import itertools

import pytest

from extractor_flow.config import ConfigDocument
from extractor_flow.flows.dose_overlap import VOCABULARY, flow
from extractor_flow.flows.dose_overlap.cli.table import Row, plain_table, table
from extractor_flow.flows.dose_overlap.plan import Cell
from extractor_flow.study.codes import Code
from extractor_flow.study.records import REHEARSED, Artifact, Completed, Failed, JobRecord, Skipped


@pytest.fixture
def study(tmp_path):
    data = {"flow": "dose_overlap", "design": {"doses": [1000, 100000]}, "run": {"seeds": [0, 1]}}
    return flow.study(ConfigDocument(tmp_path / "s.yaml", data, {}), {})


def record(job, outcome):
    return JobRecord(
        flow=job.flow,
        name=job.name,
        seed=job.seed,
        job_key=job.key,
        directory=job.directory,
        outcome=outcome,
        start_time="2026-01-01T00:00:00.000Z",
        worker_mode="single-thread",
    )


def done(psnr, **others):
    return Completed({"amplitude_psnr": psnr, **others}, {"bundle": Artifact("b", "0" * 64, 1)}, 1)


@pytest.fixture
def records(study):
    """PSNR counts up from 10 in the order of the jobs; the sparse views were skipped, one job failed."""
    values = itertools.count(10)
    outcomes = [
        Skipped(Code.MISSING_DATA, "OVERSAMPLING-001") if job.name.startswith("sparse") else done(float(next(values)))
        for job in study.jobs
    ]
    outcomes[1] = Failed(Code.MEMORY_LIMIT, "out of memory")
    return [record(job, outcome) for job, outcome in zip(study.jobs, outcomes, strict=True)]


def test_means_are_over_completed_jobs_of_a_dose_and_of_a_view(study, records):
    assert flow.compare(records, study.settings).aggregate_metrics == {
        "amplitude_psnr": 17.0,
        "avg_amplitude_psnr_dose_1000": (10 + 12 + 13) / 3,
        "avg_amplitude_psnr_dose_100000": (14 + 15 + 16 + 17) / 4,
        "avg_amplitude_psnr_baseline": (10 + 14 + 15) / 3,
        "avg_amplitude_psnr_dense": (12 + 13 + 16 + 17) / 4,
    }


def test_statistics_have_a_cell_and_its_seeds_each(study, records):
    found = flow.compare(records, study.settings).statistics

    assert [(each["config_name"], each["seeds"], each["values"]) for each in found] == [
        ("baseline (dose=1e+03)", [0], [10.0]),
        ("dense (dose=1e+03)", [0, 1], [12.0, 13.0]),
        ("baseline (dose=1e+05)", [0, 1], [14.0, 15.0]),
        ("dense (dose=1e+05)", [0, 1], [16.0, 17.0]),
    ]


def test_the_order_of_the_records_changes_nothing(study, records):
    assert flow.compare(records[::-1], study.settings) == flow.compare(records, study.settings)


def test_skipped_views_are_named_as_left_out(study, records):
    assert any(
        "sparse (dose=1e+03), sparse (dose=1e+05)" in note for note in flow.compare(records, study.settings).notes
    )


def test_without_a_completed_job_there_is_no_number(study):
    result = flow.compare([record(job, REHEARSED) for job in study.jobs], study.settings)

    assert (result.aggregate_metrics, result.statistics, result.notes) == ({}, (), ())


def test_every_aggregate_of_a_power_of_ten_has_a_title(study, records):
    assert flow.compare(records, study.settings).aggregate_metrics.keys() <= VOCABULARY.metrics.keys()


def test_the_table_has_a_line_for_every_method_and_no_number_for_what_was_not_measured():
    scores = {"constant_amplitude_ssim": 0.25, "input_phase_frc": 0.21, "iterative_amplitude_ms_ssim": 0.8}
    rows = [Row(Cell(1000, "dense"), {"amplitude_psnr": 21.04, **scores, "coverage": 0.4})]

    assert table(rows).splitlines()[2:] == [
        "| 1e+03 | dense | constant | n/a | 0.250 | n/a | n/a | n/a | n/a | n/a | n/a | 0.400 | n/a |",
        "| 1e+03 | dense | untrained | n/a | n/a | n/a | n/a | n/a | n/a | n/a | n/a | 0.400 | n/a |",
        "| 1e+03 | dense | input | n/a | n/a | n/a | n/a | n/a | n/a | n/a | 0.210 | 0.400 | n/a |",
        "| 1e+03 | dense | trained | 21.04 | n/a | n/a | n/a | n/a | n/a | n/a | n/a | 0.400 | n/a |",
        "| 1e+03 | dense | iterative | n/a | n/a | 0.800 | n/a | n/a | n/a | n/a | n/a | 0.400 | n/a |",
        "| 1e+03 | dense | map | n/a | n/a | n/a | n/a | n/a | n/a | n/a | n/a | 0.400 | n/a |",
        "| 1e+03 | dense | refined | n/a | n/a | n/a | n/a | n/a | n/a | n/a | n/a | 0.400 | n/a |",
    ]


def test_several_seeds_of_a_cell_are_one_line_with_their_mean():
    cell = Cell(1000, "dense")
    lines = table([Row(cell, {"amplitude_psnr": 20.0, "coverage": 0.4}), Row(cell, {"amplitude_psnr": 23.0})])

    assert [line for line in lines.splitlines() if "trained | 2" in line] == [
        "| 1e+03 | dense | trained | 21.50 | n/a | n/a | n/a | n/a | n/a | n/a | n/a | 0.400 | n/a |"
    ]


def test_on_a_terminal_the_columns_line_up():
    row = Row(Cell(100000, "baseline", "no-split"), {"amplitude_psnr": 21.04}, {"trained": 0.5})
    lines = plain_table([row]).splitlines()

    assert len({len(line) for line in lines}) == 1
    assert lines[4].split() == ["1e+05", "baseline,", "no-split", "trained", "21.04", *["n/a"] * 4, "0.50"]


def concluded(study, *gaps):
    """The verdict where MAP is each of *gaps* above the trained network, in both seeds of the first cells."""
    others = {"input_amplitude_psnr": 19.0, "iterative_amplitude_psnr": 18.0}
    seconds = {"cpu_seconds": {"training": 8.0, "trained": 0.5, "map": 2.0}}
    outcomes = [
        Completed(
            {"amplitude_psnr": 20.0, **others, "map_amplitude_psnr": 20 + gap},
            {"bundle": Artifact("b", "0" * 64, 1)},
            1,
            seconds,
        )
        for gap in gaps
        for _ in range(2)
    ]
    records = [record(job, outcome) for job, outcome in zip(study.jobs, outcomes, strict=False)]
    return flow.compare(records, study.settings).verdict


def test_a_network_above_everything_has_won(study):
    verdict = concluded(study, -1.0, -0.1)

    assert (verdict.code, verdict.winner) == ("network-wins", "trained")
    assert verdict.details[0] == (
        "baseline (dose=1e+03): input 19.00 dB, trained 20.00 dB in 0.50 s, PIE 18.00 dB, MAP 19.00 dB in 2.00 s;"
        " training took 8.0 s"
    )


def test_cells_that_are_not_won_stand_in_the_first_sentence(study):
    verdict = concluded(study, -1.0, 0.25)

    assert (verdict.code, verdict.winner) == ("network-wins-some", None)
    assert verdict.sentence == (
        "The trained network is not above its own input, PIE and MAP in every seed of 1 of 2 cells: in dense "
        "(dose=1e+03) it is on average 0.25 dB below MAP; everywhere else it is above all three in every seed."
    )


def test_a_network_that_wins_nowhere_has_not_won(study):
    assert concluded(study, 0.0, 2.0).code == "network-wins-none"


def test_where_nothing_was_compared_there_is_no_verdict(study, records):
    assert flow.compare(records, study.settings).verdict is None


def test_skips_are_told_by_dose_and_view(study, records):
    views = flow.compare(records, study.settings).skipped_views

    assert views[0] == {"dose": 1000, "view": "sparse", "seed": 0, "reason": "OVERSAMPLING-001"}
    assert [(each["dose"], each["seed"]) for each in views] == [(1000, 0), (1000, 1), (100000, 0), (100000, 1)]
