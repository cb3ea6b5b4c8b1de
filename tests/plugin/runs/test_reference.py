"""``--flow-reference``: a collected config gets an item that holds its run to an earlier one."""

from __future__ import annotations

import yaml

from support.plugin.flow_project import publish


def add_section(config, **criterion):
    data = yaml.safe_load(config.read_text(encoding="utf-8"))
    config.write_text(yaml.safe_dump({**data, "reference": criterion}, sort_keys=False), encoding="utf-8")


def test_a_run_that_is_equal_holds_and_one_that_is_worse_is_red(flow_project):
    seeds = [1, 2, 3, 4, 5]
    good = publish(flow_project.config("good.yaml", steps=40, seeds=seeds))
    flow_project.config("bad.yaml", steps=2, seeds=seeds)
    add_section(flow_project.path / "bad.yaml", margin=0.001)
    flow_project.pytester.makeini(f"[pytest]\nflow_reference = {good.relative_to(flow_project.path)}\n")

    flow_project.tests(
        f"@pytest.mark.flow('good.yaml', reference={str(good)!r})\n"
        "def test_it(flow_reference): assert {each.word for each in flow_reference} == {'equal'}\n"
        "@pytest.mark.flow('bad.yaml')\ndef test_bad(flow_reference): pass\n"
    )
    result = flow_project.run("good.yaml::reference", "bad.yaml::reference", "test_project.py")

    assert result.parseoutcomes() == {"passed": 2, "failed": 1, "errors": 1}
    result.stdout.fnmatch_lines(["reference: worse: line: worse: best_score is better by -*"])


def test_a_reference_that_is_none_is_refused_and_none_asked_for_gives_no_item(flow_project):
    flow_project.config()

    refused = flow_project.run("--flow-reference=nowhere", "study.yaml")
    without = flow_project.run("--collect-only", "-q", "study.yaml")

    refused.stderr.fnmatch_lines(["ERROR: --flow-reference nowhere: not a run directory: there is no such directory"])
    assert "study.yaml::reference" not in without.outlines
