"""The section ``slurm:`` of a config, and what it makes of sbatch's options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extractor_flow.contracts import load_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

_OPTIONS = {
    "partition": "--partition",
    "account": "--account",
    "qos": "--qos",
    "time": "--time",
    "memory": "--mem",
}

SCHEMA: Mapping[str, Any] = {
    key: value for key, value in load_schema("slurm_settings").items() if not key.startswith("$")
}
"""The contract ``slurm_settings``, as a part of a config's schema."""


def common_options(settings: Mapping[str, Any]) -> list[str]:
    """The options every job is submitted with: training, preparing, publishing."""
    chosen = [f"{option}={settings[key]}" for key, option in _OPTIONS.items() if key in settings]
    return [*chosen, *settings["options"]]


def training_options(settings: Mapping[str, Any], tasks: int) -> list[str]:
    """What an array of so many *tasks* is submitted with; each comes back after a preemption or a node's failure."""
    throttle = f"%{settings['at_once']}" if "at_once" in settings else ""
    gres = [f"--gres={settings['gres']}"] if "gres" in settings else []
    return [
        f"--array=0-{tasks - 1}{throttle}",
        f"--cpus-per-task={settings['cpus']}",
        *gres,
        "--requeue",
        "--open-mode=append",
        f"--signal=B:USR2@{settings['warning_seconds']}",
    ]
