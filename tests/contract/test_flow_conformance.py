"""check_flow accepts a sound flow, and finds each way of breaking the protocol."""

from __future__ import annotations

import sys
from itertools import zip_longest

import pytest

from extractor_flow.config import ConfigDocument
from extractor_flow.run.hardware import probe
from extractor_flow.run.jobdir import JobDirectory
from extractor_flow.study.records import Completed, JobRecord
from extractor_flow.testing import ConformanceError, check_flow
from extractor_flow.testing.comparing import check_comparison
from extractor_flow.testing.findings import Findings
from line_fit import flow as line_fit
from support.flows.broken_flows import FLOWS

pytestmark = pytest.mark.slow
CONFIG = "flow: broken\nrun: {run_id: guesses}\n"
LINES = "flow: line_fit\nrun: {steps: 3}\nmodels: [{name: a}, {name: b, degree: 2}]\n"


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs one of the flows under the entry point ``broken``, for this process and those it starts."""

    def installed(name):
        site = tmp_path / "site"
        information = site / "broken-1.0.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n", encoding="utf-8")
        (information / "entry_points.txt").write_text(
            f"[extractor_flow.flows]\nbroken = support.flows.broken_flows:{name}.flow\n", encoding="utf-8"
        )
        (site / "jax.py").touch()
        monkeypatch.syspath_prepend(site)
        return FLOWS[name]

    yield installed
    # The stand-in must not be taken for the real package by whoever asks sys.modules next.
    sys.modules.pop("jax", None)


def findings_of(flow, config, tmp_path, **options):
    """The rules that *flow* breaks, and the whole message."""
    with pytest.raises(ConformanceError) as caught:
        check_flow(flow, config, tmp_path, **options)
    return {finding.rule for finding in caught.value.findings}, str(caught.value)


def test_line_fit_conforms_to_the_config_whose_path_is_given_as_text(tmp_path):
    config = tmp_path / "lines.yaml"
    config.write_text(LINES, encoding="utf-8")

    check_flow(line_fit, str(config), tmp_path)


@pytest.mark.parametrize(
    ("name", "rules", "words"),
    [
        (
            "Incomplete",
            {"members"},
            ["name is ''", "preload is 'numpy'", "compare is None", "run(job) cannot be called"],
        ),
        ("Restless", {"study"}, ["changed the document", "a second time gives other settings, run_id"]),
        ("Forgetful", {"study"}, ["from its own settings raised ConfigError"]),
        ("Crowded", {"jobs"}, ["share their directory: guess seed 0, guess seed 1", "must be plain JSON"]),
        ("Nested", {"jobs"}, ["lies inside that of guess 1", "where the run keeps something", "its flow is 'other'"]),
        ("Credulous", {"config"}, ["the unknown key surplus", "the unknown key run.surplus", "is accepted"]),
        ("Heavy", {"light"}, ["load jax", "preload names what is not there: no_such_module"]),
        ("Raising", {"run"}, ["guess seed 0 failed: ValueError: there is nothing to guess"]),
        ("Unseeded", {"reproducible"}, ["trained twice measured accuracy as ", "left different artifacts 'guesses'"]),
        ("Swallowing", {"failure"}, ["did not fail the job: success", "SIGTERM did not interrupt the job: success"]),
        ("Silent", {"failure"}, ["never called workspace.progress()"]),
    ],
)
def test_a_broken_flow_is_found_out(name, rules, words, tmp_path, install):
    found, message = findings_of(install(name), CONFIG, tmp_path)

    assert (found, [word for word in words if word not in message]) == (rules, []), message


def test_a_flow_that_is_not_installed_cannot_be_run(tmp_path):
    config = tmp_path / "guesses.yaml"
    config.write_text(CONFIG, encoding="utf-8")

    found, message = findings_of(FLOWS["Sound"], config, tmp_path)

    assert found == {"installed"}
    assert "no flow is installed under the name 'broken'" in message


def test_another_flow_under_the_same_name_is_told_apart(tmp_path, install):
    install("Silent")

    found, _ = findings_of(FLOWS["Sound"], CONFIG, tmp_path)

    assert found == {"installed"}


@pytest.fixture
def trained(tmp_path):
    """The study of the sound flow, and the records of its jobs' real training."""
    flow = FLOWS["Sound"]
    study = flow.study(ConfigDocument(tmp_path / "guesses.yaml", {}, {}), {"seeds": [0, 1, 2]})
    return study, [record_of(flow, JobDirectory.create(tmp_path, job)) for job in study.jobs]


def record_of(flow, directory):
    job, product = directory.job, flow.run(directory.job, directory)
    outcome = Completed(product.metrics, directory.artifacts(product.artifacts), product.training_steps)
    course = {"end_time": "2026-11-21T10:16:00.500Z", "duration_seconds": 60.25, "hardware": probe()}
    start = "2026-11-21T10:15:00.250Z"
    return JobRecord(flow.name, job.name, job.seed, job.key, job.directory, outcome, start, "single-thread", **course)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Sound", []),
        ("Orderly", ["compare() with the records in another order gives other aggregate_metrics"]),
        (
            "Inventive",
            [
                "aggregate_metrics: spread is nan; what is undefined must be absent",
                "writing summary.json raised ValueError: ",
                "compare() of 0 records without a success gives {'accuracy': 0.0, 'spread': 1.0}, which nothing",
                "compare() of 3 records without a success gives {'accuracy': 0.0, 'spread': 1.0}, which nothing",
            ],
        ),
        ("Meddling", ["compare() changed the records or the settings"]),
        (
            "Boasting",
            [
                f"job_metrics for jobs that did not complete: {'0' * 64}",
                *[
                    f"summary.json breaks its contract: $.statistics[0]: {missing!r} is a required property"
                    for missing in (
                        "config_name",
                        "metric",
                        "n",
                        "values",
                        "centre",
                        "centre_name",
                        "low",
                        "high",
                        "interval",
                    )
                ],
                "summary.json breaks its contract: $.statistics[0]: Additional properties are not allowed",
                "writing summary.md raised KeyError: ",
            ],
        ),
    ],
)
def test_a_comparison_is_pure_and_invents_nothing(name, expected, trained):
    study, records = trained
    found = Findings()

    check_comparison(FLOWS[name], study, records, found)

    messages = sorted(finding.message for finding in found.all)
    assert [
        message[: len(words)] for message, words in zip_longest(messages, sorted(expected), fillvalue="")
    ] == sorted(expected)
