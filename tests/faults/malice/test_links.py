"""No command follows or clears what is not the run's own: it is refused by name, and nothing anywhere is touched."""

from __future__ import annotations

import os
import shutil

import pytest

from extractor_flow import job
from extractor_flow.cli import main
from extractor_flow.errors import RunDirectoryError
from extractor_flow.run import draw, prepare
from extractor_flow.run.jobdir import JobDirectory
from support.published import lines

DIRECTORIES = ("models", "models/a", "models/bad", "models/bad/checkpoints", "figures", "data")
FILES = (".lock", "run.log", "records.jsonl", "summary.json", "models/a/.lock", "models/bad/train.log", "models/extra")


@pytest.fixture(scope="module")
def finished(shared_run):
    """A run of a job that succeeded and one that a resumed run would clear and train again."""
    return shared_run(lines({"name": "a"}, {"name": "bad", "fault": "raise"}))


@pytest.fixture
def run(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "run", symlinks=True)


@pytest.fixture
def outside(tmp_path):
    """A directory of somebody's, with a file in it."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/treasure").write_text("mine")
    return tmp_path / "outside"


def contents(*roots):
    """Everything beneath *roots*, with the time of its last change, which taking a lock of ours may be."""
    found = {}
    for path in (path for root in roots for path in [root, *root.rglob("*")]):
        status = path.lstat()
        text = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        changed = None if path.name == ".lock" else status.st_mtime_ns
        found[path] = (status.st_mode, changed, text)
    return found


def replace(place, target):
    """Put a link to *target* where *place* is."""
    if place.is_dir():
        shutil.rmtree(place)
    place.unlink(missing_ok=True)
    place.symlink_to(target)


def commands(run):
    return {
        "resume": ["run", "--resume", str(run), "--executor", "serial"],
        "report": ["report", str(run)],
        "archive": ["archive", str(run), str(run.parent / "copy")],
    }


@pytest.mark.parametrize("command", ["resume", "report", "archive"])
@pytest.mark.parametrize("place", [*DIRECTORIES, *FILES])
def test_a_link_in_a_run_is_refused_by_name_and_nothing_is_touched(run, outside, place, command, capsys):
    replace(run / place, outside if place in DIRECTORIES else outside / "treasure")
    before = contents(run, outside)

    code = main(commands(run)[command])

    (message,) = capsys.readouterr().err.splitlines()
    assert (code, contents(run, outside)) == (2, before)
    assert place in message
    assert "a symbolic link" in message or "not a lock file but a link" in message
    assert not (run.parent / "copy").exists()


@pytest.mark.parametrize("command", ["resume", "report", "archive"])
def test_a_run_whose_request_is_a_link_is_not_taken_for_a_run(run, outside, command, capsys):
    (run / "run.json").rename(outside / "run.json")
    (run / "run.json").symlink_to(outside / "run.json")
    before = contents(run, outside)

    code = main(commands(run)[command])

    told = f"extractor-flow: {run}: not a run directory: run.json: is a symbolic link\n"
    assert (code, capsys.readouterr().err, contents(run, outside)) == (2, told, before)


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.mknod(path, 0o600 | 0o140000)])
def test_a_fifo_or_a_socket_is_refused_and_not_waited_for(run, make, capsys):
    (run / "run.log").unlink()
    make(run / "run.log")

    code = main(commands(run)["resume"])

    assert (code, ", not a regular file; nothing was changed" in capsys.readouterr().err) == (2, True)


@pytest.mark.parametrize("place", [".lock", "models/bad/.lock"])
def test_a_lock_that_is_a_directory_is_refused(run, place, capsys):
    (run / place).unlink()
    (run / place).mkdir()
    journal, jobs = (run / "records.jsonl").read_bytes(), contents(run / "models")

    code = main(commands(run)["resume"])

    told = f"extractor-flow: {run / place}: not a lock file but a link, a directory or a device; remove it\n"
    assert (code, capsys.readouterr().err) == (2, told)
    assert ((run / "records.jsonl").read_bytes(), contents(run / "models")) == (journal, jobs)


@pytest.mark.parametrize("program", [draw, prepare])
def test_the_programs_that_write_for_all_jobs_refuse_it_too(run, outside, program, capsys):
    replace(run / "figures", outside)
    before = contents(run, outside)

    code = program.main([str(run)])

    assert (code, contents(run, outside)) == (program.main([str(run)]), before)
    assert code in {1, 2}
    said = capsys.readouterr().err
    assert ("figures: " in said, "is a symbolic link" in said) == (True, True)


@pytest.mark.parametrize("place", ["train.log", "checkpoints", ".lock"])
def test_the_runner_of_one_job_refuses_it_too(run, outside, place, capsys):
    replace(run / "models/bad" / place, outside / "treasure")
    before = contents(run, outside)

    code = job.main([str(run / "models/bad")])

    assert (code, contents(run, outside)) == (2, before)
    assert f"{place}: is a symbolic link" in capsys.readouterr().err


@pytest.mark.parametrize("place", ["models", "models/bad"])
def test_a_job_directory_is_not_made_behind_a_link(run, outside, place):
    order = JobDirectory.open(run / "models/bad").job
    replace(run / place, outside)
    before = contents(run, outside)

    with pytest.raises(RunDirectoryError, match="symbolic link"):
        JobDirectory.create(run, order)

    assert contents(run, outside) == before


def test_the_list_of_starts_beside_a_run_is_not_written_behind_a_link(run, outside, capsys):
    (run.parent / "runs.jsonl").symlink_to(outside / "treasure")

    code = main(commands(run)["resume"])

    assert (code, (outside / "treasure").read_text()) == (1, "mine")
    assert "this start was not noted" in capsys.readouterr().err


def test_a_run_may_be_named_by_a_link(run, capsys):
    (run.parent / "latest").symlink_to(run)

    assert main(["report", str(run.parent / "latest")]) == 0
