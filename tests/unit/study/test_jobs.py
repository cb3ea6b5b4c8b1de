"""Jobs: keys, directories, selection."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor_flow.errors import DataError, RequestError
from extractor_flow.study.jobs import Job, Limits, collisions, component_of, select

JOB = Job(flow="line_fit", name="mlp", directory="models/mlp", parameters={"steps": 3, "env": {"id": "X"}}, seed=1)


@given(st.text(max_size=200))
def test_a_name_becomes_one_harmless_path_component(name):
    component = component_of(name)

    assert PurePosixPath(component).parts == (component,)
    assert component.isascii()
    assert component not in {"", ".", ".."}
    assert len(component) <= 101
    assert component_of(component) == component


@pytest.mark.parametrize("name", ["mlp_small", "lstm-2", "a.b", "X"])
def test_a_safe_name_keeps_its_form(name):
    assert component_of(name) == name


@pytest.mark.parametrize(
    ("name", "component"),
    [("../../etc", "_.._.._etc"), ("con", "_con"), ("NUL.txt", "_NUL.txt"), ("a b/c", "a_b_c"), ("é", "e"), ("", "_")],
)
def test_an_unsafe_name_is_changed(name, component):
    assert component_of(name) == component


def test_names_that_would_share_a_directory_are_found():
    assert collisions(["a b", "x", "A_B", "a/b", "y"]) == [(0, 2), (0, 3)]


@pytest.mark.parametrize("directory", ["", "/etc", "../x", "a/../b", "a//./..", "a/b c", "a\\b", "C:x"])
def test_a_directory_that_could_leave_the_run_is_refused(directory):
    with pytest.raises(DataError, match="not a plain relative path"):
        replace(JOB, directory=directory)


@pytest.mark.parametrize(
    "change",
    [{"seed": 2}, {"parameters": {"steps": 4, "env": {"id": "X"}}}, {"name": "cnn"}, {"flow": "other"}, {"seed": None}],
)
def test_what_decides_the_result_changes_the_key(change):
    assert replace(JOB, **change).key != JOB.key


@pytest.mark.parametrize("change", [{"weight": 7.0}, {"limits": Limits(seconds=3)}, {"directory": "elsewhere"}])
def test_what_does_not_decide_the_result_leaves_the_key(change):
    assert replace(JOB, **change).key == JOB.key


def test_a_job_survives_its_json():
    assert Job.from_json(JOB.to_json()) == JOB


def test_a_job_whose_content_was_changed_is_refused():
    data = JOB.to_json()
    data["seed"] = 2

    with pytest.raises(DataError, match="key of mlp seed 2"):
        Job.from_json(data)


def test_a_job_file_without_a_member_is_refused():
    data = JOB.to_json()
    del data["limits"]

    with pytest.raises(DataError, match="limits"):
        Job.from_json(data)


def test_selection_takes_names_and_wildcards_in_the_order_of_the_study():
    jobs = [replace(JOB, name=name) for name in ("mlp_small", "lstm", "mlp_large")]

    assert [job.name for job in select(jobs, ["mlp_l*", "lstm"])] == ["lstm", "mlp_large"]


def test_a_selection_that_matches_nothing_names_what_there_is():
    with pytest.raises(RequestError) as caught:
        select([JOB, replace(JOB, name="cnn")], ["mlp", "lstn"])

    assert str(caught.value) == "--only 'lstn' matches no job; there are: mlp, cnn"
