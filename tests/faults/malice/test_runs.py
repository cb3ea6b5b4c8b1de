"""Malicious files inside a real published run: each is a violation with a name, and none of their code runs."""

from __future__ import annotations

import os
import shutil
import tracemalloc
from operator import attrgetter
from pathlib import Path

import pytest

from extractor_flow.verify import verify
from support.files import malicious
from support.published import COMPARISON, lines

JOB = "extractors/mlp/seed-1"
PLACES = {
    "evaluations.npz": f"{JOB}/eval_logs/evaluations.npz",
    "policy.safetensors": f"{JOB}/policy.safetensors",
    "final_model.zip": f"{JOB}/final_model.zip",
    "figure.png": "figures/learning_curves.png",
}
MEMORY = 400 * 1024 * 1024
title = attrgetter("title")


OF_EVERY_FLOW = ("summary.json", "records.jsonl")


@pytest.fixture
def copied(shared_run, tmp_path):
    """Copies a run in which a file is to be replaced; what every flow leaves is judged the sooner the less else is."""

    def copy(replaced=""):
        config = lines({"name": "one"}) if replaced in OF_EVERY_FLOW else COMPARISON
        (tmp_path / "outer").mkdir()
        return shutil.copytree(shared_run(config), tmp_path / "outer" / "copy")

    return copy


@pytest.fixture
def run(copied):
    return copied()


def place_of(run: Path, case: malicious.Malice) -> Path:
    return run / PLACES.get(case.poses_as, case.poses_as)


def plant(run: Path, case: malicious.Malice, marker: Path) -> str:
    """Put the malicious file in the place of the genuine one; that place."""
    place = place_of(run, case)
    place.unlink()
    aside = place.parent / case.poses_as
    case.plant(aside, marker)
    aside.rename(place)
    return place.relative_to(run).as_posix()


def kinds_at(run: Path, place: str) -> set[str]:
    """The kinds of the violations of the file at *place*."""
    return {str(violation.kind) for violation in verify(run).violations if violation.file == place}


@pytest.mark.parametrize(
    "case", [case for case in malicious.ALL if case not in malicious.HUGE], ids=lambda case: case.title
)
def test_a_malicious_file_in_a_run_is_a_violation_with_a_name(case, copied, tmp_path):
    marker, run = tmp_path / "executed", copied(case.poses_as)
    place = plant(run, case, marker)

    assert ((case.kind or "size") in kinds_at(run, place), marker.exists()) == (True, False)


@pytest.mark.parametrize("case", malicious.HUGE, ids=title)
def test_a_file_that_claims_to_be_huge_costs_no_memory(case, copied, tmp_path):
    run = copied(case.poses_as)
    place = plant(run, case, tmp_path / "executed")
    tracemalloc.start()
    try:
        kinds = kinds_at(run, place)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert (case.kind in kinds, peak < MEMORY) == (True, True)


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("symlink", lambda path: path.symlink_to("/etc")),
        ("symlink", lambda path: path.symlink_to("nowhere")),
        ("not-a-file", os.mkfifo),
        ("too-deep", lambda path: path.joinpath(*"x" * 40).mkdir(parents=True)),
    ],
)
def test_what_does_not_belong_into_a_run_is_a_violation_wherever_it_is(run, kind, place):
    place(run / "extractors" / "other")

    kinds = {str(violation.kind) for violation in verify(run).violations if "extractors/other" in violation.file}

    assert kinds == {kind}


def test_a_name_that_forges_a_line_stays_on_its_line(run):
    (run / "x\nverified").symlink_to("nowhere")

    assert [violation.file for violation in verify(run).violations] == ["x\\nverified"]
