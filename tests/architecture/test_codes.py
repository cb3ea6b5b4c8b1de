"""The contracts know the codes that the program knows; a flow's contract is what its report shows."""

from __future__ import annotations

import pytest

from extractor_flow.contracts import load_schema
from extractor_flow.flows import dose_overlap, extractor_comparison
from extractor_flow.study.codes import SIGNALLED, SKIPS, STOPPED, Code

FLOWS = [dose_overlap.flow, extractor_comparison.flow]


def test_the_contracts_know_every_code_once():
    known = load_schema("common")["$defs"]
    historical = load_schema("complete_results")["properties"]["results"]["additionalProperties"]["properties"]

    assert set(known["skip_code"]["enum"]) == SKIPS
    assert set(known["failure_code"]["enum"]) == set(Code) - SKIPS
    assert historical["code"]["enum"] == [*Code]
    assert STOPPED <= SIGNALLED <= set(Code) - SKIPS


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_a_declared_metric_is_shown_as_it_is_declared(flow):
    shown = {name: flow.vocabulary.metrics[name] for name in flow.contract.metrics}

    assert shown == dict(flow.contract.metrics)
    assert flow.contract.metrics[flow.vocabulary.headline].larger_is_better


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_what_was_added_to_a_contract_says_since_when(flow):
    """So that a run of before is not missing it: a contract is as young as the youngest of what it declares."""
    contract = flow.contract
    ages = {spec.since for kind in (contract.artifacts, contract.metrics, contract.details) for spec in kind.values()}

    assert (min(ages), max(ages)) == (1, contract.version)
