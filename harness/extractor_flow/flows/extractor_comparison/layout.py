"""The names of the files a job leaves in its directory."""

FINAL_MODEL = "final_model.zip"
BEST_MODEL = "best_model/best_model.zip"
EVALUATIONS = "eval_logs/evaluations.npz"
HELD_OUT = "eval_logs/held_out.npz"
NORMALIZATION = "normalization.npz"
WEIGHTS = "policy.safetensors"
MONITOR = "monitor.csv"
METRICS = "metrics.json"
TENSORBOARD = "tensorboard"
CHECKPOINTS = "checkpoints"


def checkpoint(timestep: int | str) -> str:
    """The checkpoint after *timestep* steps (``*`` for any), named as stable_baselines3 names them."""
    return f"{CHECKPOINTS}/rl_model_{timestep}_steps.zip"
