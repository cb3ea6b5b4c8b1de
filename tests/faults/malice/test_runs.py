"""Malicious files inside a real published run: each is a violation with a name, and none of their code runs."""

from __future__ import annotations

import os
import shutil
import tracemalloc
from pathlib import Path

import pytest

from extractor_flow.verify import verify
from support.files import malicious
from support.published import COMPARISON

JOB = "extractors/mlp/seed-1"
PLACES = {
    "evaluations.npz": f"{JOB}/eval_logs/evaluations.npz",
    "policy.safetensors": f"{JOB}/policy.safetensors",
    "final_model.zip": f"{JOB}/final_model.zip",
    "figure.png": "figures/learning_curves.png",
}
MEMORY = 400 * 1024 * 1024


@pytest.fixture(scope="module")
def genuine_run(shared_run):
    return shared_run(COMPARISON)


@pytest.fixture
def run(genuine_run, tmp_path):
    (tmp_path / "outer").mkdir()
    return shutil.copytree(genuine_run, tmp_path / "outer" / "copy")


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


@pytest.mark.parametrize("case", malicious.ALL, ids=lambda case: case.title)
def test_a_malicious_file_in_a_run_is_a_violation_with_a_name(case, run, tmp_path):
    marker = tmp_path / "executed"
    place = plant(run, case, marker)

    assert ((case.kind or "size") in kinds_at(run, place), marker.exists()) == (True, False)


@pytest.mark.parametrize("case", malicious.HUGE, ids=lambda case: case.title)
def test_a_file_that_claims_to_be_huge_costs_no_memory(case, run, tmp_path):
    plant(run, case, tmp_path / "executed")
    tracemalloc.start()
    try:
        verify(run)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < MEMORY


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
