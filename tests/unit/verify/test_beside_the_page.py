"""What lies beside the page is held to the journal, as the page is."""

import shutil

import pytest

from extractor_flow import layout
from extractor_flow.verify import verify
from support.published import lines
from unit.verify.test_corruption import MODELS

OF_BAD = f"models/bad/seed-1/{layout.FAILURE_PAGE}"
OF_A = f"models/a/seed-1/{layout.FAILURE_PAGE}"
CHART = f"{layout.CHARTS}/ranking_best_score.svg"
OTHER = f"{layout.CHARTS}/other.svg"


@pytest.mark.parametrize(
    ("path", "change"),
    [
        (OF_BAD, lambda file: file.write_text(file.read_text(encoding="utf-8").replace("failed", "success"))),
        (OF_BAD, lambda file: file.unlink()),
        (OF_A, lambda file: file.write_text("a success that failed")),
        (CHART, lambda file: file.write_text(file.read_text(encoding="utf-8").replace("<circle", "<ellipse"))),
        (CHART, lambda file: file.unlink()),
        (OTHER, lambda file: file.write_text("<svg/>")),
    ],
    ids=["a page changed", "a page less", "a page more", "a chart changed", "a chart less", "a chart more"],
)
def test_a_page_or_a_chart_that_the_journal_does_not_make_is_found(shared_run, tmp_path, path, change):
    run = shutil.copytree(shared_run(lines(*MODELS, seeds=[1, 2])), tmp_path / "run")

    change(run / path)

    found = {(each.file, each.check) for each in verify(run).violations}
    assert (path, "report-made-again") in found
    assert {file for file, _ in found} <= {path, layout.SUBJECTS}


def test_publishing_again_removes_what_the_journal_does_not_make(workbench):
    workbench.call("run", workbench.config({"name": "a"}, {"name": "bad", "fault": "raise"}))
    run = workbench.latest().path
    (run / "models" / "a" / layout.FAILURE_PAGE).write_text("of an earlier attempt")
    (run / OTHER).write_text("<svg/>")
    page = (run / "models" / "bad" / layout.FAILURE_PAGE).read_bytes()

    answer = workbench.call("report", run)

    left = sorted(path.relative_to(run).as_posix() for path in run.rglob(f"*{layout.FAILURE_PAGE}"))
    assert (answer.code, left) == (0, [f"models/bad/{layout.FAILURE_PAGE}"])
    assert (run / left[0]).read_bytes() == page
    assert not (run / OTHER).exists()
    assert verify(run).violations == ()
