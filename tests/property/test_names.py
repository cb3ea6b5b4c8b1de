"""A name from outside never leads out of the run, and two jobs never share a directory."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractor_flow.contracts import violations
from extractor_flow.errors import DataError
from extractor_flow.study.jobs import Job, collisions, component_of
from support.generated.strategies import hostile_text, jobs

PLACE = {"$ref": "common.schema.json#/$defs/job_directory"}
names = hostile_text(blank=True) | st.sampled_from([".", "..", "CON", "nul.txt", "a/b", "~", "-rf", "A", "a", "é", "e"])
moderate = settings(max_examples=100)


@moderate
@given(name=names)
def test_a_name_becomes_one_component_that_stays_inside_any_directory(name, tmp_path_factory):
    place = tmp_path_factory.getbasetemp() / component_of(name)

    assert (place.resolve().parent, place.name) == (tmp_path_factory.getbasetemp().resolve(), component_of(name))


@moderate
@given(names)
def test_a_component_is_its_own_component_and_keeps_the_contract(name):
    component = component_of(name)

    assert (component_of(component), violations(component, PLACE)) == (component, [])


@settings(max_examples=40)
@given(found=st.lists(names, max_size=6))
def test_names_without_a_collision_have_a_directory_each_also_where_case_does_not_count(found, tmp_path_factory):
    unique = [name for n, name in enumerate(found) if all(pair[1] != n for pair in collisions(found))]
    root = tmp_path_factory.mktemp("names")

    for name in unique:
        (root / component_of(name).casefold()).mkdir()

    assert len(list(root.iterdir())) == len(unique)


@moderate
@given(found=st.lists(names, max_size=6))
def test_a_collision_is_found_exactly_where_two_names_share_a_directory(found):
    folded = [component_of(name).casefold() for name in found]

    assert [second for _, second in collisions(found)] == [n for n, name in enumerate(folded) if name in folded[:n]]
    assert all(first < second and folded[first] == folded[second] for first, second in collisions(found))


@moderate
@given(jobs())
def test_a_jobs_directory_keeps_the_contract(job):
    assert violations(job.directory, PLACE) == []


@moderate
@given(st.lists(st.sampled_from(["..", "a", "b.c", "CON", "a\\b", "C:", "\n", " "]), max_size=4))
def test_a_directory_that_a_job_accepts_keeps_the_contract(parts):
    directory = "/".join(parts)
    try:
        Job("flow", "name", directory, {})
    except DataError:
        return

    assert violations(directory, PLACE) == []


@pytest.mark.parametrize("directory", ["../a", "a/../../b", "/a", "a//../b", ""])
def test_a_directory_outside_of_the_run_cannot_be_a_jobs(directory):
    with pytest.raises(DataError):
        Job("flow", "name", directory, {})
