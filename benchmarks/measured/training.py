"""Trainings beside a bare Stable-Baselines3 script that does the same, evaluation included."""

from __future__ import annotations

import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from measured.processes import FLOW, ROOT, Spent, spent
from measured.table import Row, middle

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEFAULT = ROOT / "configs" / "scenarios" / "multi_extractor_default.yaml"
_BARE = [sys.executable, str(ROOT / "benchmarks" / "bare_sb3.py")]
_EVALUATIONS = {"with": 512, "without": 1_000_000}


def overhead(rounds: int, *, quick: bool) -> Iterator[Row]:
    """The default comparison by the bare script, in one process and in one for each training, and by this package."""
    found: dict[str, list[Spent]] = defaultdict(list)
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            config, alone = _configs(place, 512 if quick else 2048)
            flow = [*FLOW, "run", str(config), "--output-root", str(place / "runs")]
            found["two slots"].append(spent([*flow, "--jobs", "2"], place))
            found["bare"].append(spent([*_BARE, str(config), str(place / "bare")], place))
            found["one slot"].append(spent([*flow, "--jobs", "1"], place))
            cold = [spent([*_BARE, str(each), str(place / each.stem)], place) for each in alone]
            found["cold"].append(sum(cold[1:], cold[0]))
    wall = {name: [each.wall for each in times] for name, times in found.items()}
    cpu = {name: [each.cpu for each in times] for name, times in found.items()}
    one, many = "bare script, one process for all", "bare script, a process for each"
    what = f"4 extractors x {512 if quick else 2048} steps"
    yield middle(f"{what}, one slot", "s", wall["one slot"], one, wall["bare"])
    yield middle(f"{what}, one slot", "CPU s", cpu["one slot"], one, cpu["bare"])
    yield middle(f"{what}, two slots", "s", wall["two slots"], one, wall["bare"])
    yield middle(f"{what}, two slots", "s", wall["two slots"], many, wall["cold"])
    yield middle(f"{what}, two slots", "CPU s", cpu["two slots"], many, cpu["cold"])
    yield Row("largest process of a run", "MiB", max(each.peak for each in found["two slots"]))


def evaluation(rounds: int, *, quick: bool) -> Iterator[Row]:
    """What evaluations add to a training, here and as ``EvalCallback`` does them."""
    found: dict[str, list[float]] = defaultdict(list)
    steps = 1024 if quick else 4096
    for _ in range(rounds):
        for kind, every in _EVALUATIONS.items():
            with tempfile.TemporaryDirectory() as folder:
                place = Path(folder)
                _, alone = _configs(place, steps, eval_freq=every, n_eval_episodes=20)
                flow = [*FLOW, "run", str(alone[0]), "--output-root", str(place / "runs"), "--executor", "serial"]
                found[f"here {kind}"].append(spent(flow, place).cpu)
                found[f"bare {kind}"].append(spent([*_BARE, str(alone[0]), str(place / "bare")], place).cpu)
    ours, theirs = (_more(found[f"{side} with"], found[f"{side} without"]) for side in ("here", "bare"))
    what = f"{steps // _EVALUATIONS['with'] - 1} evaluations more of 20 episodes, mlp_small"
    yield middle(what, "CPU s", ours, "EvalCallback", theirs)


def environment_steps(rounds: int, *, quick: bool) -> Iterator[Row]:
    """RobotNav stepped together and one by one, resets included."""
    from extractor_flow.flows.extractor_comparison.environments.batch import OneByOne
    from extractor_flow.flows.extractor_comparison.environments.robot_nav import RobotNavEnv

    for copies in (4, 8, 20):
        found: dict[str, list[float]] = defaultdict(list)
        for seed in range(rounds):
            for name, kind in (("together", RobotNavEnv.stepped_together), ("alone", OneByOne)):
                batch: Any = kind([RobotNavEnv(max_steps=200) for _ in range(copies)])
                found[name].append(_microseconds(batch, copies, seed, 100 if quick else 1000))
        yield middle(f"RobotNav, {copies} together", "CPU us a step", found["together"], "one by one", found["alone"])


def _microseconds(batch: Any, copies: int, seed: int, steps: int) -> float:  # noqa: ANN401 - any batch
    actions = np.random.default_rng(seed).uniform(-1, 1, (steps, copies, 2)).astype(np.float32)
    for row in range(copies):
        batch.reset(row, seed=seed + row)
    begun = time.process_time()
    for each in actions:
        step = batch.step(range(copies), each)
        for row in np.flatnonzero(step.terminated | step.truncated).tolist():
            batch.reset(row)
    return (time.process_time() - begun) / steps / copies * 1e6


def _more(one: list[float], other: list[float]) -> list[float]:
    return [mine - theirs for mine, theirs in zip(one, other, strict=True)]


def _configs(place: Path, steps: int, **run: object) -> tuple[Path, list[Path]]:
    """The default comparison for so many steps, and one config for each of its extractors, mlp_small's first."""
    data = yaml.safe_load(_DEFAULT.read_text(encoding="utf-8"))
    data["run"] |= {"total_timesteps": steps, "save_freq": None, **run}
    named = {each["name"]: each for each in data["extractors"]}
    chosen = {"all": data["extractors"], "mlp_small": [named["mlp_small"]]}
    chosen |= {name: [each] for name, each in named.items()}
    paths = []
    for name, extractors in chosen.items():
        baseline = extractors[0]["name"] if name != "all" else "mlp_small"
        path = place / f"{name}.yaml"
        config = {**data, "extractors": extractors, "run": {**data["run"], "baseline_extractor": baseline}}
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        paths.append(path)
    return paths[0], paths[1:]
