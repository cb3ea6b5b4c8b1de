"""Every published file is made again from run.json and the journal, and compared byte for byte."""

from __future__ import annotations

import pytest

from extractor_flow.evidence.findings import Why
from extractor_flow.files import read_json, write_json
from extractor_flow.verify import verify
from extractor_flow.verify.verdict import Conclusion
from support.files.malice import whole_picture

CHECKS = {"json-made-again", "markdown-made-again", "report-made-again"}


def found(run):
    """What the checks find in *run*, which was bound again after the change."""
    run.rebind()
    return [(each.file, each.path) for each in verify(run.path).violations if each.check in CHECKS]


def of_another_version(run):
    """All files tell of another version of this package, and are otherwise as they were."""
    name = "pytest-extractor-flow"
    version = read_json(run.path / "run.json")["packages"][name]
    for file in ("run.json", "summary.json"):
        run.replace(file, f'"{name}": "{version}"', f'"{name}": "0.1.9"')
    for file in ("summary.md", "report.html"):
        run.replace(file, f"{name} {version}", f"{name} 0.1.9")


@pytest.mark.parametrize(
    ("name", "old", "new", "place"),
    [
        ("summary.json", '"training_steps": 5', '"training_steps": 6', "$.model_results[0].training_steps"),
        ("summary.json", '"schema_version"', '"notes": ["x"], "schema_version"', "$.notes"),
        ("summary.json", '  "run_id"', '   "run_id"', "line "),
        ("training_manifest.json", '"dry_run": false', '"dry_run": true', "$.dry_run"),
        ("skip_summary.json", '"skipped_count": 0', '"skipped_count": 1', "$.skipped_count"),
        ("complete_results.json", '"total_timesteps": 5', '"total_timesteps": 6', "$.results"),
        ("summary.md", "success", "Success", "line "),
        ("summary.md", "| a ", "| **a** ", "line "),
        ("summary.csv", ",success,", ",failed,", "line "),
        ("report.html", "</body>", "<script>alert(1)</script></body>", "line "),
        ("report.html", "</style>", "body{background:url(//x.org)}</style>", "line "),
        ("report.html", "success", "succeeded", "line "),
    ],
)
def test_the_first_place_that_differs_is_named(run, name, old, new, place):
    run.replace(name, old, new)

    ((file, path),) = found(run)

    assert (file, path.startswith(place)) == (name, True)


def test_a_number_that_differs_in_its_last_bit_differs(run):
    summary = read_json(run.path / "summary.json")
    aggregates = summary["aggregate_metrics"]
    name = next(key for key, value in aggregates.items() if isinstance(value, float))
    aggregates[name] *= 1 + 2**-52
    write_json(run.path / "summary.json", summary)

    assert found(run) == [("summary.json", f"$.aggregate_metrics.{name}")]


def test_a_file_that_is_missing_or_much_too_long_is_named(run):
    (run.path / "summary.md").unlink()
    with (run.path / "report.html").open("a", encoding="utf-8") as page:
        page.write(" " * 2_000_000)
    run.rebind()

    kinds = {(each.file, each.kind) for each in verify(run.path).violations if each.check in CHECKS}
    assert kinds == {("summary.md", "missing"), ("report.html", "too-large")}


def test_another_version_that_writes_the_same_is_verified_as_this_one_is(run):
    of_another_version(run)

    assert found(run) == []


def test_what_another_version_wrote_otherwise_is_compared_by_what_it_says_or_unchecked(run):
    of_another_version(run)
    run.replace("summary.json", '  "run_id"', '   "run_id"')
    run.replace("summary.md", "- Run ID: ", "-   Run ID: ")
    run.replace("report.html", "</body>", "<hr></body>")

    assert found(run) == []
    verdict = verify(run.path)
    assert ("report.html", Why.OTHER_VERSION) in {(each.what, each.code) for each in verdict.unchecked}
    assert verdict.conclusion is Conclusion.INCONCLUSIVE


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("summary.json", '"schema_version"', '"notes": ["x"], "schema_version"'),
        ("summary.md", "| success |", "| skipped |"),
    ],
)
def test_another_version_may_not_say_something_else(run, name, old, new):
    of_another_version(run)
    run.replace(name, old, new)

    assert {file for file, _ in found(run)} == {name}


def test_a_figure_that_the_flow_does_not_draw_is_found_by_deep(run):
    pytest.importorskip("matplotlib")
    (run.path / "figures").mkdir()
    (run.path / "figures" / "a.png").write_bytes(whole_picture())
    run.republish()

    light, deep = verify(run.path), verify(run.path, deep=True)

    assert (light.violations, light.needs_deep) == ((), ("figures-made-again",))
    assert [(each.check, each.file) for each in deep.violations] == [("figures-made-again", "figures/a.png")]
