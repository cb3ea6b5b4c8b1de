"""How this environment differs from the one a run says it was made in."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOT_RECORDED = "not recorded"


def environment_differences(request: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """What may change a result and is not here as *request* says it was there: the two, by name."""
    here, there = _facts_here(), facts_of(request)
    both = {name: (there.get(name, _NOT_RECORDED), here.get(name, "absent")) for name in here.keys() | there.keys()}
    return {name: both[name] for name in sorted(both) if both[name][0] != both[name][1]}


def _facts_here() -> dict[str, str]:
    from extractor_flow.run.hardware import probe, processor
    from extractor_flow.run.provenance import git_state, package_versions

    state = git_state(Path.cwd())
    return _facts(probe().to_json(), package_versions(), platform.python_version(), processor(), state)


def facts_of(request: Mapping[str, Any]) -> dict[str, str]:
    """What *request* says of the environment of its run, as far as it may change a result."""
    return _facts(
        request["hardware"],
        request["packages"],
        request["python_version"],
        request.get("processor"),
        request.get("git"),
    )


def _facts(
    hardware: Mapping[str, Any],
    packages: Mapping[str, str],
    python: str,
    processor_name: str | None,
    git: Mapping[str, Any] | None,
) -> dict[str, str]:
    found = {
        **packages,
        "Python": python,
        "architecture": hardware["arch"],
        "GPU": hardware.get("gpu_model"),
        "processor": processor_name,
        "commit": git and git["commit"],
    }
    return {name: str(value) for name, value in found.items() if value is not None}
