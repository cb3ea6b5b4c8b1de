"""A config file is a test file: what it collects, without training, and what its items say."""

from __future__ import annotations

import json

import pytest

from support import ROOT
from support.plugin.flow_project import MIXED, PATIENCE, publish

LAYERS = ["schema", "markdown", "consistency", "evidence"]


@pytest.mark.parametrize("workers", ["-n2", pytest.param("-n0", marks=pytest.mark.whole)])
def test_its_items_are_the_layers_and_the_jobs_of_the_one_run_that_tests_share(flow_project, workers):
    flow_project.config("study.yaml", *MIXED)
    flow_project.tests("@pytest.mark.flow('study.yaml', allow_failures=True)\ndef test_it(flow_run): pass\n")

    result = flow_project.run("study.yaml", "test_project.py", "-rA", workers)

    told = {line.split(" - ")[0] for line in result.outlines if line.startswith(("PASSED", "FAILED", "SKIPPED"))}
    reason = "gone requires telescope: no machine is known to have it; "
    assert told == {
        *(f"PASSED study.yaml::{layer}" for layer in LAYERS),
        "PASSED study.yaml::job::line seed 0",
        "PASSED test_project.py::test_it[study]",
        "FAILED study.yaml::job::bad seed 0",
        f"SKIPPED [1] study.yaml:1: {reason}run it where that is",
    }
    assert len(flow_project.kept()) == 1


EDITOR = """
import json

def pytest_collection_finish(session):
    seen = {item.nodeid: leaf(item) for item in session.items}
    assert len(seen) == len(session.items)
    with open("tree.json", "w") as stream:
        json.dump(seen, stream)

def leaf(item):
    if not hasattr(item, "callspec"):
        assert "[" not in item.name
        return [item.path.name, item.name]
    function, shown = item.name.split("[", 1)
    assert item.originalname == function and item.nodeid.rsplit(".py", 1)[1]
    return [item.path.name, function, "[" + shown, *map(repr, item.callspec.params.values())]
"""


def test_editors_and_reports_can_split_every_name(flow_project):
    """An editor cuts a parametrized test's name at its first bracket, and a report any name; both must have one."""
    flow_project.config("deep/study.yaml", {"name": "a[1]::b"})
    flow_project.config("other.yaml")
    flow_project.tests(
        "@pytest.mark.flow('deep/study.yaml')\nclass TestIt:\n    def test_one(self, flow_run): pass\n"
        "@pytest.mark.flow('deep/study.yaml', 'other.yaml')\n@pytest.mark.parametrize('n', [1])\n"
        "def test_two(flow_run, n): pass\n"
        "@pytest.mark.spawn\ndef test_spawned(flow_run): pass\n"
    )
    flow_project.pytester.makeconftest(EDITOR)

    result = flow_project.run("--collect-only", "deep/study.yaml", "test_project.py")

    tree = json.loads((flow_project.path / "tree.json").read_text(encoding="utf-8"))
    assert (result.ret, tree) == (
        pytest.ExitCode.OK,
        {
            **{f"deep/study.yaml::{layer}": ["study.yaml", layer] for layer in LAYERS},
            "deep/study.yaml::job::a%5B1%5D%3A%3Ab seed 0": ["study.yaml", "a%5B1%5D%3A%3Ab seed 0"],
            "test_project.py::TestIt::test_one[study]": ["test_project.py", "test_one", "[study]", "deep/study.yaml"],
            "test_project.py::test_two[study-1]": ["test_project.py", "test_two", "[study-1]", "deep/study.yaml", "1"],
            "test_project.py::test_two[other-1]": ["test_project.py", "test_two", "[other-1]", "other.yaml", "1"],
            "test_project.py::test_spawned[spawn]": ["test_project.py", "test_spawned", "[spawn]", "spawn"],
        },
    )


def test_a_plan_of_the_set_up_trains_nothing(flow_project):
    flow_project.config()

    result = flow_project.run("study.yaml", "--setup-plan")

    assert (result.ret, flow_project.kept()) == (pytest.ExitCode.OK, [])


def test_a_failed_job_says_why_with_the_end_of_its_log_and_nothing_of_the_plugin(flow_project):
    run = publish(flow_project.config("study.yaml", *MIXED))

    result = flow_project.run(f"--flow-run={run}", "study.yaml::job::bad seed 0")

    result.stdout.fnmatch_lines(
        [
            "*study.yaml: bad seed 0*",
            "bad seed 0: RuntimeError: this model was asked to raise",
            "--- the end of its log ---",
            "RuntimeError: this model was asked to raise",
        ]
    )
    assert (result.parseoutcomes(), "pytest_extractor_flow" in result.stdout.str()) == ({"failed": 1}, False)


def test_collecting_trains_nothing_and_imports_no_deep_learning_package(pytester):
    config = ROOT / "configs" / "scenarios" / "multi_extractor_default.yaml"
    (pytester.path / "default.yaml").write_text(config.read_text(encoding="utf-8"), encoding="utf-8")
    pytester.makeconftest(
        "import sys\n"
        "def pytest_sessionfinish(session):\n"
        "    assert not {'torch', 'stable_baselines3', 'gymnasium'} & set(sys.modules)\n"
    )

    result = pytester.runpytest_subprocess("--collect-only", "-q", "default.yaml", timeout=PATIENCE)

    names = ("dynamics_no_conv", "mlp_small", "mlp_large", "attention_small")
    assert result.ret == pytest.ExitCode.OK
    assert result.outlines[:8] == [
        *(f"default.yaml::{layer}" for layer in LAYERS),
        *(f"default.yaml::job::{name} seed 42" for name in names),
    ]


WRONG = {
    "flow.yaml": "flow: nobodys\n",
    "keys.yaml": "flow: line_fit\nrun: {stepz: 5}\nmodels: []\n",
    "other.yaml": "services: {}\n",
    "syntax.yml": "flow: [\n",
}


def test_a_wrong_config_is_an_error_of_collection_with_line_and_key(pytester):
    for name, text in WRONG.items():
        (pytester.path / name).write_text(text, encoding="utf-8")

    result = pytester.runpytest_subprocess(*WRONG)

    assert (result.parseoutcomes(), "Traceback" in result.stdout.str()) == ({"errors": 4}, False)
    result.stdout.fnmatch_lines(
        [
            "flow.yaml:1: flow: no flow is installed under the name 'nobodys'*",
            "keys.yaml:2: run.stepz: unknown key 'stepz'*",
            "keys.yaml:3: models: has 0 items*",
            "other.yaml:1: services: unknown key 'services'*",
            "syntax.yml:2: *",
        ]
    )


def test_yaml_that_nobody_named_is_not_touched(flow_project):
    flow_project.config()
    (flow_project.path / "docker-compose.yaml").write_text("services: {}\n", encoding="utf-8")
    (flow_project.path / "broken.yml").write_text("[", encoding="utf-8")
    flow_project.tests("def test_it(): pass\n")

    result = flow_project.run(".")

    assert (result.parseoutcomes(), flow_project.kept()) == ({"passed": 1}, [])


def test_configs_are_found_by_an_ini_key(flow_project):
    for name in ("a.yaml", "deep/b.yml", "c.yaml"):
        flow_project.config(name)
    flow_project.pytester.makeini("[pytest]\nflow_files = a.yaml deep/*.yml")

    result = flow_project.run("--collect-only", "-qq")

    assert result.outlines[:3] == ["a.yaml: 5", "deep/b.yml: 5", ""]


def test_a_config_named_beside_the_directory_that_holds_it_is_collected(flow_project):
    flow_project.config()

    result = flow_project.run("--collect-only", "-qq", ".", "study.yaml")

    assert result.outlines[:2] == ["study.yaml: 5", ""]


def test_a_file_that_another_plugin_collects_is_left_to_it(flow_project):
    flow_project.config()
    flow_project.pytester.makeconftest(
        "import pytest\n"
        "class Other(pytest.File):\n"
        "    def collect(self):\n        return []\n"
        "def pytest_collect_file(file_path, parent):\n"
        "    return Other.from_parent(parent, path=file_path) if file_path.suffix == '.yaml' else None\n"
    )

    result = flow_project.run("study.yaml", "--collect-only")

    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.mark.usefixtures("without_slurm")
def test_a_job_that_needs_a_capability_carries_its_marker_and_is_skipped_with_the_runs_own_word(flow_project):
    flow_project.config("study.yaml", {"name": "line"}, {"name": "large", "requires": ["slurm"]})
    report = flow_project.path / "lane.jsonl"

    result = flow_project.run("study.yaml", "-m", "slurm or flow", "--lane=here", f"--lane-report={report}", "-rs")

    lines = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]
    job = next(line for line in lines if line.get("nodeid") == "study.yaml::job::large seed 0" and "markers" in line)
    assert (result.parseoutcomes(), set(job["markers"])) == ({"passed": 5, "skipped": 1}, {"flow", "slurm"})
    result.stdout.fnmatch_lines(["SKIPPED * large requires slurm: *"])


HOOK = """
from extractor_flow.evidence.findings import Violation

def pytest_extractor_flow_violations(run_directory, summary):
    if summary["run_id"] == "short":
        yield Violation("summary.json", "$.run_id", "is a long name", f"{run_directory.name}", "house-rule")
"""


def test_a_projects_own_violations_join_the_verdict_and_get_an_item(flow_project):
    run = publish(flow_project.config("short.yaml", run_id="short"))
    flow_project.tests(
        "@pytest.mark.flow('short.yaml')\n"
        "def test_it(flow_verdict):\n"
        "    assert [each.kind for each in flow_verdict.violations] == ['house-rule']\n"
    )
    flow_project.pytester.makeconftest(HOOK)

    result = flow_project.run(f"--flow-run={run}", "short.yaml", "test_project.py", "-rf")

    failed = [line.split()[1] for line in result.outlines if line.startswith("FAILED")]
    assert (failed, result.parseoutcomes()) == (["short.yaml::project"], {"passed": 6, "failed": 1})
    result.stdout.fnmatch_lines(["  $.run_id: claimed: is a long name; found: *-short [[]house-rule[]]"])


ODD_HOOKS = {
    "a violation": (
        'return Violation("summary.json", "$.run_id", "is a long name", "short", "house-rule")',
        "project: 1 violation: summary.json: $.run_id: is a long name",
    ),
    "another value": ("return 'bad'", "*pytest_extractor_flow_violations gave 'b'; expected a Violation*"),
    "an error": ("raise LookupError('house')", "LookupError: house"),
}


@pytest.mark.parametrize(("answer", "told"), ODD_HOOKS.values(), ids=ODD_HOOKS)
def test_what_a_hook_gives_or_raises_concerns_the_projects_item_alone(flow_project, answer, told):
    run = publish(flow_project.config())
    flow_project.pytester.makeconftest(
        "from extractor_flow.evidence.findings import Violation\n"
        f"def pytest_extractor_flow_violations():\n    {answer}\n"
    )

    result = flow_project.run(f"--flow-run={run}", "study.yaml", "-rf")

    failed = [line.split()[1] for line in result.outlines if line.startswith("FAILED")]
    assert (failed, result.parseoutcomes()) == (["study.yaml::project"], {"passed": 5, "failed": 1})
    result.stdout.fnmatch_lines([f"*{told}*"])


def test_a_failed_job_is_remembered_by_pytests_cache(flow_project):
    run = publish(flow_project.config("study.yaml", {"name": "bad", "fault": "raise"}, {"name": "line"}))
    about = (f"--flow-run={run}", "study.yaml")
    flow_project.run(*about, "--sw")

    results = [flow_project.run(*about, option, "-v") for option in ("--lf", "--ff", "--sw")]

    first = [next(line for line in result.outlines if line.startswith("study.yaml::")) for result in results]
    assert [line.rpartition(" ")[0].rstrip().startswith("study.yaml::job::bad seed 0 FAILED") for line in first] == [
        True
    ] * 3
