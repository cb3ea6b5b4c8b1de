"""A careful liar's dose x overlap study: each lie is caught, and a violation names the file that is wrong."""

from __future__ import annotations

import json

import pytest

from extractor_flow.evidence.findings import Why
from extractor_flow.run.archive import archive
from extractor_flow.verify import verify
from support.lies.about_doses import ANOTHER_CELLS, DEEP_LIES, LIES
from support.lies.dose_tampering import (
    BUNDLE,
    CHECKPOINT,
    CURVES,
    STUDY,
    edited_tensors,
    from_nowhere,
    relabelled,
)
from support.lies.mutated_runs import one_for_each_check
from support.published import DOSES, publish_run

pytest.importorskip("skimage", reason="this run reconstructs, with the extra [dose]")
pytest.importorskip("torch", reason="this run reconstructs, with the extra [dose]")

DEEP = ("dose-images-again", "dose-losses-again")


@pytest.fixture(scope="module")
def genuine_run(shared_run):
    """A run of a trained and a skipped cell."""
    return shared_run.some_cells()[1]


@pytest.fixture
def run(genuine_run, tampering_with):
    """A copy somewhere else, which is as good as the original."""
    return tampering_with(genuine_run)


def named(run, *, deep=False):
    return [violation.file for violation in verify(run.path, deep=deep).violations]


@pytest.mark.whole
def test_the_untouched_copy_verifies_deep_with_nothing_left_unchecked_but_figures_that_were_not_drawn(run):
    verdict = verify(run.path, deep=True)

    assert (verdict.violations, [each.code for each in verdict.unchecked]) == ((), [Why.UNDRAWN])


def assert_that_it_is_caught(run, lie):
    lie.change(run)
    found = verify(run.path).violations

    assert [each for each in found if each.file.startswith(lie.file) and each.check in lie.checks], found


@pytest.mark.parametrize("lie", one_for_each_check(LIES))
def test_a_lie_is_caught_and_its_file_is_named(run, lie):
    assert_that_it_is_caught(run, lie)


def test_what_was_trained_at_another_dose_is_caught_and_its_file_is_named(shared_run, tampering_with):
    assert_that_it_is_caught(tampering_with(shared_run(DOSES)), ANOTHER_CELLS)


@pytest.mark.parametrize("lie", one_for_each_check(DEEP_LIES))
def test_only_a_deep_look_catches_what_the_weights_do_not_give(run, lie):
    lie.change(run)
    found = {(each.file, each.check) for each in verify(run.path, deep=DEEP).violations}

    assert {check for _, check in found} <= set(DEEP)
    assert {(lie.file, check) for check in lie.checks} <= found


def test_a_deep_look_catches_losses_that_curve_and_checkpoint_tell_alike(run):
    lower = [lie for lie in LIES if lie.title == "lower losses"]
    lower[0].change(run)
    _tell_checkpoint(run)

    found = {(each.file, each.check) for each in verify(run.path, deep=DEEP).violations}

    assert ({check for _, check in found} <= set(DEEP), (CURVES, "dose-losses-again") in found) == (True, True)


@pytest.mark.parametrize(
    "title", ["a probe of three dimensions", "a calibration of texts", "a calibration without end"]
)
def test_a_crafted_bundle_leaves_the_rest_of_the_evidence_checked(run, title):
    lie = next(lie for lie in LIES if lie.title == title)
    lie.change(run)
    (run.path / "data/dose_1000/canonical.npz").write_bytes(b"")

    assert {BUNDLE, "data/dose_1000/canonical.npz"} == set(named(run, deep=DEEP))


def test_an_object_whose_origin_is_not_here_is_unchecked_and_all_else_is_checked(run):
    relabelled(from_nowhere)(run)
    verdict = verify(run.path)

    # The jobs have other keys now: the preparation knows of none of them, nor of the skips that quote it.
    assert {violation.file for violation in verdict.violations} == {"prepared.json", "records.jsonl"}
    unchecked = [each.what for each in verdict.unchecked if each.code is not Why.DEEP]
    assert unchecked == ["where the measured object comes from"]


def test_a_slim_copy_verifies_light_and_deep(genuine_run, tmp_path):
    archive(genuine_run, tmp_path / "slim", largest=20_000)

    assert [verify(tmp_path / "slim", deep=deep, archived=True).violations for deep in (False, True)] == [(), ()]


def test_a_rehearsed_study_verifies(tmp_path):
    assert verify(publish_run(tmp_path, STUDY, "--dry-run")).violations == ()


def test_a_whole_study_and_one_of_some_cells_verify(shared_run, genuine_run):
    assert [verify(path).violations for path in (shared_run(DOSES), genuine_run)] == [(), ()]


def test_a_study_whose_device_is_not_here_verifies(tmp_path):
    from extractor_flow.run.hardware import missing_capabilities

    if "cuda" not in missing_capabilities():
        pytest.skip("this machine has the device")
    path = publish_run(tmp_path, {**STUDY, "training": {**STUDY["training"], "device": "cuda"}})

    assert verify(path).violations == ()


def _tell_checkpoint(run):
    curves = json.loads((run.path / CURVES).read_text(encoding="utf-8"))["curves"]
    edited_tensors(CHECKPOINT, lambda _, header: header.update(history=curves))(run)
