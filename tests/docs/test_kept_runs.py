"""The runs that the documents keep are judged by the contract of the version that made them."""

from __future__ import annotations

import json

import pytest

from extractor_flow.registry import find_flow
from extractor_flow.verify import verify
from support import ROOT

KEPT = sorted(path.parent for path in (ROOT / "docs" / "samples").glob("*/run.json"))


@pytest.mark.parametrize("run", KEPT, ids=lambda run: run.name)
def test_a_kept_run_verifies(run):
    pytest.importorskip("scipy", reason="a kept study is measured again, with the extra [dose]")

    assert verify(run, archived=True).violations == ()


@pytest.mark.parametrize("run", KEPT, ids=lambda run: run.name)
def test_what_its_contract_declared_then_is_what_is_declared_since_then(run):
    """A metric that was added without ``since`` would be missed in every older run, and one taken out is unknown."""
    request = json.loads((run / "run.json").read_text(encoding="utf-8"))
    declared, contract = request["job_contract"], find_flow(request["flow"]).contract
    then = contract.metrics.keys() - contract.younger_metrics(declared["version"])

    assert (sorted(then - {*declared["metrics"]}), sorted({*declared["metrics"]} - then)) == ([], [])
