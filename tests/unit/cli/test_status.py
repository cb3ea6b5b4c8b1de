"""`extractor-flow status` tells how far a run is, from the directories of its jobs."""

from __future__ import annotations

import shutil

import pytest

from extractor_flow.layout import UNPUBLISHED
from support.published import lines


@pytest.fixture(scope="module")
def finished(shared_run):
    """A run of three jobs, one of which failed."""
    return shared_run(lines({"name": "a"}, {"name": "b"}, {"name": "bad", "fault": "raise"}))


def test_a_published_run_is_counted(finished, workbench):
    answer = workbench.call("status", finished)

    assert (answer.code, answer.out) == (0, f"{finished}: published\n3 jobs: 1 failed, 2 success\n")


def test_a_run_under_way_shows_what_runs_and_what_waits(finished, workbench):
    run = shutil.copytree(finished, workbench.path / finished.name)
    (run / UNPUBLISHED).touch()
    (run / "models/a/result.json").unlink()
    (run / "models/a/progress.json").write_text('{"done": 3, "total": 5, "facts": {}}')
    shutil.rmtree(run / "models/b")
    (run / "records.jsonl").unlink()

    answer = workbench.call("status", run)

    first, counts, job = answer.out.splitlines()
    assert (answer.code, first, counts) == (0, f"{run}: not published yet", "3 jobs: 1 failed, 1 under way, 1 waiting")
    assert job.startswith("a seed 0: attempt 1 began 2")
    assert job.endswith(", 3 of 5 steps")


@pytest.mark.parametrize("note", ["", "[]", '{"attempt": 1, "node": "\\u001b[2J", "started_at": 7}'])
def test_what_a_stranger_noted_is_no_traceback(finished, workbench, note):
    run = shutil.copytree(finished, workbench.path / finished.name)
    (run / "models/a/result.json").unlink()
    (run / "models/a/attempt-1.json").write_text(note)

    answer = workbench.call("status", run)

    assert (answer.code, answer.err, "\x1b" in answer.out) == (0, "", False)
