"""What a job's files are held to: one check for each kind of claim."""

from __future__ import annotations

from extractor_flow.flows.extractor_comparison.checks.deep import played_again, repeatability, torch_weights
from extractor_flow.flows.extractor_comparison.checks.evaluations import evaluations, held_out, metrics
from extractor_flow.flows.extractor_comparison.checks.jobs import jobs_differ, skips, unclaimed_models
from extractor_flow.flows.extractor_comparison.checks.models.model_globals import model_calls
from extractor_flow.flows.extractor_comparison.checks.models.optimizer import optimizer
from extractor_flow.flows.extractor_comparison.checks.models.weights import learning, parameters, weights
from extractor_flow.flows.extractor_comparison.checks.ppo_settings import settings
from extractor_flow.flows.extractor_comparison.checks.record import artifacts, metrics_file, record

CHECKS = (
    skips,
    unclaimed_models,
    jobs_differ,
    artifacts,
    record,
    metrics_file,
    evaluations,
    metrics,
    held_out,
    settings,
    model_calls,
    weights,
    parameters,
    optimizer,
    learning,
    torch_weights,
    played_again,
    repeatability,
)
