"""Compares feature extractors: each is trained with PPO from Stable-Baselines3, under every seed of the study."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any

from extractor_flow.flows.extractor_comparison.conclusion.environments import compare_study
from extractor_flow.flows.extractor_comparison.config import notes_of, settings_of
from extractor_flow.flows.extractor_comparison.contract import ADDED, CONTRACT, HEADLINE
from extractor_flow.flows.extractor_comparison.jobs import FLOW_NAME, jobs_of, missing_requirement
from extractor_flow.flows.extractor_comparison.plan import ExtractorConfigurationProfile
from extractor_flow.study.flow import Comparison, JobResult, ReportSpec, Study
from extractor_flow.study.page_spec import CurveSpec, PageSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from extractor_flow.config import ConfigDocument
    from extractor_flow.evidence.check import Check
    from extractor_flow.evidence.job_claims import JobClaims
    from extractor_flow.evidence.run_context import RunContext
    from extractor_flow.study.flow import Workspace
    from extractor_flow.study.jobs import Job
    from extractor_flow.study.records import Completed, HardwareProfile, JobRecord, RunSummary, Skipped

__all__ = ["ExtractorComparison", "ExtractorConfigurationProfile", "flow"]

_PAGE = PageSpec(
    ranked=("held_out_success_rate", "held_out_final_mean_reward", "best_mean_reward", "area_under_curve"),
    cost=("total_parameters", "extractor_parameters", "convergence_timestep", "sample_efficiency_ratio"),
    curve=CurveSpec(
        title="Learning curves",
        explanation=(
            "Mean reward of the evaluation episodes over the steps done. Thin lines are seeds, the thick line is their "
            "median, grey lines are the other extractors. The first point is the untrained policy."
        ),
        detail="curve",
        x="timesteps",
        y="mean_rewards",
    ),
    pictures=(),  # the page draws the same curves and dots itself
    settings={
        "Environment": ("env.id", "env.factory", "env.kwargs", "envs"),
        "Evaluated in": ("eval_env.id", "eval_env.factory", "eval_env.kwargs"),
        "Algorithm": (
            "algorithm.name",
            "run.num_envs",
            *(f"algorithm.{name}" for name in ("n_steps", "batch_size", "n_epochs", "learning_rate", "gamma")),
        ),
        "Budget": ("run.total_timesteps",),
        "Evaluation": ("run.n_eval_episodes", "run.eval_freq"),
        "Baseline": ("run.baseline_extractor",),
        "Seeds": ("run.seeds",),
    },
)
VOCABULARY = ReportSpec(
    title="Multi-Extractor Training Summary",
    subject="Extractor Name",
    results_key="extractor_results",
    results_heading="Extractor Results",
    headline=HEADLINE,
    metrics={**CONTRACT.metrics, **ADDED},
    page=_PAGE,
)


class ExtractorComparison:
    """The flow ``extractor_comparison``: a :class:`Flow` that also draws, has checks, and can be tried."""

    name = FLOW_NAME
    vocabulary = VOCABULARY
    contract = CONTRACT
    preload: tuple[str, ...] = ("extractor_flow.flows.extractor_comparison.training.preload",)
    packages: tuple[str, ...] = ("gymnasium", "stable_baselines3", "tensorboard", "torch")
    extra: str = "pytest-extractor-flow[train]"

    def starter(self) -> str:
        """A config to begin with."""
        return resources.files(__name__).joinpath("starter.yaml").read_text(encoding="utf-8")

    def study(self, document: ConfigDocument, overrides: Mapping[str, Any]) -> Study:
        """The extractors x seeds that a config asks for."""
        settings = settings_of(document, overrides)
        run = settings["run"]
        return Study(settings, jobs_of(settings), run["run_id"], run["output_root"], notes_of(settings))

    def missing_requirement(self, job: Job, hardware: HardwareProfile, missing: Mapping[str, str]) -> Skipped | None:
        """Why *job* lacks its device or the GPU it expects."""
        del hardware
        return missing_requirement(job, missing)

    def run(self, job: Job, workspace: Workspace) -> JobResult:
        """Train the job's extractor with PPO."""
        from extractor_flow.flows.extractor_comparison.training.job import train

        return train(job, workspace)

    def make_once(self, job: Job) -> None:
        """Make the job's environment, take some steps in it, and make its untrained model."""
        from extractor_flow.flows.extractor_comparison.training.job import make_once

        make_once(job)

    def compare(self, records: Sequence[JobRecord], settings: Mapping[str, Any]) -> Comparison:
        """Sample efficiency against the baseline, and statistics over seeds."""
        return compare_study(records, settings)

    def catalogue(self) -> Iterable[tuple[str, str, Mapping[str, object]]]:
        """The presets."""
        from extractor_flow.flows.extractor_comparison.extractors.presets import PRESETS

        return [(name, preset.description, preset.parameters) for name, preset in PRESETS.items()]

    def draw(self, summary: RunSummary, directory: Path) -> Iterable[str]:
        """Learning curves, held-out rewards and sample efficiency, as far as there is something to show."""
        from extractor_flow.flows.extractor_comparison.figures import draw_figures

        return draw_figures(summary, directory)

    def checks(self) -> Sequence[Check]:
        """What the evaluations and the models are held to."""
        from extractor_flow.flows.extractor_comparison.checks import CHECKS

        return CHECKS

    def claims(self, run: RunContext, record: JobRecord, outcome: Completed) -> JobClaims:
        """What *record* claims, and the plan of its job."""
        from extractor_flow.flows.extractor_comparison.checks.claims import Claims

        return Claims.of(run, record, outcome)


flow = ExtractorComparison()
