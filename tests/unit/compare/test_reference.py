"""A run is held to a reference: bit for bit where it can be, else by a margin, and red where the seeds cannot tell."""

from __future__ import annotations

import json
import shutil

import pytest

from extractor_flow.compare.reading import read_run
from extractor_flow.compare.reference import judge
from extractor_flow.config import read_config
from extractor_flow.errors import ConfigError, RequestError
from extractor_flow.layout import RUN
from support.published import lines, publish_run

LINE = {"name": "line"}
SEEDS = list(range(8))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Runs by what is said of their training."""
    configs = {
        "reference": lines(LINE, seeds=SEEDS, steps=40),
        "other seeds": lines(LINE, seeds=[seed + 100 for seed in SEEDS], steps=40),
        "too short": lines(LINE, seeds=SEEDS, steps=2),
        "two seeds": lines(LINE, seeds=SEEDS[:2], steps=40),
        "renamed": lines({"name": "curve"}, seeds=SEEDS, steps=40),
    }
    return {name: publish_run(tmp_path_factory.mktemp("run"), config) for name, config in configs.items()}


def words(run, reference, **criterion):
    return [str(each.word) for each in judge(read_run(run), read_run(reference), criterion or None)]


def elsewhere(run, folder, **changes):
    """A copy of *run* that says that it is of another processor."""
    copy = shutil.copytree(run, folder / "elsewhere")
    request = json.loads((copy / RUN).read_text(encoding="utf-8"))
    (copy / RUN).write_text(json.dumps({**request, "processor": "another", **changes}), encoding="utf-8")
    return copy


def test_with_the_same_processor_and_versions_every_job_has_to_be_equal(trained):
    assert words(trained["reference"], trained["reference"]) == ["equal"] * len(SEEDS)


def test_a_job_that_is_not_equal_is_named_with_what_differs(trained, tmp_path):
    copy = shutil.copytree(trained["reference"], tmp_path / "changed")
    journal = (copy / "records.jsonl").read_text(encoding="utf-8").splitlines()
    record = json.loads(journal[-1])
    record["metrics"]["best_score"] += 1e-9
    (copy / "records.jsonl").write_text("\n".join([*journal[:-1], json.dumps(record), ""]), encoding="utf-8")

    last = judge(read_run(trained["reference"]), read_run(copy), None)[-1]

    assert (last.word, last.why) == ("differs", "with the same processor and versions, other best_score")


def test_made_elsewhere_it_may_differ_within_the_margin(trained, tmp_path):
    assert words(trained["reference"], elsewhere(trained["reference"], tmp_path), margin=0.01) == ["within the margin"]


def test_another_commit_excuses_nothing(trained, tmp_path):
    processor = read_run(trained["reference"]).request.get("processor")
    commit = {"git": {"commit": "0" * 40, "dirty": True}}
    copy = elsewhere(trained["reference"], tmp_path, processor=processor, **commit)

    assert words(trained["reference"], copy) == ["equal"] * len(SEEDS)


@pytest.mark.parametrize(
    ("run", "margin", "word"),
    [
        ("other seeds", 1.0, "within the margin"),
        ("other seeds", 0.0, "undecided"),
        ("too short", 0.0001, "worse"),
        ("two seeds", 1.0, "undecided"),
        ("renamed", 1.0, "missing"),
    ],
)
def test_other_seeds_and_other_settings_are_held_to_the_margin(trained, run, margin, word):
    assert words(trained[run], trained["reference"], margin=margin) == [word]


def test_where_smaller_is_better_worse_is_larger(trained):
    assert words(trained["too short"], trained["reference"], margin=0.0, metric="final_loss") == ["worse"]
    assert words(trained["reference"], trained["too short"], margin=0.0, metric="final_loss") == ["within the margin"]


@pytest.mark.parametrize(
    ("criterion", "message"),
    [({}, "state in the config how far"), ({"margin": 1, "metric": "x"}, "jobs of line_fit have")],
)
def test_a_criterion_that_is_missing_or_wrong_is_said(trained, criterion, message):
    with pytest.raises(RequestError, match=message):
        words(trained["too short"], trained["reference"], **criterion)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("reference: {}", r"study.yaml:1: reference.margin: the key 'margin' is missing"),
        ("reference: {margin: -1}", r"study.yaml:1: reference.margin: is -1; expected at least 0"),
        ("reference: {margin: 1, metrics: x}", r"unknown key 'metrics'; did you mean 'metric'\?"),
    ],
)
def test_a_wrong_section_is_an_error_with_its_line(tmp_path, section, message):
    (tmp_path / "study.yaml").write_text(section, encoding="utf-8")

    with pytest.raises(ConfigError, match=message):
        read_config(tmp_path / "study.yaml")


def test_the_section_is_no_setting_of_the_study(tmp_path):
    (tmp_path / "study.yaml").write_text("flow: x\nreference: {margin: 0.5}", encoding="utf-8")
    document = read_config(tmp_path / "study.yaml")

    assert (document.data, document.reference) == ({"flow": "x"}, {"margin": 0.5})
