"""No false alarms: what people and systems do to an honest run leaves it what it was."""

from __future__ import annotations

import locale
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import time
import unicodedata
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from extractor_flow.binding.subjects import root_in
from extractor_flow.clock import timestamp
from extractor_flow.readers.paths import ConfinedDirectory
from extractor_flow.run.archive import archive
from extractor_flow.verify import Conclusion, verify
from support.lies.about_runs import BAD, MODELS, ONE
from support.lies.tampering import Tampering
from support.published import lines

TEXTS = {".json", ".jsonl", ".log", ".md", ".html", ".csv"}


def renamed(name):
    return lambda run: run.rename(run.with_name(name))


def packed(form):
    """Pack the run, and unpack it somewhere else."""
    # What a tar file may do to a disk has to be said from Python 3.12 on, and cannot be in the first ones of 3.11.
    trust = {"filter": "fully_trusted"} if form != "zip" and hasattr(tarfile, "fully_trusted_filter") else {}

    def change(run):
        packed = shutil.make_archive(str(run.parent / "packed"), form, run.parent, run.name)
        shutil.unpack_archive(packed, run.parent / "unpacked", **trust)
        return run.parent / "unpacked" / run.name

    return change


def copied(*words):
    def change(run):
        subprocess.run([*words, str(run), str(run.parent / "copy")], check=True)
        return run.parent / "copy"

    return change


def git(folder, *words):
    return subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=folder, check=True, capture_output=True
    )


def checked_out(*settings, archived=False):
    """Commit the run, and check it out with other settings of git."""

    def change(run):
        source = run
        if archived:
            archive(run, run.parent / "slim")
            source = run.parent / "slim"
        git(source, "init", "-q")
        git(source, "add", "-A", "-f")
        git(source, "commit", "-q", "-m", "a run")
        git(run.parent, *settings, "clone", "-q", str(source), "clone")
        return run.parent / "clone"

    return change


def with_line_ends(end):
    """Every text has the line ends of another system, as git writes them."""

    def change(run):
        for path in run.rglob("*"):
            if path.suffix in TEXTS:
                path.write_bytes(path.read_bytes().replace(b"\n", end))

    return change


def modes(files, folders):
    def change(run):
        for path in [run, *run.rglob("*")]:
            path.chmod(folders if path.is_dir() else files)

    return change


def touched(moment):
    def change(run):
        for path in run.rglob("*"):
            os.utime(path, (moment, moment))

    return change


def having(*names, text="x"):
    """Hidden files that systems leave."""

    def change(run):
        for name in names:
            (run / name).parent.mkdir(exist_ok=True)
            (run / name).write_text(text, encoding="utf-8")

    return change


def without(*patterns):
    def change(run):
        for pattern in patterns:
            for path in run.glob(pattern):
                path.unlink() if path.is_file() else path.rmdir()

    return change


def linked(run):
    link = run.parent / "link"
    link.symlink_to(run.name)
    return link


def below_a_link(run):
    (run.parent / "folder").symlink_to(run.parent)
    return run.parent / "folder" / run.name


def with_lists(text):
    """A list of starts of others beside the run."""

    def change(run):
        (run.parent / "runs.jsonl").write_text(text, encoding="utf-8")

    return change


def shifted(job, **seconds):
    """The clock was set while *job* ran, or between jobs."""

    def change(run):
        tampering = Tampering(run)
        with tampering.retold(job) as record:
            for member, by in seconds.items():
                record[member] = timestamp(datetime.fromisoformat(record[member]) + timedelta(seconds=by))
        tampering.republish()

    return change


def deeper(run):
    folder = run.parent.joinpath(*["deep" * 20] * 12)
    folder.mkdir(parents=True)
    return run.rename(folder / run.name)


PLACES = {
    **{
        f"a directory called {name!r}": renamed(name)
        for name in ("a b", "-rf", "%s {} $HOME", "[x]*?", "a'\"`b", "line\nend", "Ünï🙂", "\u202erun", "x" * 255,
                     "CON", unicodedata.normalize("NFD", "é"), ".hidden", "archive.json", "run.json", "latest", "a\\b")
    },
    **{f"packed as {form}": packed(form) for form in ("zip", "tar", "gztar", "bztar", "xztar")},
    "cp -r": copied("cp", "-r"),
    "cp -a": copied("cp", "-a"),
    "cp -rL": copied("cp", "-rL"),
    "git": checked_out(),
    "git with autocrlf": checked_out("-c", "core.autocrlf=true"),
    "git with autocrlf input": checked_out("-c", "core.autocrlf=input"),
    "git with another end of lines": checked_out("-c", "core.autocrlf=true", "-c", "core.eol=crlf"),
    "git without modes": checked_out("-c", "core.fileMode=false"),
    "git of a slim copy": checked_out("-c", "core.autocrlf=true", archived=True),
    "line ends of Windows": with_line_ends(b"\r\n"),
    "a link to it": linked,
    "a link above it": below_a_link,
    "a path with dots": lambda run: run / ".." / run.name,
    "a path with dots in it": lambda run: run.parent / "." / run.name,
    "a long path": deeper,
    **{f"modes {files:o}": modes(files, folders) for files, folders in
       ((0o600, 0o700), (0o777, 0o777), (0o444, 0o555), (0o640, 0o2750), (0o664, 0o1777))},
    **{f"touched at {moment}": touched(moment) for moment in (0, 1, 10**9, 4 * 10**9)},
    "files of macOS": having(".DS_Store", "._run.json", f"{ONE}/.DS_Store"),
    "files of network file systems": having(".nfs0001", f"{ONE}/.fuse_hidden1"),
    "files of editors": having(".run.json.swp", ".#run.json"),
    "files of version control": having(".gitignore", ".gitattributes", ".gitkeep"),
    "files of synchronising": having(".dropbox", ".stfolder/.x"),
    "no locks": without("**/.lock"),
    "locks": having(".lock", f"{ONE}/.lock", text=""),
    "an empty directory more": lambda run: (run / "figures").mkdir(exist_ok=True),
    "an empty directory less": without("figures"),
    "no list of starts": lambda run: None,
    "an empty list of starts": with_lists(""),
    "a list of starts that is being written": with_lists('{"command": ["extractor'),
    **{f"a clock set by {seconds} s": shifted(BAD, end_time=seconds) for seconds in (-50, -5, -1, 1, 50)},
    **{f"a clock set by {seconds} s between jobs": shifted(BAD, start_time=seconds, end_time=seconds)
       for seconds in (-50, -5, 5, 50)},
    **{f"a clock set by {seconds} s before a job": shifted(BAD, start_time=seconds) for seconds in (-5, 5, 30)},
    "a machine that slept for an hour": shifted(BAD, end_time=3600),
    "a machine that slept for a year": shifted(BAD, end_time=3e7),
    "a summer time that began": shifted(BAD, end_time=3600.0),
    **{f"a slim copy of at most {size} bytes": lambda run, size=size: archive(run, run.parent / "s", largest=size) and
       run.parent / "s" for size in (2000, 10**5, 10**6)},
}  # fmt: skip
ZONES = (
    "Asia/Kathmandu",
    "America/St_Johns",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Europe/London",
    "UTC+26",
    "<x>-14",
)


@pytest.fixture(scope="module")
def genuine(shared_run):
    return shared_run(lines(*MODELS))


@pytest.fixture
def run(genuine, tmp_path):
    return shutil.copytree(genuine, tmp_path / genuine.name)


def accused(path):
    return verify(path, archived=True).violations


@pytest.mark.parametrize("change", PLACES.values(), ids=PLACES)
def test_an_honest_run_is_not_accused(run, change):
    place = change(run)

    verdict = verify(place if isinstance(place, Path) else run, archived=True)

    assert (verdict.violations, verdict.conclusion) == ((), Conclusion.VERIFIED)


def test_a_run_keeps_its_root_wherever_it_is(genuine, run):
    moved = packed("zip")(renamed("a b")(run))

    assert root_in(ConfinedDirectory(moved)) == root_in(ConfinedDirectory(genuine))


@pytest.mark.parametrize("zone", ZONES)
def test_a_run_is_not_accused_in_another_time_zone(run, zone, monkeypatch):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert accused(run) == ()
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("name", ["C", "POSIX", "C.UTF-8"])
def test_a_run_is_not_accused_in_another_locale(run, name):
    before = locale.setlocale(locale.LC_ALL)
    locale.setlocale(locale.LC_ALL, name)
    try:
        assert accused(run) == ()
    finally:
        locale.setlocale(locale.LC_ALL, before)


@pytest.mark.parametrize("words", [("-OO",), ("-X", "utf8=0"), ("-I",)], ids=" ".join)
def test_a_run_is_not_accused_by_another_interpreter(run, words):
    command = [sys.executable, *words, "-m", "extractor_flow.cli", "verify", "."]
    environment = {**os.environ, "LC_ALL": "POSIX", "PYTHONHASHSEED": "7", "PYTHONCOERCECLOCALE": "0"}

    done = subprocess.run(command, cwd=run, env=environment, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_run_that_nobody_may_read_is_not_called_a_lie(run):
    if os.geteuid() == 0:
        pytest.skip("root may read anything")
    (run / "run.json").chmod(stat.S_IWUSR)

    assert {each.kind for each in accused(run)} == {"unreadable"}
