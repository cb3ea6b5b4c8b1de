"""The table of lies: each is told of a real run as consistently as can be, and caught by what the table says."""

from __future__ import annotations

import json
import shutil

import pytest

from extractor_flow.binding.subjects import root_in
from extractor_flow.binding.witness import Witness
from extractor_flow.cli import main
from extractor_flow.layout import STARTS
from extractor_flow.readers.paths import ConfinedDirectory
from extractor_flow.verify import Conclusion, verify
from support import ROOT
from support.lies.about_models import STUDY
from support.lies.about_runs import MODELS
from support.lies.kinds.doses import DOSE
from support.lies.kinds.kind import ASIDE, Seen
from support.lies.kinds.policies import POLICIES
from support.lies.kinds.records import RESUMED
from support.lies.kinds.requests import LINES
from support.lies.kinds.table import SUBJECTS, as_markdown
from support.lies.tampering import Tampering
from support.published import DOSES, lines, publish_run

QUICK = (Seen.LIGHT, Seen.OPEN)
ROWS = [
    pytest.param(subject.study, kind, marks=marks, id=f"{subject.name}: {kind.title}")
    for subject in SUBJECTS
    for kind in subject.kinds
    for marks in [() if kind.seen in QUICK or subject.study in (LINES, RESUMED) else (pytest.mark.whole,)]
]
MEASURED = [row for row in ROWS if row.values[1].seen in (Seen.DEEP, Seen.REPLAY)]


@pytest.fixture(scope="module")
def resumed(tmp_path_factory):
    """A run of which one job ended at its time limit, and succeeded when the run was resumed."""
    folder = tmp_path_factory.mktemp("resumed")
    late = {"name": "late", "fault": "wait", "until": str(folder / "go")}
    path = publish_run(folder, lines(late, {"name": "one"}, time_limit_seconds=3))
    (folder / "go").touch()
    main(["run", "--executor", "serial", "--resume", str(path)])
    return path


@pytest.fixture
def told(request, shared_run, tmp_path):
    """Tells a lie of a copy of a run; the copy, and the root that the run had."""

    def tell(study, kind):
        studies = {LINES: (lines(*MODELS),), POLICIES: (STUDY,), DOSE: (DOSES,)}
        path = request.getfixturevalue(RESUMED) if study == RESUMED else shared_run(*studies[study])
        shutil.copyfile(path.parent / STARTS, tmp_path / ASIDE)
        run = Tampering(shutil.copytree(path, tmp_path / path.name))
        kind.change(run)
        if kind.published:
            run.republish()
        return run.path, Witness("a lab book", frozenset({root_in(ConfinedDirectory(path))}))

    return tell


def checks(verdict):
    return {violation.check for violation in verdict.violations}


@pytest.mark.parametrize(("study", "kind"), ROWS)
def test_a_lie_is_caught_by_what_the_table_says_and_by_nothing_cheaper(told, study, kind):
    path, witness = told(study, kind)
    light = verify(path, archived=True)

    if kind.seen is Seen.LIGHT:
        assert kind.check in checks(light), light
    else:
        verified = kind.seen is not Seen.OPEN
        assert (light.violations, light.conclusion is Conclusion.VERIFIED) == ((), verified), light
    if kind.seen in (Seen.DEEP, Seen.REPLAY, Seen.WITNESS, Seen.NOTHING):
        known = {"witness"} if kind.seen is not Seen.NOTHING else set()
        assert checks(verify(path, archived=True, witness=witness)) == known


@pytest.mark.whole
@pytest.mark.parametrize(("study", "kind"), MEASURED)
def test_measuring_again_catches_what_the_table_says(told, workbench, study, kind):
    path, _ = told(study, kind)
    deep = verify(path, deep=True)

    if kind.seen is Seen.DEEP:
        assert kind.check in checks(deep), deep
    else:
        again = json.loads(workbench.call("verify", path, "--replay", "random:9", "--format", "json").out)
        assert (deep.violations, [each["kind"] for each in again["violations"]] != []) == ((), True), again


def test_the_documented_table_is_the_one_that_is_tested():
    document = (ROOT / "docs" / "lies.md").read_text(encoding="utf-8")

    assert document.endswith(as_markdown()), "run: python scripts/write_lie_table.py"


def test_there_are_a_hundred_kinds_each_with_a_name_of_its_own():
    titles = [row.id for row in ROWS]

    assert (len(titles) >= 100, sorted(set(titles))) == (True, sorted(titles))
