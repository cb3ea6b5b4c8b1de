"""What verify holds a run to can be listed and explained, for people and for programs."""

from __future__ import annotations

import json

import pytest

from extractor_flow.cli import main
from extractor_flow.evidence.check import SupportsChecks
from extractor_flow.registry import find_flow, flow_names
from extractor_flow.verify.checks import CORE_CHECKS


def every_check():
    flows = [find_flow(name) for name in flow_names()]
    return [*CORE_CHECKS, *(check for flow in flows if isinstance(flow, SupportsChecks) for check in flow.checks())]


def test_no_two_checks_have_one_id():
    ids = [check.id for check in every_check()]

    assert sorted(set(ids)) == sorted(ids)


def test_each_check_has_a_line(capsys):
    assert main(["checks"]) == 0

    lines = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert sorted(lines) == sorted(check.id for check in every_check())


def test_programs_get_all_that_is_known_of_each(capsys):
    assert main(["checks", "core", "--format", "json"]) == 0

    told = json.loads(capsys.readouterr().out)["checks"]
    assert [each["id"] for each in told] == [check.id for check in CORE_CHECKS]
    assert told[-1].keys() == {
        *("id", "owner", "layer", "scope", "reads", "needs", "requires", "deep", "compares", "catches", "cannot_catch")
    }


@pytest.mark.parametrize("check", every_check(), ids=lambda check: check.id)
def test_each_check_can_be_explained(check, capsys):
    assert main(["explain", check.id]) == 0

    told = capsys.readouterr().out
    assert told.startswith(f"{check.id}: {check.layer} check of ")
    assert f"cannot catch: {check.cannot_catch}" in told


def test_an_unknown_id_is_a_wrong_request_that_names_the_nearest(capsys):
    assert main(["explain", "artefact-digests"]) == 2

    assert "did you mean: artifact-digests" in capsys.readouterr().err


def test_the_checks_of_a_flow_that_is_not_there_are_a_wrong_request(capsys):
    assert main(["checks", "nobodys"]) == 2

    assert "no flow is installed under the name 'nobodys'" in capsys.readouterr().err
