"""The matrix: one job for each extractor and seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extractor_flow.flows.extractor_comparison.extractors.presets import PRESETS, resolved_parameters
from extractor_flow.flows.extractor_comparison.plan import (
    EnvironmentChoice,
    ExtractorChoice,
    ExtractorConfigurationProfile,
    Plan,
    Schedule,
    compared_name,
    environments_of,
)
from extractor_flow.study.codes import Code
from extractor_flow.study.jobs import Job, Limits, component_of
from extractor_flow.study.records import Skipped

if TYPE_CHECKING:
    from collections.abc import Mapping

FLOW_NAME = "extractor_comparison"
ACCELERATORS = ("cuda", "mps")
_GPU = "gpu"
_SCHEDULE = (
    "total_timesteps",
    "num_envs",
    "eval_freq",
    "save_freq",
    "n_eval_episodes",
    "eval_num_envs",
    "final_eval_episodes",
)

_UNKNOWN_COST = 3.0  # of an extractor of somebody's own, beside those of the presets


def jobs_of(settings: Mapping[str, Any]) -> tuple[Job, ...]:
    """The jobs of checked *settings*, environment by environment and extractor by extractor."""
    profiles = [ExtractorConfigurationProfile.from_settings(entry) for entry in settings["extractors"]]
    return tuple(
        _job(alone, among, profile, seed)
        for among, alone in environments_of(settings)
        for profile in profiles
        for seed in settings["run"]["seeds"]
    )


def missing_requirement(job: Job, missing: Mapping[str, str]) -> Skipped | None:
    """Why *job* cannot run where *missing* is missing, and what would help; ``None`` if it can."""
    expects_gpu = _GPU in job.requires
    resources = "expected_resources of the extractor to cpu"
    for device in job.requires:
        if device in missing:
            setting = f"run.device to cpu and {resources}" if expects_gpu else "run.device to cpu or auto"
            why = f"needs {device}, which is missing here: {missing[device]}"
            return Skipped(Code.MISSING_CAPABILITY, f"{why}; run it on a machine that has it, or set {setting}")
    if expects_gpu and all(device in missing for device in ACCELERATORS):
        reasons = "; ".join(f"{device}: {missing[device]}" for device in ACCELERATORS)
        why = f"expects a GPU, and there is none ({reasons}); run it on a machine that has one, or set {resources}"
        return Skipped(Code.MISSING_CAPABILITY, why)
    return None


def _job(settings: Mapping[str, Any], among: str | None, profile: ExtractorConfigurationProfile, seed: int) -> Job:
    run = settings["run"]
    places = (among, profile.name) if among else (profile.name,)
    directory = "/".join(("extractors", *map(component_of, places)))
    return Job(
        flow=FLOW_NAME,
        name=compared_name(among, profile.name),
        directory=f"{directory}/seed-{seed}" if len(run["seeds"]) > 1 else directory,
        parameters=_plan(settings, profile).to_parameters(),
        seed=seed,
        worker_mode=run["worker_mode"],
        requires=_requires(run["device"], profile.expected_resources),
        weight=profile.priority * 1000 + (PRESETS[profile.preset].cost if profile.preset else _UNKNOWN_COST),
        limits=Limits(seconds=run["time_limit_seconds"], memory_mb=run["memory_limit_mb"]),
    )


def _plan(settings: Mapping[str, Any], profile: ExtractorConfigurationProfile) -> Plan:
    evaluation = settings.get("eval_env")
    return Plan(
        extractor=_extractor(profile),
        environment=EnvironmentChoice.from_settings(settings["env"]),
        algorithm=settings["algorithm"],
        schedule=Schedule(**{key: settings["run"][key] for key in _SCHEDULE}),
        convergence_fraction=settings["run"]["convergence_fraction"],
        device=settings["run"]["device"],
        threads=settings["threads"],
        start_method=settings["start_method"],
        evaluation=None if evaluation is None else EnvironmentChoice.from_settings(evaluation),
    )


def _extractor(profile: ExtractorConfigurationProfile) -> ExtractorChoice:
    """With a preset's own parameters filled in: should a later version change them, the job's key changes too."""
    if profile.preset is None:
        return ExtractorChoice(None, profile.target, profile.parameters)
    resolved = resolved_parameters(profile.preset, profile.parameters)
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in resolved.items()}
    return ExtractorChoice(profile.preset, None, plain)


def _requires(device: str, expected_resources: str) -> tuple[str, ...]:
    """The capabilities a job cannot do without; ``gpu`` is met by any accelerator."""
    devices = (device,) if device in ACCELERATORS else ()
    return (*devices, _GPU) if expected_resources == "gpu" else devices
