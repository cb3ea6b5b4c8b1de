"""The Markdown contract: sections, columns, roundings, and texts that stay where they are."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor_flow.files import dumps, parse_json
from extractor_flow.render.markdown import render, write
from extractor_flow.render.markdown_layout import page_of
from extractor_flow.render.summary_json import to_json
from extractor_flow.study.codes import Code
from extractor_flow.study.job_contract import Metric
from extractor_flow.study.records import Failed
from extractor_flow.study.verdict import Verdict
from support.cells import unescape_cell
from support.render_samples import (
    GPU,
    HOSTILE,
    WORDS,
    completed,
    failed,
    mixed,
    read,
    skipped,
    statistics_entry,
    summary,
)

ONE_SUCCESS = """\
# Multi-Extractor Training Summary

- Run ID: demo
- Created At: 2026-11-21T10:15:00.000Z
- Output Directory: tmp/multi_extractor_training/20261121-101500-demo

## Hardware Overview

| Platform | Arch | GPU Model | CUDA Version | Python | Workers |
| --- | --- | --- | --- | --- | --- |
| Linux-6.1 | x86_64 | n/a | n/a | 3.11.4 | 2 |

## Extractor Results

| Extractor Name | Status | Worker Mode | Duration (s) | Best Metric | Notes |
| --- | --- | --- | --- | --- | --- |
| mlp_small | success | single-thread | 60.2 | Best mean reward: -1.25 reward | 4096 steps |

## Failures & Skips

None.

## Aggregated Metrics

| Metric | Value | Meaning |
| --- | --- | --- |
| completed_runs | 1 | Jobs that succeeded |
| failed_runs | 0 | Jobs that failed |
| skipped_runs | 0 | Jobs that were skipped |
| total_wall_time | 60.2 s | Time of all started jobs together |

## Reproducibility

- Summary: summary.json

| Extractor Name | Artifact | Path |
| --- | --- | --- |
| mlp_small | final_model | extractors/mlp_small/seed-42/final_model.zip |
"""

EVERYTHING = [
    "#Multi-Extractor Training Summary",
    "Run ID: demo",
    "Created At: 2026-11-21T10:15:00.000Z",
    "Output Directory: tmp/multi_extractor_training/20261121-101500-demo",
    "Interrupted: yes; what had not finished is recorded as failed",
    "Note: a first look",
    "##Hardware Overview",
    ["Platform", "Arch", "GPU Model", "CUDA Version", "Python", "Workers"],
    ["Linux-6.1", "x86_64", "n/a", "n/a", "3.11.4", "2"],
    ["Linux-6.1", "x86_64", "NVIDIA RTX 4070", "12.4", "3.12.1", "16"],
    "##Extractor Results",
    ["Extractor Name", "Seed", "Status", "Worker Mode", "Duration (s)", "Best Metric", "Notes"],
    ["mlp_small", "1", "success", "single-thread", "60.2", "Best mean reward: -1.50 reward", "4096 steps"],
    ["mlp_small", "2", "success", "single-thread", "60.2", "Best mean reward: 0.25 reward", "4096 steps, attempt 2"],
    ["lstm_small", "1", "failed", "single-thread", "60.2", "n/a", "ValueError: boom"],
    [
        "attention_large",
        "1",
        "skipped",
        "single-thread",
        "n/a",
        "n/a",
        "needs CUDA; run it on a machine with a GPU",
    ],
    "##Failures & Skips",
    ["Extractor Name", "Seed", "Status", "Code", "Reason"],
    ["lstm_small", "1", "failed", "raised", "ValueError: boom"],
    ["attention_large", "1", "skipped", "missing-capability", "needs CUDA; run it on a machine with a GPU"],
    "##Aggregated Metrics",
    ["Metric", "Value", "Meaning"],
    ["best_mean_reward", "0.25 reward", "Best mean reward"],
    ["completed_runs", "2", "Jobs that succeeded"],
    ["failed_runs", "1", "Jobs that failed"],
    ["skipped_runs", "1", "Jobs that were skipped"],
    ["total_wall_time", "180.8 s", "Time of all started jobs together"],
    ["unheard_of", "1.00", "unheard_of"],
    "##Statistics",
    ["Extractor Name", "Metric", "n", "Values", "Centre", "Interval", "P(Improvement)"],
    ["mlp_small", "Best mean reward", "2", "-1.50, 0.25", "median -0.62 reward", "range -1.50 to 0.25 reward", "n/a"],
    ["lightweight_cnn", "Best mean reward", "1", "1.00", "median 1.00 reward", "n/a", "1.00 over mlp_small"],
    "##Reproducibility",
    "Summary: summary.json",
    ["Extractor Name", "Seed", "Artifact", "Path"],
    ["mlp_small", "1", "final_model", "extractors/mlp_small/seed-1/final_model.zip"],
    ["mlp_small", "2", "final_model", "extractors/mlp_small/seed-2/final_model.zip"],
]


def test_a_run_with_one_success_reads_like_this():
    assert render(summary(completed()), WORDS) == ONE_SUCCESS


def test_a_run_in_which_everything_happens_has_every_section_and_column():
    assert read(render(mixed(), WORDS)) == EVERYTHING


def test_what_is_drawn_from_memory_is_what_is_drawn_from_the_published_json():
    published = parse_json(dumps(to_json(mixed(), WORDS)), where="summary.json")

    assert render(mixed(), WORDS) == write(page_of(published, WORDS))


@pytest.mark.parametrize(
    ("values", "cell"),
    [((0, 1, 3, 9), "range 0.00 to 9.00 reward"), ((0, 1, 3, 9, 9), "0.00 to 9.00 reward (94%)")],
)
def test_a_range_is_called_one_and_an_interval_states_its_coverage(values, cell):
    table = render(summary(completed(), statistics=(statistics_entry(values=values),)), WORDS)

    assert f" reward | {cell} | n/a |" in table


def test_a_success_without_the_headline_metric_shows_its_absence():
    rows = read(render(summary(completed()), replace(WORDS, headline="not_measured")))

    assert ["mlp_small", "success", "single-thread", "60.2", "n/a", "4096 steps"] in rows


@pytest.mark.parametrize("seed", [None, 7])
def test_jobs_of_one_seed_have_no_seed_column_and_no_statistics(seed):
    alone = summary(completed(seed=seed, attempt=2), skipped(seed=seed), statistics=(statistics_entry(values=(1.0,)),))

    text = render(alone, WORDS)

    assert ("Seed" in text, "Statistics" in text) == (False, False)


def test_jobs_of_several_seeds_have_a_seed_column_and_statistics_even_of_one_value():
    several = summary(completed(seed=1), failed(seed=2), statistics=(statistics_entry(values=(1.0,)),))

    text = render(several, WORDS)

    assert ("| Seed |" in text, "## Statistics" in text) == (True, True)


def test_another_flow_speaks_its_own_words():
    words = replace(
        WORDS,
        title="Dose #1",
        subject="View Name",
        results_key="view_results",
        results_heading="Views_",
        metrics={"best_mean_reward": Metric("PSNR", unit="dB", decimals=1)},
    )

    blocks = read(render(summary(completed()), words))

    assert [blocks[0], *blocks[7:10]] == [
        "#Dose #1",
        "##Views_",
        ["View Name", "Status", "Worker Mode", "Duration (s)", "Best Metric", "Notes"],
        ["mlp_small", "success", "single-thread", "60.2", "PSNR: -1.3 dB", "4096 steps"],
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_reason_stays_in_its_cells_and_can_be_read_back(text):
    blocks = read(render(summary(failed(reason=text, seed=None), completed(seed=None)), WORDS))

    cells = [(row[0], row[1], unescape_cell(row[-1])) for row in blocks if row[0] == "lstm_small"]
    assert cells == [("lstm_small", "failed", text)] * 2


def test_hostile_text_anywhere_moves_nothing_else():
    for text in HOSTILE:
        hostile = replace(
            summary(failed(reason=text, seed=None, name="job"), notes=(text,)),
            run_id=text,
            created_at=text,
            output_root=text,
            hardware_overview=(replace(GPU, platform=text, gpu_model=text),),
        )
        tame = replace(hostile, run_id="x", created_at="x", output_root="x", notes=("x",))
        tame = replace(tame, hardware_overview=(replace(GPU, platform="x", gpu_model="x"),))
        tame = replace(tame, records=(replace(tame.records[0], outcome=Failed(Code.RAISED, "x")),))

        def shape(blocks):
            return [len(block) if isinstance(block, list) else block.partition(":")[0] for block in blocks]

        assert shape(read(render(hostile, WORDS))) == shape(read(render(tame, WORDS)))


def test_a_hostile_name_is_read_back_intact_in_every_table():
    for text in HOSTILE:
        record = replace(completed(seed=None), name=text)
        entry = statistics_entry(text, (1.0, 2.0), probability_of_improvement=0.5, baseline=text)
        blocks = read(render(summary(record, statistics=(entry,)), WORDS))

        named = [row for row in blocks if isinstance(row, list) and unescape_cell(row[0]) == text]
        assert [len(row) for row in named] == [6, 7, 3], text


@given(st.lists(st.text(), max_size=3), st.text(), st.text())
def test_the_file_is_printable_lines_whatever_the_texts_hold(notes, reason, name):
    record = replace(failed(reason=reason), name=name)

    text = render(summary(record, notes=tuple(notes)), WORDS)

    assert all(line.isprintable() for line in text.split("\n"))


def test_the_verdict_is_the_first_section():
    verdict = Verdict("winner", "a | b is better.", "a | b", ("on 5 of 5 seeds",), ("one environment",))

    assert read(render(summary(completed(), verdict=verdict), WORDS))[4:12] == [
        "##Verdict",
        "Code: winner",
        "Winner: a | b",
        ["Part", "Text"],
        ["Conclusion", "a | b is better."],
        ["Detail", "on 5 of 5 seeds"],
        ["Limit", "one environment"],
        "##Hardware Overview",
    ]


def test_where_the_run_came_from_stands_before_its_artifacts():
    known = {
        "command": ["run", "a b.yaml"],
        "config_path": "a b.yaml",
        "config_sha256": "9d",
        "packages": {"b": "2", "a": "1"},
    }
    blocks = read(render(summary(completed(), provenance=known), WORDS))

    place = blocks.index("Summary: summary.json")
    assert blocks[place + 1 : place + 7] == [
        "Commit: not recorded",
        "Config: a b.yaml",
        "Config Digest: 9d",
        "Command: run 'a b.yaml'",
        "Processor: not recorded",
        "Packages: a 1, b 2",
    ]
