"""Lies about what the saved policies score, told in every file: only playing the recorded episodes again tells.

The evaluations, the record, the event file, the log and all digests agree with each other.
"""

from __future__ import annotations

import io
import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

from extractor_flow.flows.extractor_comparison.learning_curve import Curve
from support.lies.about_measurements import logged
from support.lies.about_models import BEST, EARLY, FINAL, FLAT, LATE, remodelled, setting, telling, torched, unpacked
from support.lies.about_models import POLICY as POLICY_MEMBER
from support.lies.careful_lies import EVALUATIONS, HELD_OUT
from support.lies.mutated_runs import ONE, TWO, Change, Mutation

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.lies.tampering import Tampering

PLAYED = ("ppo-played-again",)
Arrays = dict[str, Any]


def scored(change: Callable[[Arrays], object]) -> Change:
    """Change the arrays of the evaluations, and tell of them everywhere."""

    def lie(run: Tampering) -> None:
        with np.load(run.path / EVALUATIONS) as stored:
            arrays = {name: stored[name].copy() for name in stored}
        change(arrays)
        told_everywhere(run, arrays)

    return lie


def told_everywhere(run: Tampering, arrays: Arrays) -> None:
    """The evaluations of the first job are *arrays*: in their file, the record, the event file and the log."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    (run.path / EVALUATIONS).write_bytes(buffer.getvalue())
    means = arrays["results"].mean(axis=1).tolist()
    lengths = dict(zip(arrays["timesteps"].tolist(), arrays["ep_lengths"].mean(axis=1).tolist(), strict=True))
    rewards = dict(zip(arrays["timesteps"].tolist(), means, strict=True))
    curve = Curve(tuple(rewards), tuple(means))
    best = list(rewards).index(curve.best_timestep)
    if curve.best_timestep > 0:  # of each of these steps there is a checkpoint
        shutil.copyfile(run.path / ONE / f"checkpoints/rl_model_{curve.best_timestep}_steps.zip", run.path / ONE / BEST)
    chosen = _held_out(run)
    chosen["timesteps"][0] = curve.best_timestep
    if chosen["timesteps"][0] == chosen["timesteps"][1]:
        for name in ("results", "ep_lengths", "successes"):
            chosen[name][0] = chosen[name][1]
    decided(run, chosen)
    with run.lying(ONE) as record:
        record["details"]["curve"] = curve.to_json()
        told = {
            "untrained_mean_reward": means[0],
            "best_mean_reward": curve.best,
            "best_timestep": curve.best_timestep,
            "final_mean_reward": means[-1],
            "final_std_reward": float(np.std(arrays["results"][-1])),
            "reward_gain": means[-1] - means[0],
            "convergence_timestep": curve.convergence_timestep(0.95),
        }
        for name, row in {"untrained": 0, "best": best, "final": -1}.items():
            told[f"{name}_success_rate"] = float(arrays["successes"][row].mean())
        kept = {name: value for name, value in (record["metrics"] | told).items() if value is not None}
        record["metrics"] = kept
    logged(lambda events: [_retold(event, rewards, lengths) for event in events])(run)
    log = run.path / ONE / "train.log"
    line = re.compile(r"step (\d+): mean reward \S+")
    log.write_text(
        line.sub(lambda m: f"step {m[1]}: mean reward {rewards[int(m[1])]:.4g}", log.read_text("utf-8")), "utf-8"
    )
    run.rebind()


def decided(run: Tampering, arrays: Arrays) -> None:
    """The held-out episodes of the first job are *arrays*: in their file and the record."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    (run.path / HELD_OUT).write_bytes(buffer.getvalue())
    with run.lying(ONE) as record:
        for row, name in enumerate(("held_out", "held_out_final")):
            record["metrics"][f"{name}_mean_reward"] = float(arrays["results"][row].mean())
            record["metrics"][f"{name}_success_rate"] = float(arrays["successes"][row].mean())
        record["metrics"]["held_out_std_reward"] = float(arrays["results"][0].std())


def _held_out(run: Tampering) -> Arrays:
    with np.load(run.path / HELD_OUT) as stored:
        return {name: stored[name].copy() for name in stored}


def decision(change: Callable[[Arrays], object]) -> Change:
    """Change the arrays of the held-out episodes, and tell of them in the record."""

    def lie(run: Tampering) -> None:
        arrays = _held_out(run)
        change(arrays)
        decided(run, arrays)

    return lie


def a_better_decision(run: Tampering) -> None:
    """The held-out rewards are higher."""
    arrays = _held_out(run)
    arrays["results"] += 1.0
    decided(run, arrays)


def a_decision_by_selection(run: Tampering) -> None:
    """The held-out episodes are those that the policies were evaluated, and selected, on."""
    arrays = _held_out(run)
    with np.load(run.path / EVALUATIONS) as seen:
        rows = [seen["timesteps"].tolist().index(step) for step in arrays["timesteps"]]
        for name in ("results", "ep_lengths", "successes"):
            arrays[name] = seen[name][rows]
    decided(run, arrays)


def _retold(event: Any, rewards: dict[int, float], lengths: dict[int, float]) -> Any:
    for scalar in event.summary.value:
        for tag, values in (("eval/mean_reward", rewards), ("eval/mean_ep_length", lengths)):
            if scalar.tag == tag:
                scalar.simple_value = values[event.step]
    return event


def raised(rows: slice, amount: float) -> Change:
    """All rewards of the evaluations *rows* are higher; which is the best one stays as it was."""

    def change(arrays: Arrays) -> None:
        arrays["results"][rows] += amount

    return scored(change)


def one_episode(amount: float) -> Change:
    """One episode of the last evaluation has another reward."""

    def change(arrays: Arrays) -> None:
        arrays["results"][-1, 0] += amount

    return scored(change)


def exchanged(name: str) -> Change:
    """The two episodes of the last evaluation have each other's *name*: no mean changes."""

    def change(arrays: Arrays) -> None:
        arrays[name][-1] = arrays[name][-1][::-1].copy()

    return scored(change)


def a_success(arrays: Arrays) -> None:
    """The last episode arrived, and has the reward for it."""
    arrays["results"][-1, -1] = 12.0
    arrays["successes"][-1, -1] = True


def of_another_job(source: str) -> Change:
    """The rewards of a better job: the last evaluation is that of *source*."""

    def lie(run: Tampering) -> None:
        with np.load(run.path / source / "eval_logs" / "evaluations.npz") as stored:
            other = {name: stored[name].copy() for name in stored}

        def change(arrays: Arrays) -> None:
            for name in ("results", "ep_lengths", "successes"):
                arrays[name][-1] = other[name][-1]

        scored(change)(run)

    return lie


def on_other_episodes(run: Tampering) -> None:
    """The final policy was evaluated for real, on episodes of another seed."""
    from extractor_flow.flows.extractor_comparison.checks.player import Episodes, Player
    from extractor_flow.flows.extractor_comparison.plan import Plan
    from extractor_flow.readers.weights import read_weights

    plan = Plan.from_parameters(json.loads((run.path / ONE / "job.json").read_text("utf-8"))["parameters"])
    player = Player(plan, 1)
    with (run.path / ONE / "policy.safetensors").open("rb") as stream:
        policy = player.policy(read_weights(stream, "weights"))
    episodes = sorted(player.play(policy, Episodes([7, 8], 1000)), key=lambda episode: episode.number)

    def change(arrays: Arrays) -> None:
        arrays["results"][-1] = [episode.reward for episode in episodes]
        arrays["ep_lengths"][-1] = [episode.length for episode in episodes]
        arrays["successes"][-1] = [episode.success for episode in episodes]

    scored(change)(run)


def earlier_weights(run: Tampering) -> None:
    """The final weights are those of the earlier checkpoint, shaken a little; what the event file tells of stays."""
    import torch

    early = torch.load(io.BytesIO(unpacked(run.path / ONE / EARLY)[POLICY_MEMBER]), weights_only=True)

    def edit(state: dict[str, Any]) -> dict[str, Any]:
        known: dict[int, Any] = {}
        for name, value in state.items():
            known.setdefault(value.data_ptr(), value if name == "log_std" else early[name] * (1 + 1e-6))
        return {name: known[value.data_ptr()] for name, value in state.items()}

    remodelled(torched(POLICY_MEMBER, edit), FINAL, LATE)(run)


def exchanged_seeds(run: Tampering) -> None:
    """The two seeds of the first extractor are exchanged, and every file tells of the seed that it was not."""
    aside = run.path / "aside"
    kept = ("job.json",)
    for source, target in ((run.path / ONE, aside), (run.path / TWO, run.path / ONE), (aside, run.path / TWO)):
        target.mkdir(exist_ok=True)
        for path in [each for each in source.iterdir() if each.name not in kept]:
            shutil.move(path, target / path.name)
    aside.rmdir()
    with run.journal() as records:
        one, two = (next(each for each in records if each["directory"] == job) for job in (ONE, TWO))
        first, second = _in_the_place_of(one, two), _in_the_place_of(two, one)
        one.clear(), two.clear()
        one.update(first), two.update(second)
    for job, seed in ((ONE, 1), (TWO, 2)):
        remodelled(telling(seed=seed), FINAL, EARLY, LATE, BEST, job=job)(run)


def _in_the_place_of(record: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """What *other* tells, as if it were the job of *record*."""
    own = {name: record[name] for name in ("job_key", "directory", "seed")}
    moved = json.loads(json.dumps(other).replace(other["directory"], record["directory"]))
    moved["details"]["seeds"] = record["details"]["seeds"]
    return moved | own


def _lie(title: str, change: Change) -> Mutation:
    return Mutation(title, EVALUATIONS, change, None, PLAYED)


LIES = [
    _lie("better rewards after the training", raised(slice(1, None), 3.0)),
    _lie("a worse start", raised(slice(0, 1), -2.0)),
    _lie("a little more in one episode", one_episode(0.3)),
    _lie("a little less in one episode", one_episode(-0.3)),
    _lie("a millionth more in one episode", one_episode(1e-6)),
    _lie("two episodes in each other's place", exchanged("results")),
    _lie("two lengths in each other's place", exchanged("ep_lengths")),
    Mutation("better held-out rewards", HELD_OUT, a_better_decision, None, PLAYED),
    Mutation("held-out rewards of the episodes that selected", HELD_OUT, a_decision_by_selection, None, PLAYED),
    _lie("a success", scored(a_success)),
    _lie("the rewards of another seed", of_another_job(TWO)),
    _lie("the rewards of another extractor", of_another_job(FLAT)),
    _lie("other episodes", on_other_episodes),
    _lie("an earlier checkpoint as the final model", earlier_weights),
    _lie("seeds exchanged", exchanged_seeds),
    _lie("an easier world", setting("env", "kwargs", "walls", to=0)),
]
