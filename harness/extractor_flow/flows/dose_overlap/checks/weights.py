"""Checks a cell's weights: the published bundle, and the checkpoint as a second record of the training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from extractor_flow.evidence.check import check
from extractor_flow.evidence.findings import brief
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.checks.likeness import alike
from extractor_flow.flows.dose_overlap.identity import training_digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.evidence.findings import Violation
    from extractor_flow.flows.dose_overlap.checks.claims import Arrays, Claims

_PROBE = "probe"
_NETWORK = "network."
_LAST, _BEST, _OPTIMISER = "network/", "best/", "optimiser/"


@check("dose-bundle", reads=("bundle", "checkpoint"))
def bundle(job: Claims) -> Iterator[Violation]:
    """The bundle is made of the plan, the checkpoint's best weights, and the probe and brightness of the frames.

    Catches: weights of another training or edited ones, another probe or calibration, a setting or tensor beside them.
    Cannot catch: weights that bundle and checkpoint have alike; the deep checks measure what they give.
    """
    tensors, network = job.weights(layout.BUNDLE), job.weights(layout.BUNDLE, _NETWORK)
    yield from job.metric("total_parameters", sum(value.size for value in network.values()), layout.BUNDLE)
    if not _equal(network, job.weights(layout.CHECKPOINT, _BEST)):
        for name, other in ((layout.BUNDLE, layout.CHECKPOINT), (layout.CHECKPOINT, layout.BUNDLE)):
            yield job.wrong(name, "", "holds the best epoch's weights", f"{other} has others")
    if others := sorted(name for name in tensors if name != _PROBE and not name.startswith(_NETWORK)):
        yield job.wrong(layout.BUNDLE, brief(others), "holds a network and a probe", "no part of either")
    header, config = job.header(layout.BUNDLE), job.plan.training
    if header.get("config") != config.as_dict():
        yield job.wrong(layout.BUNDLE, "config", header.get("config"), f"the job has {config.as_dict()}")
    if header.keys() != {"config", "calibration"}:
        yield job.wrong(layout.BUNDLE, "", sorted(header), "expected config and calibration")
    calibration, guess = job.calibration().as_dict(), job.frames("train").probe_guess
    if not alike(header.get("calibration"), calibration):
        yield job.wrong(layout.BUNDLE, "calibration", header.get("calibration"), f"the frames give {calibration}")
    probe = np.stack([guess.real, guess.imag], axis=-1)
    if not np.array_equal(tensors.get(_PROBE, np.empty(0)), probe):
        yield job.wrong(layout.BUNDLE, _PROBE, f"is the probe of {job.data_path('train')}", "another probe")


@check("dose-checkpoint", reads=("checkpoint", "curves"))
def checkpoint(job: Claims) -> Iterator[Violation]:
    """The state after the last epoch is that of this training: its settings and frames, its curve, its steps.

    Catches: a checkpoint of another cell, an edited curve, fewer steps than claimed. Cannot catch: a state whose
    moments are made up; --replay compares the file with one trained again.
    """
    header = job.header(layout.CHECKPOINT)
    if header.get("history") != job.curve():
        yield job.wrong(layout.CHECKPOINT, "history", header.get("history"), f"{layout.CURVES} has another")
        yield job.wrong(layout.CURVES, "$.curves", job.curve(), f"{layout.CHECKPOINT} has another history")
    if header.keys() != {"history", "digest"}:
        yield job.wrong(layout.CHECKPOINT, "", sorted(header), "expected digest and history")
    tensors = job.weights(layout.CHECKPOINT)
    if others := sorted(name for name in tensors if not name.startswith((_LAST, _BEST, _OPTIMISER))):
        yield job.wrong(layout.CHECKPOINT, brief(others), "holds two networks and an optimiser", "no part of them")
    counters = [value for name, value in tensors.items() if name.startswith(_OPTIMISER) and name.endswith(".step")]
    steps = {float(number) for value in counters for number in value.reshape(-1)}
    if len(counters) != len(job.weights(layout.CHECKPOINT, _LAST)) or steps != {float(job.outcome.training_steps)}:
        what = f"the record has {job.outcome.training_steps} for each parameter"
        yield job.wrong(layout.CHECKPOINT, _OPTIMISER, f"{brief(sorted(steps))} steps", what)
    expected = training_digest(job.plan.training, job.frames("train"))
    if header.get("digest") != expected:
        what = f"the job's settings and {job.data_path('train')} give {expected}"
        yield job.wrong(layout.CHECKPOINT, "digest", header.get("digest"), what)


def _equal(one: Arrays, two: Arrays) -> bool:
    return one.keys() == two.keys() and all(np.array_equal(value, two[name]) for name, value in one.items())
