"""Holds what a saved model says of the machine and the packages that made it against the job's record."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from extractor_flow.evidence.findings import Violation, brief
from extractor_flow.flows.extractor_comparison.checks.optimizer import EXTRACTORS
from extractor_flow.readers.models import POLICY, SYSTEM, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from extractor_flow.flows.extractor_comparison.checks.examine import Claims
    from extractor_flow.readers.models import Model

_LINE = re.compile(r"- ([A-Za-z0-9 -]+): (.*)")
_PACKAGES = {
    "gymnasium": "Gymnasium",
    "numpy": "Numpy",
    "stable_baselines3": "Stable-Baselines3",
    "torch": "PyTorch",
}


def check_origin(job: Claims, path: str, model: Model) -> Iterator[Violation]:
    """What the model at *path* tells of where it was made that is not what the record of *job* tells."""
    for name in (SYSTEM, VERSION):
        if name not in model.texts:
            yield Violation(path, name, "a member of every saved model", "nothing", "evidence")
    if SYSTEM in model.texts:
        system = {match[1]: match[2] for line in model.texts[SYSTEM].split("\n") if (match := _LINE.fullmatch(line))}
        for name, claim in _told(job).items():
            if system.get(name) != claim:
                what = f"the journal has {brief(claim)}"
                yield Violation(path, SYSTEM, f"{name}: {brief(system.get(name, 'nothing'))}", what, "evidence")
        yield from _check_platform(job, path, system)
    version = _versions(job).get("stable_baselines3")
    if version is not None and VERSION in model.texts and model.texts[VERSION].strip() != version:
        yield Violation(path, VERSION, brief(model.texts[VERSION]), f"the journal has {brief(version)}", "evidence")
    yield from _check_device(job, path, model)


def _versions(job: Claims) -> Mapping[str, object]:
    versions = job.outcome.details.get("versions")
    return versions if isinstance(versions, dict) else {}


def _told(job: Claims) -> dict[str, object]:
    """What the record tells, by the names of the model's list."""
    versions = _versions(job)
    told = {name: versions[key] for key, name in _PACKAGES.items() if key in versions}
    if job.record.hardware is not None:
        told["Python"] = job.record.hardware.python_version
    if _kind(job.outcome.details.get("device")) == "cuda":
        told["GPU Enabled"] = "True"
    return told


def _check_platform(job: Claims, path: str, system: Mapping[str, str]) -> Iterator[Violation]:
    """The record's platform is the shorter form of the model's."""
    hardware = job.record.hardware
    if hardware is None:
        return
    # The library parts "#1" into "# 1", lest a website take it for a link.
    due = re.sub(r"#(\d)", r"# \1", hardware.platform)
    if not system.get("OS", "").startswith(due):
        what = f"the journal has {brief(due)}"
        yield Violation(path, SYSTEM, f"OS: {brief(system.get('OS', 'nothing'))}", what, "evidence")


def _check_device(job: Claims, path: str, model: Model) -> Iterator[Violation]:
    """The policy was on the recorded device; a user's own extractor may put its parts where it likes."""
    claim = _kind(job.outcome.details.get("device"))
    found = {_kind(place) for name, place in model.locations.items() if EXTRACTORS not in name}
    if found - {claim}:
        what = f"the journal has {brief(claim)}"
        yield Violation(path, POLICY, f"tensors of {brief(', '.join(sorted(found)))}", what, "evidence")


def _kind(device: object) -> str:
    return str(device).partition(":")[0]
