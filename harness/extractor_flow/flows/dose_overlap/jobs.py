"""The matrix: one job for each dose and view, and for each seed where seeds are given."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from extractor_flow.flows.dose_overlap.plan import BASELINE, Cell, Plan
from extractor_flow.flows.dose_overlap.training_config import SolverConfig, TrainingConfig
from extractor_flow.study.codes import Code
from extractor_flow.study.jobs import Job, Limits
from extractor_flow.study.records import Skipped

if TYPE_CHECKING:
    from collections.abc import Mapping

FLOW_NAME = "dose_overlap"
PACKAGES = ("scipy", "torch")
EXTRA = "pytest-extractor-flow[dose]"
ANYWHERE = ("cpu", "auto")
_SEEDS = ("neighbor_count", "grouping_seed", "subsampling_seed")


def cells_of(settings: Mapping[str, Any]) -> tuple[Cell, ...]:
    """The cells of checked *settings*, dose by dose."""
    design = settings["design"]
    variants = sorted(design["variants"]) or [""]
    return tuple(Cell(*each) for each in product(design["doses"], design["views"], variants))


def jobs_of(settings: Mapping[str, Any]) -> tuple[Job, ...]:
    """The jobs of checked *settings*; an impossible training is a :class:`extractor_flow.errors.ConfigError`."""
    seeds = settings["run"]["seeds"] or (None,)
    return tuple(_job(settings, cell, seed) for cell in cells_of(settings) for seed in seeds)


def missing_requirement(job: Job, missing: Mapping[str, str]) -> Skipped | None:
    """Why *job* cannot run where *missing* is missing, and what would help; ``None`` if it can."""
    for device in job.requires:
        if device in missing:
            why = f"needs {device}, which is missing here: {missing[device]}"
            remedy = "run it on a machine that has it, or set training.device to cpu or auto"
            return Skipped(Code.MISSING_CAPABILITY, f"{why}; {remedy}")
    return None


def _job(settings: Mapping[str, Any], cell: Cell, seed: int | None) -> Job:
    run = settings["run"]
    several = len(run["seeds"] or ()) > 1
    plan = _plan(settings, cell, seed)
    directory = cell.directory_of(plan.training.gridsize)
    return Job(
        flow=FLOW_NAME,
        name=cell.name,
        directory=f"{directory}/seed-{seed}" if several else directory,
        parameters=plan.to_parameters(),
        seed=seed,
        # The network of the baseline sees four times as many inputs that are not shared by a group.
        requires=() if settings["training"]["device"] in ANYWHERE else (settings["training"]["device"],),
        weight=2.0 if cell.view == BASELINE else 1.0,
        limits=Limits(seconds=run["time_limit_seconds"], memory_mb=run["memory_limit_mb"]),
    )


def _plan(settings: Mapping[str, Any], cell: Cell, seed: int | None) -> Plan:
    design, simulation = settings["design"], settings["simulation"]
    return Plan(
        cell=cell,
        simulation={key: value for key, value in simulation.items() if key != "base_npz"},
        overlap=design["overlaps"].get(cell.view),
        frames=None if cell.view == BASELINE else design["frames"],
        training=TrainingConfig(
            **{
                "dose": float(cell.dose),
                "gridsize": cell.gridsize,
                "threads": settings["threads"],
                "seed": seed or 0,
                **settings["training"],
                **{key: design[key] for key in _SEEDS},
                **(design["variants"][cell.variant] if cell.variant else {}),
            }
        ),
        solver=SolverConfig(**settings["solver"]),
    )
