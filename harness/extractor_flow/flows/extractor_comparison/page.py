"""What the report page of a comparison shows beyond its headline metric."""

from __future__ import annotations

from extractor_flow.study.page_spec import CurveSpec, PageSpec

PAGE = PageSpec(
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
        "Environment": ("env.id", "env.factory", "env.kwargs"),
        "Algorithm": (
            "run.num_envs",
            *(f"algorithm.{name}" for name in ("n_steps", "batch_size", "n_epochs", "learning_rate", "gamma")),
        ),
        "Budget": ("run.total_timesteps",),
        "Evaluation": ("run.n_eval_episodes", "run.eval_freq"),
        "Baseline": ("run.baseline_extractor",),
        "Seeds": ("run.seeds",),
    },
)
