"""Lies about a run as a whole, told of a real one: each is caught, and the violation names the file that is wrong."""

from __future__ import annotations

import pytest

from extractor_flow import layout
from extractor_flow.study.codes import Code
from extractor_flow.verify import Conclusion, verify
from support.lies.about_records import DIRECTORIES, RECORDS, adding, again, untold
from support.lies.about_runs import ARCHIVES, BAD, GONE, MODELS, ONE, PAGES, UNKNOWN, archived, of_an_unknown_flow

LIES = [*PAGES, *UNKNOWN, *ARCHIVES, *RECORDS, *DIRECTORIES]
STUDY = {"flow": "line_fit", "run": {"steps": 5}, "models": MODELS}


@pytest.fixture(scope="module")
def genuine_run(shared_run):
    return shared_run(STUDY)


@pytest.fixture
def run(genuine_run, tampering_with):
    return tampering_with(genuine_run)


def named(run):
    return {violation.file for violation in verify(run.path, archived=True).violations}


def test_the_untouched_copy_verifies(run):
    assert named(run) == set()


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.title)
def test_a_lie_about_a_run_is_caught_and_its_file_is_named(run, lie):
    lie.change(run)

    assert [file for file in named(run) if file.startswith(lie.file)], verify(run.path, archived=True)


@pytest.mark.parametrize("lie", [*PAGES, *UNKNOWN, *RECORDS, *DIRECTORIES], ids=lambda lie: lie.title)
def test_binding_the_run_again_hides_no_lie(run, lie):
    """What the run's own word excuses, such as another version, leaves it unjudged at best."""
    lie.change(run)
    run.rebind()

    assert verify(run.path).conclusion is not Conclusion.VERIFIED


def test_the_lies_have_names_of_their_own():
    titles = [lie.title for lie in LIES]

    assert sorted(set(titles)) == sorted(titles)


def test_a_page_with_the_line_ends_of_another_system_is_the_same_page(run):
    file = run.path / layout.PAGE
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))

    assert named(run) == set()


def test_what_an_unknown_flow_published_is_not_held_against_it(run):
    """But the keys of its jobs and the digest of its config are: they are made of the name too."""
    of_an_unknown_flow(layout.SUMMARY, lambda data: data["aggregate_metrics"].update(something_of_its_own=1.5))(run)
    run.rebind()

    assert {file.rpartition("/")[2] for file in named(run)} == {"job.json", "run.json"}


@pytest.mark.parametrize("largest", [0, 300, 64 * 1024])
def test_every_file_that_a_slim_copy_left_out_is_told(run, largest):
    listed = []
    archived(lambda left_out, _: listed.extend(entry["path"] for entry in left_out), largest=largest)(run)

    verdict = verify(run.path, archived=True)

    told = {each.what for each in verdict.unchecked}
    assert (verdict.violations, set(listed) - told) == ((), set())


def test_what_is_no_file_of_a_run_is_told(run):
    for name in ("README.md", "figures/plot.svg", f"{ONE}/progress.json"):
        adding(name)(run)
    run.rebind()

    verdict = verify(run.path)

    told = {each.what for each in verdict.unchecked}
    assert (verdict.violations, told - {"metrics and weights"}) == (
        (),
        {"README.md", "figures/plot.svg", f"{ONE}/progress.json"},
    )


def test_a_log_that_lost_lines_says_nothing(run):
    (run.path / layout.LOG).write_text("cut off {'directory': 'models/ghost', 'attempt': 1}\n", encoding="utf-8")
    run.rebind()

    assert verify(run.path).conclusion is Conclusion.VERIFIED


def test_a_failure_that_a_killed_run_did_not_get_to_record_is_no_lie(run):
    """Its result was published, its record was not, and then the run was rehearsed."""
    untold(BAD, Code.DRY_RUN, log=False)(run)
    run.rebind()

    assert named(run) == set()


def test_a_result_that_a_resumed_run_found_and_recorded_once_more_is_no_lie(run):
    """So it is with a job whose process died before its first attempt, at whatever time the run is resumed."""
    (run.path / BAD / "attempt-1.json").unlink()
    with run.journal() as records:
        failure = next(record for record in records if record["directory"] == BAD)
        skip = next(record for record in records if record["directory"] == GONE)
        records.extend([{**skip, "start_time": "2999-01-01T00:00:00.000Z"}, failure])
    run.republish()

    assert named(run) == set()


def test_a_job_without_an_attempt_may_keep_its_result_although_it_was_not_started_again(run):
    (run.path / BAD / "attempt-1.json").unlink()
    again(BAD, Code.NOT_STARTED)(run)

    assert named(run) == set()
