"""No false alarms: honest runs of many kinds verify, whole and deep, with nothing left unchecked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from extractor_flow.cli import main
from extractor_flow.evidence.findings import Why
from extractor_flow.flows.extractor_comparison.extractors.presets import PRESETS
from extractor_flow.verify import Conclusion, verify
from support.published import COMPARISON, SMALL_WORLD

pytestmark = pytest.mark.train

MLP = {"name": "mlp", "preset": "mlp_small"}
FLAT = {"name": "flat", "preset": "dynamics_no_conv"}
CART_POLE = {"id": "CartPole-v1", "kwargs": {"max_episode_steps": 12}}
SIGNALLING = "support.flows.signalling:make"
MINIGRID: dict[str, Any] = {
    "id": "minigrid:MiniGrid-Empty-5x5-v0",
    "kwargs": {"max_steps": 12},
    "filter_keys": ["mission"],
}
BY_KIND = {preset.kind: name for name, preset in reversed(PRESETS.items())}
# Each trains, draws and plays again: what does not hang together shares a run.
STUDIES: dict[str, dict[str, Any]] = {
    "several seeds, no baseline, checkpoints, updates that stop early": {
        "seeds": [1, 2],
        "extractors": [MLP, FLAT],
        "save_freq": 32,
        "algorithm": {"target_kl": 1e-6, "n_epochs": 4},
    },
    "every kind of network": {"extractors": [{"name": name, "preset": name} for name in BY_KIND.values()]},
    "a vector to observe, a preset that it does not fit, rates that fall, networks of their own": {
        "env": CART_POLE,
        "extractors": [FLAT, {"name": "a", "preset": "attention_small"}],
        "algorithm": {
            "learning_rate": "lin_3e-4",
            "clip_range": "lin_0.2",
            "clip_range_vf": "lin_.5",
            "policy": {"net_arch": {"pi": [16, 8], "vf": [12]}, "optimizer_kwargs": {"eps": 1e-6}},
        },
    },
    "a third party's images": {"env": MINIGRID, "extractors": [FLAT, {"name": "cnn", "preset": "lightweight_cnn"}]},
    "worker processes, and lanes of unequal length": {
        "worker_mode": "vectorized",
        "n_eval_episodes": 5,
        "eval_num_envs": 3,
    },
    "steps that fill no rollout, seldom evaluated, state-dependent exploration, an extractor for each": {
        "total_timesteps": 65,
        "eval_freq": 1000,
        "n_eval_episodes": 3,
        "eval_num_envs": 2,
        "algorithm": {
            "use_sde": True,
            "sde_sample_freq": 4,
            "policy": {"share_features_extractor": False, "net_arch": [16, 8]},
        },
    },
    "a time limit that is too short": {"time_limit_seconds": 0.001},
}
# Figures are drawn of the summary alone: with and without a baseline. (A worker process needs what draws in any case.)
DRAWN = {
    "several seeds, no baseline, checkpoints, updates that stop early",
    "worker processes, and lanes of unequal length",
}
FIGURES = "figures-made-again"


def study(folder: Path, algorithm: Any = None, env: Any = None, extractors: Any = None, **run: Any) -> Path:
    """A config of 64 steps, but for what is given."""
    data = {
        "run": {
            "run_id": "genuine",
            "output_root": str(folder / "runs"),
            "total_timesteps": 64,
            "eval_freq": 32,
            "n_eval_episodes": 2,
            "final_eval_episodes": 3,
            "num_envs": 2,
            **run,
        },
        "env": env or {"kwargs": SMALL_WORLD},
        "algorithm": {"n_steps": 16, "batch_size": 16, "n_epochs": 2, **(algorithm or {})},
        "extractors": extractors or [MLP],
    }
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


def judged(run: Path) -> tuple[object, object]:
    """The violations, and what is unchecked but for figures that were not drawn."""
    verdict = verify(run, deep=True, trust=[MINIGRID["id"], SIGNALLING])
    figures = any((run / "figures").glob("*"))
    return verdict.violations, tuple(each for each in verdict.unchecked if figures or each.check != FIGURES)


def latest(folder: Path) -> Path:
    return (folder / "runs" / "latest").resolve()


def statuses(folder: Path) -> list[str]:
    lines = (latest(folder) / "records.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["status"] for line in lines]


# Worker processes take seconds to start, and the integration suite has a run with them judged.
DEAR = "worker processes, and lanes of unequal length"


@pytest.mark.parametrize("title", [pytest.param(each, marks=[pytest.mark.whole] * (each == DEAR)) for each in STUDIES])
def test_a_genuine_run_verifies(tmp_path, request, title):
    if title not in DRAWN:
        request.getfixturevalue("undrawn")
    # In this process, the limit could go off in a callback of the garbage collector, where an exception is lost.
    executor = "local" if "time_limit_seconds" in STUDIES[title] else "serial"
    main(["run", str(study(tmp_path, **STUDIES[title])), "--executor", executor])

    assert judged(latest(tmp_path)) == ((), ())
    assert any((latest(tmp_path) / "figures").glob("*")) == (title in DRAWN)


def test_a_genuine_run_with_a_baseline_a_gpu_that_is_not_here_and_a_class_that_breaks_verifies(shared_run):
    run = shared_run(COMPARISON)

    assert judged(run) == ((), ())
    assert any((run / "figures").glob("*"))


def test_a_run_without_figures_is_neither_accused_nor_verified_where_they_can_be_drawn(shared_run):
    pytest.importorskip("matplotlib")
    verdict = verify(shared_run(COMPARISON, drawn=False), deep=[FIGURES])

    assert (verdict.violations, [each.code for each in verdict.unchecked]) == ((), [Why.UNDRAWN])
    assert verdict.conclusion is Conclusion.INCONCLUSIVE


@pytest.mark.parametrize(
    "options",
    [["--dry-run"], ["--only", "fl*", "--seed", "5", "--seed", "6", "--run-id", "Ünïcode | `name`"]],
    ids=lambda options: options[0],
)
@pytest.mark.usefixtures("undrawn")
def test_a_genuine_run_with_options_verifies(tmp_path, options):
    main(["run", str(study(tmp_path, extractors=[MLP, FLAT])), "--executor", "serial", *options])

    assert judged(latest(tmp_path)) == ((), ())


@pytest.mark.usefixtures("undrawn")
def test_an_interrupted_run_verifies_and_once_resumed_it_verifies_again(tmp_path):
    env = {"factory": SIGNALLING, "kwargs": {"done": str(tmp_path / "done")}}
    config = study(tmp_path, env=env, extractors=[FLAT], seeds=[1, 2])
    code = main(["run", str(config), "--executor", "serial"])
    interrupted = code, statuses(tmp_path), judged(latest(tmp_path))

    code = main(["run", "--executor", "serial", "--resume", str(tmp_path / "runs" / "latest")])

    assert interrupted == (143, ["failed", "failed"], ((), ()))
    assert (code, statuses(tmp_path)[-2:], judged(latest(tmp_path))) == (0, ["success", "success"], ((), ()))
