"""The evidence of a session: one folder, whole files, an index that is true, also when the session was cut short."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from extractor_flow.contracts import violations
from extractor_flow.files import sha256_of
from support.plugin.command_project import FOUR_TESTS

ALONE, TWO = ("-n0",), ("-n2",)
WORKERS = {"alone": ALONE, "two workers": TWO}
EVERY_TEST = [f"test_project.py::test_uses[{number}]" for number in range(4)]
FLOW = """
import sys
from pathlib import Path

import pytest
from pytest_extractor_flow.evidence.runs import note_run, runs_below
from pytest_extractor_flow.once.execution import Command

VERDICT = {
    "schema_version": 1,
    "run": "the run",
    "ok": True,
    "conclusion": "verified",
    "claims": 1,
    "checks": ["subjects"],
    "needs_deep": [],
    "violations": [],
    "unchecked": [],
}


@pytest.fixture(scope="session")
def run(run_once, pytestconfig):
    root = run_once.output("study")
    words = ("run", str(Path(__file__).with_name("study.yaml")), "--output-root", str(root), "--run-id", "smoke")
    words += ("--executor", "serial")
    execution = run_once(Command("study", (sys.executable, "-m", "extractor_flow.cli", *words), timeout=90))
    (directory,) = runs_below(execution.output)
    note_run(pytestconfig, directory, VERDICT)
    return directory
"""
STUDY = {"flow": "line_fit", "run": {"steps": 5}, "models": [{"name": "line"}, {"name": "curve", "degree": 2}]}


def index_of(folder):
    """The index, once it is known to tell the truth about every file of the folder."""
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    listed = {file["path"]: (file["sha256"], file["size_bytes"]) for file in index["files"]}
    there = {
        path.relative_to(folder).as_posix(): (sha256_of(path), path.stat().st_size)
        for path in folder.rglob("*")
        if path.is_file() and path.name not in {"index.json", "index.md"}
    }
    assert (violations(index, "evidence_index"), listed) == ([], there)
    return index


def outcomes_in(folder):
    lines = (folder / "outcomes.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("arguments", WORKERS.values(), ids=WORKERS)
def test_every_test_is_there_with_markers_outcome_and_reason(pytester, monkeypatch, arguments):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    pytester.makepyfile(
        test_kinds="import pytest\ndef test_good(): pass\ndef test_bad(): assert 0, 'not so'\n"
        "@pytest.mark.cuda\ndef test_gpu(): pass\ndef test_left_out(): pass\n",
        test_absent="import pytest\npytest.importorskip('a_module_nobody_has')",
    )

    pytester.runpytest_subprocess("--evidence=out", "-k", "not left_out", *arguments)

    folder = pytester.path / "out"
    index, outcomes = index_of(folder), outcomes_in(folder)
    collected = json.loads((folder / "collected.json").read_text(encoding="utf-8"))
    assert (index["complete"], index["exit_status"], index["tests"]) == (
        True,
        1,
        {"collected": 3, "deselected": 1, "uncollected": 1, "outcomes": {"passed": 1, "failed": 1, "skipped": 1}},
    )
    assert [found for line in outcomes for found in violations(line, "lane_report")] == []
    assert {line["nodeid"]: (line["outcome"], line.get("reason")) for line in outcomes} == {
        "test_kinds.py::test_good": ("passed", None),
        "test_kinds.py::test_bad": ("failed", "AssertionError: not so"),
        "test_kinds.py::test_gpu": ("skipped", "cuda: CUDA_VISIBLE_DEVICES='' hides every GPU"),
    }
    assert (collected["collected"]["test_kinds.py::test_gpu"], list(collected["uncollected"])) == (
        ["cuda"],
        ["test_absent.py"],
    )


@pytest.mark.parametrize("arguments", WORKERS.values(), ids=WORKERS)
def test_a_real_run_is_there_with_its_verdict_and_its_logs(project, arguments):
    (project.path / "study.yaml").write_text(yaml.safe_dump(STUDY), encoding="utf-8")
    (project.path / "conftest.py").write_text(FLOW, encoding="utf-8")
    (project.path / "test_project.py").write_text(
        "import pytest\n@pytest.mark.parametrize('n', range(2))\ndef test_uses(run, n): assert run.is_dir()\n"
    )

    project.run("--evidence=out", *arguments)

    folder = project.path / "out"
    index = index_of(folder)
    (run,) = index["runs"]
    of_the_run = {
        (file["kind"], file["path"].removeprefix(f"{run['folder']}/"))
        for file in index["files"]
        if file["path"].startswith("runs/")
    }
    (log,) = (folder / "logs").iterdir()
    assert (index["complete"], run["verified"], of_the_run) == (
        True,
        True,
        {
            ("run", "run.json"),
            ("run", "summary.json"),
            ("run", "summary.md"),
            ("run", "training_manifest.json"),
            ("run", "skip_summary.json"),
            ("run_log", "logs/run.log"),
            ("run_log", "logs/models-line-train.log"),
            ("run_log", "logs/models-curve-train.log"),
            ("verdict", "verdict.json"),
        },
    )
    assert log.read_text(encoding="utf-8").startswith("run directory: ")
    assert list(project.temporary.iterdir()) == []


@pytest.mark.parametrize("arguments", [ALONE, pytest.param(TWO, marks=pytest.mark.whole)], ids=WORKERS)
def test_a_collected_configs_run_is_there_though_the_session_keeps_it_elsewhere(project, arguments):
    (project.path / "study.yaml").write_text(yaml.safe_dump(STUDY), encoding="utf-8")

    project.run("study.yaml", "--evidence=out", "--flow-output=kept", *arguments)

    folder = project.path / "out"
    index = index_of(folder)
    (run,) = index["runs"]
    verdict = json.loads((folder / run["folder"] / "verdict.json").read_text(encoding="utf-8"))
    kept = (project.path / "kept" / "latest").resolve()
    assert (index["complete"], run["directory"], run["verified"], violations(verdict, "verdict"), verdict["ok"]) == (
        True,
        str(kept),
        True,
        [],
        True,
    )
    assert (folder / run["folder"] / "summary.json").read_bytes() == (kept / "summary.json").read_bytes()


def test_reports_for_machines_are_there_wherever_they_were_written(pytester):
    pytester.makepyfile("def test_it(): pass")

    pytester.runpytest_subprocess("--evidence=out", "--lane=x", "--lane-report=x.jsonl", "--junit-xml=out/junit.xml")

    kinds = {file["kind"]: file["path"] for file in index_of(pytester.path / "out")["files"]}
    assert (kinds["lane"], kinds["junit"]) == ("lane.jsonl", "junit.xml")
    assert (pytester.path / "out/lane.jsonl").read_bytes() == (pytester.path / "x.jsonl").read_bytes()


def test_the_commit_and_the_versions_are_there(pytester):
    pytester.makepyfile("def test_it(): pass")
    git = ["git", "-c", "user.name=tests", "-c", "user.email=tests@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "state"]):
        subprocess.run([*git, *words], check=True, cwd=pytester.path)
    pytester.makepyfile("def test_it(): 'changed'")

    pytester.runpytest_subprocess("--evidence=out")

    index = index_of(pytester.path / "out")
    assert (
        index["git"]["dirty"],
        len(index["git"]["commit"]),
        index["packages"]["pytest"],
        index["arguments"][-1],
    ) == (
        True,
        40,
        pytest.__version__,
        "--evidence=out",
    )


def test_the_readable_index_names_every_file(pytester):
    pytester.makepyfile("def test_it(): pass")

    pytester.runpytest_subprocess("--evidence=out", "-k", "it or that")

    folder = pytester.path / "out"
    text = (folder / "index.md").read_text(encoding="utf-8")
    rows = [f"| {file['path']} |" in text and file["sha256"] in text for file in index_of(folder)["files"]]
    assert (text.startswith("# Evidence: complete\n"), "-k 'it or that' |" in text, rows) == (True, True, [True, True])


CUT_SHORT = {
    "the first failure": (["-x"], "def test_a(): assert 0\ndef test_b(): pass", ["tests without an outcome: 1"]),
    "a file that is no Python": ([], "def", ["the session ended with exit status 2"]),
    "an internal error": (
        [],
        "def test_a(): pass\ndef test_b(broken_hook): pass",
        ["the session ended with exit status 3", "tests without an outcome: 1"],
    ),
    "collecting only": (["--collect-only"], "def test_a(): pass", ["tests without an outcome: 1"]),
    "no hardware": (["--require-hardware=slurm"], "def test_a(): pass", ["the session did not end in good order"]),
}


@pytest.mark.parametrize(("arguments", "tests", "reasons"), CUT_SHORT.values(), ids=CUT_SHORT)
def test_a_session_that_was_cut_short_says_so(pytester, monkeypatch, arguments, tests, reasons):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))  # no sbatch here
    pytester.makepyfile(test_it=tests)
    pytester.makeconftest(
        "def pytest_runtest_logfinish(nodeid):\n    if nodeid.endswith('test_a'): OPEN\n".replace(
            "OPEN", "raise RuntimeError" if "broken_hook" in tests else "pass"
        )
    )

    pytester.runpytest_subprocess("--evidence=out", *arguments)

    index = index_of(pytester.path / "out")
    assert (index["complete"], index.get("incomplete_because")) == (False, reasons)


@pytest.mark.parametrize(
    ("signum", "arguments"),
    [
        (signal.SIGINT, ALONE),
        (signal.SIGTERM, TWO),
        pytest.param(signal.SIGINT, TWO, marks=pytest.mark.whole),
        pytest.param(signal.SIGTERM, ALONE, marks=pytest.mark.whole),
    ],
)
def test_an_interrupted_session_leaves_whole_files_and_the_log_of_its_command(project, arguments, signum):
    project.write("hangs", limit=1000.0)
    session = project.start("--evidence=out", *arguments)
    project.await_command()

    session.send_signal(signum)
    project.output(session)

    folder = project.path / "out"
    index = index_of(folder)
    (log,) = (folder / "logs").iterdir()
    assert (index["complete"], log.read_text(encoding="utf-8")) == (False, "the command's own words\n")
    assert sorted(json.loads((folder / "collected.json").read_text(encoding="utf-8"))["collected"]) == EVERY_TEST
    assert "tests without an outcome: 4" in index["incomplete_because"]


def test_sigterm_ends_a_session_that_runs_no_command_in_good_order(pytester):
    pytester.makepyfile("import os, signal\ndef test_a(): os.kill(os.getpid(), signal.SIGTERM)\ndef test_b(): pass")

    result = pytester.runpytest_subprocess("--evidence=out")

    reasons = ["the session ended with exit status 143", "tests without an outcome: 2"]
    assert (result.ret, index_of(pytester.path / "out")["incomplete_because"]) == (143, reasons)


def test_a_killed_session_leaves_an_index_of_what_it_had_got_to(pytester):
    pytester.makepyfile("import os, signal\ndef test_a(): pass\ndef test_b(): os.kill(os.getpid(), signal.SIGKILL)")

    pytester.runpytest_subprocess("--evidence=out")

    folder = pytester.path / "out"
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    assert (index["complete"], index["tests"]["collected"], [file["path"] for file in index["files"]]) == (
        False,
        2,
        ["collected.json"],
    )
    assert sorted(path.name for path in folder.iterdir()) == [
        "collected.json",
        "index.json",
        "index.md",
        "outcomes.jsonl.partial",
    ]


def test_a_worker_that_dies_is_an_outcome(pytester):
    pytester.makepyfile("import os\ndef test_dies(): os._exit(1)\ndef test_lives(): pass")

    pytester.runpytest_subprocess("--evidence=out", "-n1")

    index = index_of(pytester.path / "out")
    assert (index["complete"], index["tests"]["outcomes"]) == (True, {"crashed": 1, "passed": 1})


def test_an_earlier_sessions_evidence_is_replaced_as_a_whole(project):
    project.write("ok", tests=FOUR_TESTS)
    project.run("--evidence=out")
    (project.path / "test_project.py").write_text("def test_other(): pass\n", encoding="utf-8")

    project.run("--evidence=out")

    folder = project.path / "out"
    assert [file["path"] for file in index_of(folder)["files"]] == ["collected.json", "outcomes.jsonl"]
    assert [line["nodeid"] for line in outcomes_in(folder)] == ["test_project.py::test_other"]


FOREIGN = {
    "a file": ({"out": "text"}, "is a file; name a new directory"),
    "somebody's directory": ({"out/notes.txt": "text"}, "is not empty, and holds no evidence of an earlier session"),
    "another index": ({"out/index.json": "{}"}, "is not empty, and holds no evidence of an earlier session"),
}


@pytest.mark.parametrize(("files", "complaint"), FOREIGN.values(), ids=FOREIGN)
def test_what_belongs_to_somebody_else_is_refused_before_anything_runs_and_left_alone(pytester, files, complaint):
    pytester.makepyfile("def test_it(): open('ran', 'w')")
    for name, text in files.items():
        (pytester.path / name).parent.mkdir(exist_ok=True)
        (pytester.path / name).write_text(text, encoding="utf-8")

    result = pytester.runpytest_subprocess("--evidence=out")

    left = {name: (pytester.path / name).read_text(encoding="utf-8") for name in files}
    assert (result.ret, (pytester.path / "ran").exists(), left) == (pytest.ExitCode.USAGE_ERROR, False, files)
    result.stderr.fnmatch_lines([f"*{complaint}*"])


def test_a_file_beside_an_earlier_sessions_evidence_is_refused_by_name(pytester):
    pytester.makepyfile("def test_it(): pass")
    pytester.runpytest_subprocess("--evidence=out")
    (pytester.path / "out/notes.txt").write_text("mine", encoding="utf-8")

    result = pytester.runpytest_subprocess("--evidence=out")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*holds other things than an earlier session's evidence: notes.txt"])


def test_a_second_session_cannot_write_into_the_same_folder(pytester):
    inner = [sys.executable, "-m", "pytest", "test_inner.py", "--evidence=out"]
    pytester.makepyfile(
        test_outer=f"import subprocess\ndef test_it(): assert subprocess.run({inner!r}).returncode == 4",
        test_inner="def test_it(): pass",
    )

    pytester.runpytest_subprocess("test_outer.py", "--evidence=out")

    assert [line["outcome"] for line in outcomes_in(pytester.path / "out")] == ["passed"]


def test_asking_for_help_takes_no_folder(pytester):
    pytester.runpytest_subprocess("--help", "--evidence=out")

    assert not (pytester.path / "out").exists()
