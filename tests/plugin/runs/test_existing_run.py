"""``--flow-run DIR``: a run that is there already is judged by its files, and nothing is trained."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from extractor_flow.run.archive import archive
from support.plugin.flow_project import publish

JUDGED = """
def test_directory(flow_run):
    assert flow_run.name == "run"

def test_verdict(flow_verdict):
    assert flow_verdict.violations == ()

@pytest.mark.flow("study.yaml")
def test_config(flow_records):
    assert [record.status for record in flow_records] == ["success"]

@pytest.mark.flow("another.yaml")
def test_another_config(flow_run): pass

@pytest.mark.spawn
def test_spawn(flow_run): pass
"""


@pytest.fixture(scope="module")
def genuine(tmp_path_factory):
    """A run of study.yaml, made on the command line."""
    config = tmp_path_factory.mktemp("genuine") / "study.yaml"
    config.write_text("flow: line_fit\nrun: {steps: 5}\nmodels: [{name: line}]\n", encoding="utf-8")
    return publish(config)


@pytest.fixture
def judged(flow_project, genuine):
    """A project with a copy of the genuine run in ``run``, its config, and another config."""
    shutil.copytree(genuine, flow_project.path / "run")
    flow_project.config()
    flow_project.config("another.yaml", steps=6)
    flow_project.tests(JUDGED)
    return flow_project


def test_it_stands_for_its_own_config_and_for_no_other(judged):
    result = judged.run("--flow-run=run", "-rs")

    assert (result.parseoutcomes(), judged.kept()) == ({"passed": 3, "skipped": 2}, [])
    result.stdout.fnmatch_lines(
        [
            "SKIPPED * test_project.py:*is not this test's run: it was made from other settings than *another.yaml",
            "SKIPPED * test_project.py:*is not this test's run: it was not started with --start-method spawn",
        ]
    )


def test_it_is_not_changed_and_no_deep_learning_package_is_needed(judged):
    judged.pytester.makeconftest(
        "import sys\n"
        "def pytest_sessionfinish(session):\n"
        "    assert not {'torch', 'stable_baselines3', 'gymnasium'} & set(sys.modules)\n"
    )

    def state():
        return {path: path.stat().st_mtime_ns for path in (judged.path / "run").rglob("*")}

    before = state()
    result = judged.run("--flow-run=run", "study.yaml", "test_project.py")

    assert (result.parseoutcomes(), result.ret, state()) == ({"passed": 8, "skipped": 2}, pytest.ExitCode.OK, before)


def tamper(name, change):
    def do(run):
        path = run / name
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")

    return do


def with_manifest(text):
    data = json.loads(text)
    data["jobs"][0]["training_steps"] += 1
    return json.dumps(data)


TAMPERED = (
    tamper("summary.json", lambda text: text.replace('"run_id"', '"ran_id"')),
    tamper("summary.md", lambda text: text.replace("# Line Fit Summary", "# Line Fat Summary")),
    tamper("training_manifest.json", with_manifest),
    tamper("models/line/weights.json", lambda text: text.replace("0x1", "0x2")),
)


def test_what_was_tampered_with_fails_the_layer_that_noticed_and_the_verdict(judged):
    for change in TAMPERED:
        change(judged.path / "run")

    result = judged.run("--flow-run=run", "study.yaml", "test_project.py::test_verdict", "-rf")

    failed = [line.split()[1] for line in result.outlines if line.startswith("FAILED")]
    layers = [f"study.yaml::{layer}" for layer in ("schema", "markdown", "consistency", "evidence")]
    assert failed == [*layers, "test_project.py::test_verdict"]
    result.stdout.fnmatch_lines(
        ["markdown: 1 violation: summary.md: *", "evidence: 5 violations: models/line/weights.json: has the SHA-256 *"]
    )


def test_what_could_not_be_judged_is_skipped_and_not_passed(judged):
    with (judged.path / "run" / "records.jsonl").open("a", encoding="utf-8") as journal:
        journal.write("{")

    result = judged.run("--flow-run=run", "study.yaml", "-rs")

    result.stdout.fnmatch_lines(["SKIPPED * study.yaml:1: not checked: *: records.jsonl cannot be read to its end"])
    assert result.parseoutcomes()["skipped"] == 2  # the evidence has a violation: the journal is not as it was bound


@pytest.mark.parametrize("name", ["summary.json", "training_manifest.json"])
def test_a_layer_does_not_pass_without_a_document_of_which_it_speaks(judged, name):
    (judged.path / "run" / name).write_text("{", encoding="utf-8")

    result = judged.run(
        "--flow-run=run", "study.yaml::schema", "study.yaml::markdown", "study.yaml::consistency", "-rs"
    )

    assert result.parseoutcomes() == {"failed": 1, "skipped": 1, "passed": 1}
    result.stdout.fnmatch_lines([f"SKIPPED * study.yaml:1: not checked: {name}: it cannot be used"])


CORRUPT = {
    "no JSON": lambda text: text[:100],
    "a key is missing": lambda text: text.replace('"run_id"', '"ran_id"'),
    "another digest": lambda text: re.sub(r'("config_sha256": ")[0-9a-f]{8}', r"\g<1>00000000", text),
    "another config": lambda text: text.replace('"steps": 5', '"steps": 6'),
}


@pytest.mark.parametrize("change", CORRUPT.values(), ids=CORRUPT)
def test_a_run_that_does_not_say_what_it_is_a_run_of_fails_its_tests(judged, change):
    tamper("run.json", change)(judged.path / "run")

    result = judged.run("--flow-run=run", "study.yaml", "test_project.py::test_config")

    assert (result.ret, result.parseoutcomes()) == (1, {"errors": 6})
    result.stdout.fnmatch_lines(["--flow-run */run: */run/run.json*see `extractor-flow verify */run`"])


@pytest.mark.parametrize("arguments", [(), ("-n2",)], ids=["alone", "two workers"])
def test_a_session_whose_tests_are_all_about_other_runs_has_judged_nothing_and_fails(judged, arguments):
    result = judged.run("--flow-run=run", "another.yaml", "test_project.py::test_another_config", *arguments)

    assert (result.ret, result.parseoutcomes()) == (1, {"skipped": 6})
    result.stdout.fnmatch_lines(["*judged by no test*", "--flow-run */run: every test that asked for a run is about*"])


def test_a_file_that_cannot_be_read_fails_its_tests_without_a_traceback(judged):
    (judged.path / "run" / "summary.json").write_text("{", encoding="utf-8")
    judged.tests("def test_it(flow_summary): pass\n")

    result = judged.run("--flow-run=run")

    assert (result.parseoutcomes(), "Traceback" in result.stdout.str()) == ({"errors": 1}, False)
    result.stdout.fnmatch_lines(["*summary.json:1: not JSON:*"])


def test_a_config_to_train_and_a_run_to_judge_exclude_each_other(judged):
    result = judged.run("--flow-run=run", "--flow-config=study.yaml")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--flow-config and --flow-run: *give one"])


@pytest.mark.parametrize(
    ("options", "outcomes"),
    [([], {"passed": 2, "failed": 1, "skipped": 2}), (["--flow-archived"], {"passed": 3, "skipped": 2})],
    ids=["strict", "archived"],
)
def test_a_slim_copy_passes_only_where_that_is_allowed(judged, genuine, options, outcomes):
    shutil.rmtree(judged.path / "run")
    archive(genuine, judged.path / "run", largest=0)

    assert judged.run("--flow-run=run", *options).parseoutcomes() == outcomes


def test_archived_without_a_run_to_judge_is_a_usage_error(judged):
    result = judged.run("--flow-archived")

    result.stderr.fnmatch_lines(["ERROR: --flow-archived: says that --flow-run DIR is a slim copy; give that as well"])
