"""A disk that is full or read-only, and a run.json with something missing: one message, and no traceback."""

from __future__ import annotations

import copy
import os
import re
import resource
import shutil
import subprocess
from contextlib import contextmanager

import pytest

from extractor_flow.cli import main
from extractor_flow.errors import RequestError
from extractor_flow.executors.events import Stop
from extractor_flow.files import read_json, write_json
from extractor_flow.run.provenance import git_state
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.verify import verify
from extractor_flow.verify.replay import replay
from support.published import lines

COMMANDS = ("resume", "report", "archive", "replay")


@pytest.fixture(scope="module")
def finished(shared_run):
    """A run of a job that succeeded and one that a resumed run would train again."""
    return shared_run(lines({"name": "a"}, {"name": "bad", "fault": "raise"}))


@pytest.fixture
def run(finished, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(finished, tmp_path / finished.name)


@pytest.fixture
def disk(tmp_path):
    """A small disk of our own; a function that makes it read-only."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def no_display(vocabulary):
    pytest.fail(f"something is trained: {vocabulary}")


def read_only(place):
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)


def fill(place, leave):
    """Fill the disk but for *leave* bytes."""
    room = os.statvfs(place)
    (place / "ballast").write_bytes(b"\0" * (room.f_bavail * room.f_frsize - leave))


def words(command, run, copy_to):
    return {
        "resume": ["run", "--resume", str(run), "--executor", "serial"],
        "report": ["report", str(run)],
        "archive": ["archive", str(run), str(copy_to)],
        "verify": ["verify", str(run)],
        "replay": ["verify", str(run), "--replay", "a seed 0"],
    }[command]


def the_only_message(capsys):
    (message,) = messages_in(capsys.readouterr().err)
    return message


def messages_in(told):
    """The lines for people in what a command *told*; a warning that a start could not be noted is none of them."""
    messages = [line for line in told.splitlines() if not line.startswith("WARNING this start was not noted in ")]
    assert all(line.startswith("extractor-flow: ") for line in messages), told
    return messages


@pytest.mark.parametrize("command", ["resume", "report", "archive"])
def test_a_read_only_disk_is_named_and_keeps_the_run_as_it_was(finished, disk, command, capsys):
    run = shutil.copytree(finished, disk / finished.name)
    read_only(disk)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}

    code = main(words(command, run, disk / "copy"))

    assert code in {1, 2}
    assert "Read-only file system" in the_only_message(capsys)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_a_new_run_on_a_read_only_disk_is_refused(workbench, disk, capsys):
    config = workbench.config({"name": "a"})
    read_only(disk)

    code = main(["run", str(config), "--output-root", str(disk / "runs"), "--executor", "serial"])

    assert (code, "no run directory can be made there: Read-only file system" in the_only_message(capsys)) == (2, True)


def with_so_much_left(free, config, disk, capsys):
    """A run of *config* on a disk with *free* bytes, and a resumed one with more: the exit code, and what is wrong."""
    (root := disk / "runs").mkdir()
    fill(disk, free)
    code = main(["run", str(config), "--output-root", str(root), "--executor", "serial"])
    (disk / "ballast").unlink()
    runs = [path for path in root.iterdir() if path.is_dir() and not path.is_symlink()]
    messages = messages_in(capsys.readouterr().err)
    ended = (code, len(messages)) in {(0, 0), (1, 0), (1, 1), (2, 1)} and len(runs) == (code != 2)
    problems = [] if ended else [(free, code, messages, runs)]
    for run in runs:
        kept = [record for record in RunDirectory(run).journal() if record.status == "success"]
        resumed = main(words("resume", run, None)), verify(run).violations
        left = [record for record in RunDirectory(run).journal() if record in kept]
        problems += [] if (resumed, left) == ((0, ()), kept) else [(free, resumed, kept, left)]
    return code, problems


@pytest.mark.parametrize("free", range(0, 90_000, 6000))
def test_a_full_disk_ends_a_run_with_one_message_and_a_resumed_run_ends_it_well(workbench, disk, free, capsys):
    config = workbench.config({"name": "a"}, {"name": "b", "degree": 2})

    _, problems = with_so_much_left(free, config, disk, capsys)

    assert problems == []


@pytest.mark.faults
def test_a_disk_that_is_full_at_any_of_a_runs_files_loses_nothing(workbench, disk, told, capsys):
    config = workbench.config({"name": "a"}, {"name": "b", "degree": 2})
    problems, code, pages = [], None, 0
    while code != 0:  # the disk is memory, which is given by the page
        code, found = with_so_much_left(pages * resource.getpagesize(), config, disk, capsys)
        problems += found
        pages += 1
        shutil.rmtree(disk / "runs")

    told("A full disk, with from 0 pages left to as many as a run takes; resumed", pages, problems)
    assert (problems, pages > 10) == ([], True)


@contextmanager
def files_of_at_most(size):
    """What a quota does to whoever writes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(
    ("command", "size"),
    [
        ("resume", 0),
        ("resume", 3000),
        ("report", 0),
        ("report", 3000),
        ("archive", 0),
        ("archive", 3000),
        ("replay", 0),
    ],
)
def test_a_command_that_may_not_write_ends_with_one_message(run, command, size, capsys):
    before = RunDirectory(run).journal()

    with files_of_at_most(size):
        code = main(words(command, run, run.parent / "copy"))

    told = capsys.readouterr().err
    assert code in {1, 2}
    assert "File too large" in told or "bytes were written" in told
    assert "Traceback" not in told
    assert command == "replay" or len(messages_in(told)) == 1
    assert RunDirectory(run).journal()[: len(before)] == before
    assert not (run.parent / "copy").exists()


def test_a_checkout_is_looked_at_and_not_written_to(tmp_path):
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"]):
        (tmp_path / "file").write_text("text")
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    (tmp_path / "file").write_text("text")
    before = (tmp_path / ".git/index").stat().st_mtime_ns

    with files_of_at_most(10):
        state = git_state(tmp_path)

    assert (state["dirty"], (tmp_path / ".git/index").stat().st_mtime_ns) == (False, before)
    assert not (tmp_path / ".git/index.lock").exists()


def without_each_member(value, path=()):
    """(where, *value* without the member there) for each member of each object in it, the flow's settings left out."""
    if isinstance(value, dict):
        for key in value:
            yield (*path, key), {name: other for name, other in value.items() if name != key}
            if key not in {"config", "packages", "overrides"}:
                for where, inner in without_each_member(value[key], (*path, key)):
                    yield where, {**value, key: inner}
    elif isinstance(value, list):
        for position, item in enumerate(value):
            for where, inner in without_each_member(item, (*path, position)):
                yield where, [*value[:position], inner, *value[position + 1 :]]


def incomplete_requests(run):
    """What ``run.json`` is without each member that it must have, and where that stood."""
    request = read_json(run / "run.json")
    optional = {("git",), ("processor",), ("hardware", "gpu_model"), ("hardware", "cuda_version"), ("jobs", 0, "seed")}
    optional |= {("jobs", 1, "seed"), ("start_sha256",), ("job_contract",)}
    for where, changed in without_each_member(copy.deepcopy(request)):
        if where not in optional and (where[0] not in {"config", "packages", "overrides"} or len(where) == 1):
            yield where, changed


@pytest.mark.parametrize("command", [command for command in COMMANDS if command != "replay"])
def test_a_request_without_one_of_its_members_is_one_message(run, command, capsys):
    for where, changed in incomplete_requests(run):
        write_json(run / "run.json", changed)

        code = main(words(command, run, run.parent / "copy"))

        told = capsys.readouterr()
        assert code in {1, 2}, where
        assert str(where[-1]) in told.out + told.err, where
        assert len(told.err.splitlines()) == 1, where
    assert not (run.parent / "copy").exists()


def test_a_request_without_one_of_its_members_is_a_violation_that_names_it_and_no_job_is_trained_again(run):
    for where, changed in incomplete_requests(run):
        write_json(run / "run.json", changed)

        assert str(where[-1]) in str(verify(run).violations), where
        with pytest.raises(RequestError, match=re.escape("run.json")):
            replay(run, "a seed 0", no_display, Stop())


@pytest.mark.parametrize("member", ["flow", "run", "models"])
@pytest.mark.parametrize("command", COMMANDS)
def test_settings_without_one_of_their_members_are_no_traceback(run, command, member, capsys):
    request = read_json(run / "run.json")
    del request["config"][member]
    write_json(run / "run.json", request)

    assert main(words(command, run, run.parent / "copy")) in {0, 1, 2}


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "{}", "\0", '{"jobs": 1, "jobs": 2}'])
@pytest.mark.parametrize("command", ["resume", "report", "archive"])
def test_a_request_that_is_none_is_one_message(run, command, text, capsys):
    (run / "run.json").write_text(text)

    code = main(words(command, run, run.parent / "copy"))

    assert code in {1, 2}
    assert "run.json" in the_only_message(capsys)
