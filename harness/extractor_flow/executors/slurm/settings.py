"""The section ``slurm:`` of a config, and what it makes of sbatch's options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORD = {"type": "string", "minLength": 1}
_OPTIONS = {
    "partition": "--partition",
    "account": "--account",
    "qos": "--qos",
    "time": "--time",
    "memory": "--mem",
}

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "default": {},
    "properties": {
        "partition": {**_WORD, "description": "the partition, as `sbatch --partition`"},
        "account": {**_WORD, "description": "whom the time is charged to"},
        "qos": {**_WORD, "description": "the quality of service"},
        "time": {**_WORD, "description": "the time limit of a job, such as 2:00:00"},
        "memory": {**_WORD, "description": "the memory of a job, such as 8G"},
        "cpus": {"type": "integer", "minimum": 1, "default": 1, "description": "cores of a job"},
        "gres": {**_WORD, "description": "devices of a training, such as 'gpu:1'; preparing and publishing need none"},
        "at_once": {"type": "integer", "minimum": 1, "description": "so many trainings run at a time, at most"},
        "warning_seconds": {
            "type": "integer",
            "minimum": 1,
            "maximum": 65535,
            "default": 60,
            "description": "so long before the time limit a training is told to stop, and says that it did",
        },
        "time_limit_retries": {
            "type": "integer",
            "minimum": 0,
            "maximum": 10,
            "default": 1,
            "description": "so often a training that met the time limit is queued again, from its beginning",
        },
        "options": {"type": "array", "items": _WORD, "default": [], "description": "further options of sbatch"},
    },
}


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
