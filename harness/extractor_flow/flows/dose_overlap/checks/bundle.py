"""Looks at a cell's bundle: its settings, its weights, its probe, and nothing beside them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from extractor_flow.evidence.findings import Violation, brief
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.readers.errors import Kind, ReadError
from extractor_flow.readers.text import decode, parse, require_object
from extractor_flow.readers.weights import HEADER_LIMIT, digest_of, read_weights

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from extractor_flow.files import Json
    from extractor_flow.flows.dose_overlap.checks.claims import Arrays, Claims

HEADER = "dose_overlap"
NETWORK = "network."
PROBE = "probe"
_PREFIX = 8
_CALIBRATION = ("level", "input_scale", "photon_scale")
_SETTINGS = {"config", "calibration"}
_SMALLEST = 4
_ROUNDING = 1e-5


def check_bundle(job: Claims) -> Iterator[Violation]:
    """The bundle is the one that the record means, holds the plan's settings, and a network of finite weights."""
    path = job.path(layout.BUNDLE)
    yield from _check_digest(job)
    header = job.run.read(path, read_header)
    tensors = job.run.read(path, read_weights)
    config = header.get("config")
    if config != job.plan.training.as_dict():
        what = f"the job has {brief(job.plan.training.as_dict())}"
        yield Violation(path, "config", brief(config), what, "evidence")
    if header.keys() != _SETTINGS:
        yield Violation(path, HEADER, brief(sorted(header)), f"expected {', '.join(sorted(_SETTINGS))}", "evidence")
    others = sorted(name for name in tensors if name != PROBE and not name.startswith(NETWORK))
    if others:
        yield Violation(path, ", ".join(others), "holds a network and a probe", "no part of either", "evidence")
    yield from _check_network(job, path, network_of(tensors))
    yield from _check_optics(job, path, tensors, header.get("calibration"))


def _check_digest(job: Claims) -> Iterator[Violation]:
    artifact, details = job.outcome.artifacts.get("bundle"), job.outcome.details
    if artifact is None:
        return
    for member, due in (("bundle_sha256", artifact.sha256), ("bundle_size_bytes", artifact.size_bytes)):
        if details.get(member) != due:
            yield job.contradicted(f"details.{member}", details.get(member), f"the artifact has {due}")


def _check_network(job: Claims, path: str, weights: Arrays) -> Iterator[Violation]:
    bad = [name for name, value in weights.items() if value.dtype != np.float32 or not np.isfinite(value).all()]
    if bad or not weights:
        yield Violation(path, ", ".join(bad), "holds a network of finite weights", "it does not", "evidence")
    yield from job.metric("total_parameters", sum(value.size for value in weights.values()), layout.BUNDLE)
    is_untrained = digest_of(weights) == job.outcome.details.get("untrained_weights_sha256")
    if is_untrained is job.improved:
        found = "the untrained network's" if is_untrained else "others, and no epoch is better than the untrained"
        yield Violation(path, "", "holds the best epoch's weights", found, "evidence")


def _check_optics(job: Claims, path: str, tensors: Arrays, calibration: Json) -> Iterator[Violation]:
    """The probe is one, and the three numbers of the calibration follow from one brightness, whatever it is."""
    probe = tensors.get(PROBE)
    if probe is None or not _is_probe(probe):
        found = "nothing" if probe is None else f"{probe.dtype} of shape {probe.shape}"
        yield Violation(path, PROBE, "is a probe of finite numbers", found, "evidence")
        return
    numbers = numbers_of(calibration)
    if numbers is None:
        yield Violation(path, "calibration", brief(calibration), f"expected {', '.join(_CALIBRATION)}", "evidence")
        return
    energy = job.plan.training.dose / numbers["photon_scale"]
    light = float((probe.astype(np.float64) ** 2).sum())
    due = {"level": math.sqrt(energy / light), "input_scale": len(probe) / 2 / math.sqrt(energy)}
    for name, value in due.items():
        if not math.isclose(numbers[name], value, rel_tol=_ROUNDING):
            what = f"its photon_scale, its probe and the dose give {value!r}"
            yield Violation(path, f"calibration.{name}", brief(numbers[name]), what, "evidence")


def _is_probe(probe: NDArray[Any]) -> bool:
    sides = (probe.shape[0], probe.shape[0], 2) if probe.ndim == len("NNc") else None
    is_square = probe.shape == sides and probe.shape[0] >= _SMALLEST
    return bool(is_square and probe.dtype == np.float32 and np.isfinite(probe).all() and probe.any())


def numbers_of(calibration: Json) -> Mapping[str, float] | None:
    """The calibration's numbers by name; ``None`` for anything but three finite numbers above 0."""
    if not isinstance(calibration, dict) or set(calibration) != set(_CALIBRATION):
        return None
    values = {name: value for name, value in calibration.items() if type(value) in (int, float)}
    numbers = {name: float(value) for name, value in values.items() if isinstance(value, int | float)}
    good = len(numbers) == len(_CALIBRATION) and all(0 < value < math.inf for value in numbers.values())
    return numbers if good else None


def network_of(tensors: Arrays) -> Arrays:
    """The weights of the network among a bundle's *tensors*, under the network's own names."""
    return {name.removeprefix(NETWORK): value for name, value in tensors.items() if name.startswith(NETWORK)}


def read_header(stream: BinaryIO, where: str) -> dict[str, Json]:
    """The settings that a safetensors file of this flow carries, and carries alone."""
    length = int.from_bytes(stream.read(_PREFIX), "little")
    if length > HEADER_LIMIT:
        raise ReadError(Kind.HEADER, where, f"a header of {length} bytes")
    header = require_object(parse(decode(stream.read(length), where), where), where)
    metadata = require_object(header.get("__metadata__"), where)
    text = metadata.get(HEADER)
    if not isinstance(text, str):
        raise ReadError(Kind.HEADER, where, f"carries no {HEADER} settings")
    if len(metadata) > 1:
        raise ReadError(Kind.HEADER, where, f"carries {brief(sorted(metadata))}; expected {HEADER} alone")
    return require_object(parse(text, where), where)
