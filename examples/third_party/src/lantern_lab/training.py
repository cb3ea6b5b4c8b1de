"""Logistic regression by gradient descent, in numpy: what a job of the flow ``spirals`` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from extractor_flow.files import write_json
from extractor_flow.study.flow import JobResult

from lantern_lab.contract import CONTRACT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extractor_flow.study.flow import Workspace
    from extractor_flow.study.jobs import Job
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

MODEL = CONTRACT.paths["model"]
TURNS, NOISE, WAVES, DEGREE = 1.25, 0.02, 60, 5


def spirals(points: int, generator: np.random.Generator) -> tuple[Array, Array]:
    """Points (n, 2) on two interleaved spirals within the unit circle, and their labels (n,), 0.0 or 1.0."""
    labels = np.arange(points) % 2.0
    radius = np.sqrt(generator.uniform(0.02, 1.0, points))
    angle = 2 * np.pi * TURNS * radius + np.pi * labels
    place = radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return place + NOISE * generator.standard_normal(place.shape), labels


def features(name: str, points: Array) -> Array:
    """The features (n, k) of *points*, a constant one among them."""
    x, y = points.T
    match name:
        case "raw":
            columns = [x, y]
        case "polynomial":
            columns = [x**i * y**j for i in range(DEGREE + 1) for j in range(DEGREE + 1 - i) if i + j]
        case "waves":
            # Random, but the same for every seed: the features are what is compared.
            directions = np.random.default_rng(0).normal(scale=5.0, size=(2, WAVES))
            columns = [*np.cos(points @ directions).T, *np.sin(points @ directions).T]
    return np.column_stack([np.ones_like(x), *columns])


def train(job: Job, workspace: Workspace) -> JobResult:
    """Fit the job's model in *workspace*; equal jobs give equal weights."""
    generator = np.random.default_rng(job.seed)
    points, labels = spirals(job.parameters["points"], generator)
    inputs = features(job.parameters["features"], points)
    weights = 0.01 * generator.standard_normal(inputs.shape[1])
    untrained, steps = weights, job.parameters["steps"]
    for step in range(1, steps + 1):
        errors = _probabilities(inputs, weights) - labels
        weights = weights - job.parameters["learning_rate"] * inputs.T @ errors / len(labels)
        workspace.progress(step, steps)
    write_json(workspace.path / MODEL, {"weights": weights.tolist()})
    metrics = {
        "untrained_accuracy": accuracy(job.parameters, untrained, job.seed),
        "accuracy": accuracy(job.parameters, weights, job.seed),
        "loss": _loss(_probabilities(inputs, weights), labels),
    }
    return JobResult(metrics, artifacts={"model": MODEL}, training_steps=steps)


def accuracy(parameters: Mapping[str, Any], weights: Array, seed: int | None) -> float:
    """The share of points that no training of this study has seen, and that *weights* put on the right spiral."""
    points, labels = spirals(parameters["points"], np.random.default_rng([seed or 0, 1]))
    inputs = features(parameters["features"], points)
    return float(np.mean((inputs @ weights > 0) == (labels > 0)))


def weights_of(model: Any, parameters: Mapping[str, Any]) -> Array | None:  # noqa: ANN401 - any JSON
    """The weights in *model*; ``None`` if they are not the right number of finite numbers."""
    listed = model.get("weights") if isinstance(model, dict) else None
    count = features(parameters["features"], np.zeros((1, 2))).shape[1]
    if not isinstance(listed, list) or len(listed) != count or not all(isinstance(each, float) for each in listed):
        return None
    return np.array(listed)


def _probabilities(inputs: Array, weights: Array) -> Array:
    return 1 / (1 + np.exp(-np.clip(inputs @ weights, -500, 500)))


def _loss(probabilities: Array, labels: Array) -> float:
    """The mean cross entropy; probabilities are kept off 0 and 1 by 1e-12."""
    inside = np.clip(probabilities, 1e-12, 1 - 1e-12)
    return float(-np.mean(labels * np.log(inside) + (1 - labels) * np.log(1 - inside)))
