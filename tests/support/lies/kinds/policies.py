"""Lies about trained policies: their models, event and monitor files, schedules and scores."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from extractor_flow import layout
from support.lies.about_measurements import logged
from support.lies.about_models import (
    EARLY,
    FINAL,
    FLAT,
    LAST,
    LATE,
    Members,
    deeper,
    moments,
    remodelled,
    telling,
    torched,
    unpacked,
)
from support.lies.about_models import POLICY as POLICY_MEMBER
from support.lies.about_policies import decision, scored
from support.lies.kinds.kind import Seen, asked, gone, record, subject
from support.lies.mutated_runs import ONE, TWO, copying, run_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.lies.mutated_runs import Change
    from support.lies.tampering import Tampering

POLICIES = "policies"


def run_setting(**members: object) -> Change:
    return asked(lambda config: config["run"].update(members))


def algorithm(**members: object) -> Change:
    return asked(lambda config: config["algorithm"].update(members))


def world(**members: object) -> Change:
    return asked(lambda config: config["env"]["kwargs"].update(members))


def redrawn(change: Change) -> Change:
    """*change*, after which the figures are drawn again, as the package does."""

    def both(run: Tampering) -> None:
        change(run)
        shutil.rmtree(run.path / layout.FIGURES)
        subprocess.run([sys.executable, "-P", "-m", "extractor_flow.run.draw", str(run.path)], check=True)

    return both


def sooner(run: Tampering) -> None:
    """Another fraction of the best reward counts as converged, and the record tells of what it gives."""
    from extractor_flow.flows.extractor_comparison.learning_curve import Curve

    run_setting(convergence_fraction=0.5)(run)
    for job in (ONE, TWO, FLAT, FLAT.replace("seed-1", "seed-2")):
        with run.retold(job) as told:
            told["metrics"].pop("convergence_timestep", None)
            at = Curve.from_json(told["details"]["curve"]).convergence_timestep(0.5)
            told["metrics"] |= {} if at is None else {"convergence_timestep": at}


def one_extractor(config: dict[str, Any]) -> None:
    del config["extractors"][1]


def no_checkpoints(run: Tampering) -> None:
    """No checkpoint was ever asked for."""
    run_setting(save_freq=None)(run)
    for job in (ONE, TWO, FLAT, FLAT.replace("seed-1", "seed-2")):
        with run.retold(job) as told:
            told["artifacts"] = {role: each for role, each in told["artifacts"].items() if "checkpoint" not in role}
        shutil.rmtree(run.path / job / "checkpoints")


def shaken(part: str, size: float) -> Callable[[Members], None]:
    """Move the tensors of the policy whose name holds *part* by *size*."""

    def edit(state: dict[str, Any]) -> dict[str, Any]:
        known: dict[int, Any] = {}
        for name, value in state.items():
            known.setdefault(value.data_ptr(), value + size if part in name else value)
        return {name: known[value.data_ptr()] for name, value in state.items()}

    return torched(POLICY_MEMBER, edit)


def spread(run: Tampering) -> None:
    """Another spread of the actions, which the event file tells, too."""
    remodelled(shaken("log_std", 1e-4), *LAST)(run)
    last = float(np.exp(_log_std(run)).mean())
    logged(lambda events: [_set(each, "train/std", last) if each.step == 64 else each for each in events])(run)


def _log_std(run: Tampering) -> Any:
    from safetensors.numpy import load

    return load((run.path / ONE / "policy.safetensors").read_bytes())["log_std"]


def _set(event: Any, tag: str, value: float) -> Any:
    for scalar in event.summary.value:
        if scalar.tag == tag:
            scalar.simple_value = value
    return event


def zipped(name: str, *, comment: bytes = b"", **members: bytes) -> Change:
    """A model with other members or a comment."""

    def change(run: Tampering) -> None:
        there = unpacked(run.path / ONE / name) | members
        with zipfile.ZipFile(run.path / ONE / name, "w") as archive:
            archive.comment = comment
            for member, content in there.items():
                archive.writestr(member, content)
        shutil.copyfile(run.path / ONE / name, run.path / ONE / LATE)
        with run.retold(ONE):
            pass

    return change


def other_versions(run: Tampering) -> None:
    """Another PyTorch, in run.json, the record and the model."""
    run_json("packages", "torch", to="9.9.9")(run)
    for job in (ONE, TWO, FLAT, FLAT.replace("seed-1", "seed-2")):
        record(job, "details", "versions", "torch", to="9.9.9")(run)
        _renamed_torch(run, job)


def _renamed_torch(run: Tampering, job: str) -> None:
    import re

    def change(members: Members) -> None:
        told = members["system_info.txt"].decode()
        members["system_info.txt"] = re.sub(r"PyTorch: \S+", "PyTorch: 9.9.9", told).encode()

    remodelled(change, FINAL, EARLY, LATE, "best_model/best_model.zip", job=job)(run)


SCHEDULES = subject(
    "goalposts of a comparison",
    POLICIES,
    ("another baseline", redrawn(run_setting(baseline_extractor="flat")), Seen.WITNESS),
    ("no baseline", redrawn(run_setting(baseline_extractor=None)), Seen.WITNESS),
    ("converged at half of the best", redrawn(sooner), Seen.WITNESS),
    ("the other extractor never asked for", redrawn(asked(one_extractor)), Seen.WITNESS),
    ("no checkpoint ever asked for", no_checkpoints, Seen.WITNESS),
    ("fewer evaluations", run_setting(eval_freq=64), Seen.LIGHT, "ppo-evaluations"),
    ("one episode an evaluation", run_setting(n_eval_episodes=1), Seen.LIGHT, "ppo-evaluations"),
    ("one environment", run_setting(num_envs=1), Seen.LIGHT, "ppo-settings"),
    ("another limit of time", run_setting(time_limit_seconds=5), Seen.WITNESS),
    ("another discount", algorithm(gamma=0.9), Seen.LIGHT, "ppo-settings"),
    ("another lambda", algorithm(gae_lambda=0.5), Seen.LIGHT, "ppo-settings"),
    ("a bonus for entropy", algorithm(ent_coef=0.1), Seen.LIGHT, "ppo-settings"),
    ("another weight of values", algorithm(vf_coef=0.1), Seen.LIGHT, "ppo-settings"),
    ("another norm of gradients", algorithm(max_grad_norm=9.0), Seen.LIGHT, "ppo-settings"),
    ("advantages as they are", algorithm(normalize_advantage=False), Seen.LIGHT, "ppo-settings"),
    ("larger batches", algorithm(batch_size=32), Seen.LIGHT, "ppo-settings"),
    ("more pedestrians", world(pedestrians=9), Seen.DEEP, "ppo-played-again"),
    ("a larger arena", world(arena_size=20.0), Seen.DEEP, "ppo-played-again"),
)  # fmt: skip
MODELS = subject(
    "models and checkpoints",
    POLICIES,
    ("a value network that was shaken", remodelled(shaken("value_net", 1e-5), *LAST), Seen.REPLAY, "replay"),
    ("another spread of actions", spread, Seen.REPLAY, "replay"),
    ("a policy that was shaken", remodelled(shaken("action_net", 1e-4), *LAST), Seen.DEEP, "ppo-played-again"),
    ("moments a little larger", remodelled(moments(lambda a, b: (a * 1.01, b * 1.01)), *LAST), Seen.WITNESS),
    ("an attribute more", remodelled(telling(award="best"), *LAST), Seen.WITNESS),
    ("other last observations", remodelled(deeper("_last_obs", rays="[[[9. 9. 9.]]]"), *LAST), Seen.WITNESS),
    ("other last episodes", remodelled(deeper("ep_info_buffer", best="99"), *LAST), Seen.WITNESS),
    ("progress that remains", remodelled(telling(_current_progress_remaining=0.9), *LAST), Seen.WITNESS),
    ("more episodes", remodelled(telling(_episode_num=999), *LAST), Seen.WITNESS),
    ("another schedule of the rate", remodelled(deeper("lr_schedule", value_schedule="ConstantSchedule(val=9)"), *LAST),
     Seen.LIGHT, "ppo-settings"),
    ("another class of policy", remodelled(deeper("policy_class", __module__="my.policies"), *LAST), Seen.WITNESS),
    ("a member more", zipped(FINAL, notes=b"trained for a week"), Seen.WITNESS),
    ("a comment", zipped(FINAL, comment=b"trained for a week"), Seen.LIGHT, "ppo-settings"),
    ("another version of PyTorch, everywhere", other_versions, Seen.WITNESS),
    ("another untrained policy", record(ONE, "details", "untrained_weights_sha256", to="0" * 64),
     Seen.LIGHT, "ppo-weights"),
    ("another untrained policy of a job that got better",
     record(FLAT, "details", "untrained_weights_sha256", to="0" * 64), Seen.DEEP, "ppo-played-again"),
    ("other threads", record(ONE, "details", "torch_threads", to=64), Seen.LIGHT, "ppo-record"),
)  # fmt: skip
FIGURES = subject(
    "figures of a comparison",
    POLICIES,
    ("one figure in the place of another", copying("figures/held_out_reward.png", "figures/learning_curves.png"),
     Seen.DEEP, "figures-made-again"),
    ("a figure less", gone(f"{layout.FIGURES}/learning_curves.png"), Seen.DEEP, "figures-made-again"),
    ("no figure", gone(layout.FIGURES), Seen.WITNESS),
)  # fmt: skip


def more(arrays: dict[str, Any]) -> None:
    arrays["results"] += 0.01


def shorter(arrays: dict[str, Any]) -> None:
    arrays["ep_lengths"][-1, 0] -= 1


def once_more(arrays: dict[str, Any]) -> None:
    for name in ("results", "ep_lengths", "successes"):
        arrays[name][-2] = arrays[name][-1]


def exchanged(arrays: dict[str, Any]) -> None:
    """The first two episodes of the selected policy in each other's place: no mean tells."""
    for name in ("results", "ep_lengths", "successes"):
        arrays[name][0, :2] = arrays[name][0, 1::-1]


def sooner_over(arrays: dict[str, Any]) -> None:
    """An episode of the final policy was a step shorter."""
    arrays["ep_lengths"][1, 0] -= 1


def as_selected(arrays: dict[str, Any]) -> None:
    """The final policy had the episodes of the selected one."""
    for name in ("results", "ep_lengths", "successes"):
        arrays[name][1] = arrays[name][0]


SCORES = subject(
    "scores",
    POLICIES,
    ("a little more in every episode", scored(more), Seen.DEEP, "ppo-played-again"),
    ("one step less in an episode", scored(shorter), Seen.DEEP, "ppo-played-again"),
    ("the last evaluation as the one before", scored(once_more), Seen.DEEP, "ppo-played-again"),
    ("better held-out episodes", decision(more), Seen.DEEP, "ppo-played-again"),
    ("two held-out episodes exchanged", decision(exchanged), Seen.DEEP, "ppo-played-again"),
    ("a shorter held-out episode", decision(sooner_over), Seen.DEEP, "ppo-played-again"),
    (
        "the selected policy's held-out episodes as the final's",
        decision(as_selected),
        Seen.DEEP,
        "ppo-played-again",
    ),
    ("fewer held-out episodes asked for", run_setting(final_eval_episodes=1), Seen.LIGHT, "ppo-held-out"),
    ("other held-out seeds", record(ONE, "details", "seeds", "held_out", to=[5, 6]), Seen.LIGHT, "ppo-record"),
)
