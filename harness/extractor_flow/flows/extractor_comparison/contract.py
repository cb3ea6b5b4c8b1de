"""What a job of this flow leaves: the only place where a file, a metric or a detail is declared.

A metric is measured in :mod:`training.job`. One that is added gets the next version of the contract, and ``since``.
"""

from __future__ import annotations

from extractor_flow.flows.extractor_comparison import layout
from extractor_flow.study.job_contract import REPEATABILITY, ArtifactSpec, Detail, JobContract, Metric, MetricSpec

CONTRACT = JobContract(
    version=2,
    artifacts={
        "final_model": ArtifactSpec(layout.FINAL_MODEL),
        "best_model": ArtifactSpec(layout.BEST_MODEL),
        "policy": ArtifactSpec(layout.WEIGHTS, reproducible=True),
        "evaluations": ArtifactSpec(layout.EVALUATIONS, reproducible=True, small=True),
        "held_out": ArtifactSpec(layout.HELD_OUT, reproducible=True, small=True),
        "normalization": ArtifactSpec(layout.NORMALIZATION, required=False, reproducible=True, small=True),
        "monitor": ArtifactSpec(layout.MONITOR),
        "metrics": ArtifactSpec(layout.METRICS, small=True),
        "tensorboard": ArtifactSpec(f"{layout.TENSORBOARD}/*"),
        "checkpoint_*": ArtifactSpec(layout.checkpoint("*"), required=False),
    },
    metrics={
        "held_out_mean_reward": MetricSpec("Held-out mean reward", described=True, compared=True),
        "held_out_std_reward": MetricSpec("Standard deviation of the held-out rewards", larger_is_better=False),
        "held_out_success_rate": MetricSpec("Held-out success rate", required=False, described=True, compared=True),
        "held_out_final_mean_reward": MetricSpec(
            "Held-out mean reward of the final policy", described=True, compared=True
        ),
        "held_out_final_success_rate": MetricSpec("Held-out success rate, final policy", required=False),
        "held_out_episodes": MetricSpec("Held-out episodes", "episodes", 0),
        "best_mean_reward": MetricSpec("Largest mean reward of the evaluations", described=True, compared=True),
        "final_mean_reward": MetricSpec("Final mean reward", described=True, compared=True),
        "final_std_reward": MetricSpec("Final standard deviation of the reward", larger_is_better=False),
        "reward_gain": MetricSpec("Reward gained, final over untrained", described=True, compared=True),
        "untrained_mean_reward": MetricSpec("Mean reward of the untrained policy", described=True),
        "best_timestep": MetricSpec("Step of the best evaluation", "steps", 0, larger_is_better=False),
        "convergence_timestep": MetricSpec("Converged after", "steps", 0, required=False, larger_is_better=False),
        "best_success_rate": MetricSpec("Success rate of the best evaluation", required=False),
        "final_success_rate": MetricSpec("Success rate of the final policy", required=False),
        "untrained_success_rate": MetricSpec("Success rate of the untrained policy", required=False),
        "eval_episodes": MetricSpec("Episodes per evaluation", "episodes", 0),
        "total_parameters": MetricSpec("Parameters", "", 0, larger_is_better=False),
        "trainable_parameters": MetricSpec("Trainable parameters", "", 0, larger_is_better=False),
        "extractor_parameters": MetricSpec("Parameters of the extractor", "", 0, larger_is_better=False),
        "features_dim": MetricSpec("Features", "", 0),
        # Of the algorithms that replay: DQN, SAC and TD3.
        "gradient_updates": MetricSpec("Gradient updates", "updates", 0, required=False, since=2),
        "replay_transitions": MetricSpec("Transitions in the replay buffer", "", 0, required=False, since=2),
        "replay_bytes": MetricSpec(
            "Memory of the replay buffer", "bytes", 0, required=False, since=2, larger_is_better=False
        ),
    },
    details={"evaluation_environment": Detail(required=False, since=2, reproducible=True)}
    | dict.fromkeys(
        ("curve", "requested_steps", "seeds", "environment", "untrained_weights_sha256"), Detail(reproducible=True)
    )
    | dict.fromkeys(("device", "torch_threads", "versions", REPEATABILITY), Detail()),
)

HEADLINE = "held_out_mean_reward"
"""The metric that extractors are ranked by."""

NORMALISED = "normalised_score"
NORMALISED_SPEC = MetricSpec("Normalised score over the environments", decimals=3)

ADDED: dict[str, Metric] = {
    NORMALISED: NORMALISED_SPEC,
    "area_under_curve": MetricSpec(
        "Mean reward over the training (area under the curve)", described=True, compared=True
    ),
    "steps_to_target": MetricSpec(
        "Steps to the baseline's level", "steps", 0, larger_is_better=False, described=True, compared=True
    ),
    "sample_efficiency_ratio": Metric("Sample efficiency against the baseline", "x"),
    "baseline_target_reward": Metric("Reward at which the baseline has converged"),
    "baseline_convergence_timestep": Metric("Baseline converged after", "steps", 0),
    "avg_convergence_timestep": Metric("Average convergence", "steps", 0),
    "median_convergence_timestep": Metric("Median convergence", "steps", 0),
    "avg_sample_efficiency_ratio": Metric("Average sample efficiency", "x"),
    "median_sample_efficiency_ratio": Metric("Median sample efficiency", "x"),
    "total_wall_time": Metric("Total wall time", "s", 1),
    "completed_runs": Metric("Completed runs", "", 0),
    "skipped_runs": Metric("Skipped runs", "", 0),
    "failed_runs": Metric("Failed runs", "", 0),
}
"""What the comparison of the jobs adds, to one of them or to the run as a whole."""
