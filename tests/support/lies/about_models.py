"""Lies about how a policy was trained: inside the saved models, or in the config that they were trained by.

The lie is told in every file that says the same, with digests that fit.
"""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.numpy import load, save

from extractor_flow import layout
from extractor_flow.config import ConfigDocument
from extractor_flow.files import dumps
from extractor_flow.readers.models import OPTIMIZER, POLICY, read_model
from extractor_flow.registry import find_flow
from extractor_flow.run.provenance import config_digest
from support.lies.mutated_runs import ONE, TWO, Change, Mutation
from support.lies.tampering import Tampering
from support.published import COMPARISON

STUDY: dict[str, Any] = {
    **COMPARISON,
    "algorithm": {**COMPARISON["algorithm"], "policy": {"net_arch": [16, 8]}},
    "extractors": [{"name": "mlp", "preset": "mlp_small"}, {"name": "flat", "preset": "dynamics_no_conv"}],
}
FLAT = "extractors/flat/seed-1"
FINAL, EARLY, LATE = "final_model.zip", "checkpoints/rl_model_32_steps.zip", "checkpoints/rl_model_64_steps.zip"
BEST, WEIGHTS = "best_model/best_model.zip", "policy.safetensors"
LAST = (FINAL, LATE)
Members = dict[str, bytes]


def unpacked(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def remodelled(change: Callable[[Members], object], *names: str, job: str = ONE) -> Change:
    """Change the members of the models *names*, and set the weights' file and all digests right."""

    def rewrite(run: Tampering) -> None:
        for name in names or (FINAL,):
            members = unpacked(run.path / job / name)
            change(members)
            with zipfile.ZipFile(run.path / job / name, "w") as archive:
                for member, content in members.items():
                    archive.writestr(member, content)
        weights = read_model(io.BytesIO((run.path / job / FINAL).read_bytes()), FINAL).weights
        (run.path / job / WEIGHTS).write_bytes(save({name: weights[name].copy() for name in sorted(weights)}))
        run.digested(job)

    return rewrite


def telling(**settings: object) -> Callable[[Members], None]:
    """Set attributes of the algorithm in a model's data; ``None`` takes one out."""

    def change(members: Members) -> None:
        data = json.loads(members["data"]) | settings
        kept = {name: value for name, value in data.items() if value is not None or name not in settings}
        members["data"] = json.dumps(kept).encode()

    return change


def deeper(name: str, **texts: object) -> Callable[[Members], None]:
    """Set what the text beside the pickled attribute *name* says."""

    def change(members: Members) -> None:
        data = json.loads(members["data"])
        data[name] |= texts
        members["data"] = json.dumps(data).encode()

    return change


def torched(member: str, edit: Callable[[dict[str, Any]], object]) -> Callable[[Members], None]:
    """Change what PyTorch finds in *member*; *edit* changes the dict it gets, or returns another."""

    def change(members: Members) -> None:
        import torch

        state = torch.load(io.BytesIO(members[member]), weights_only=True)
        buffer = io.BytesIO()
        edited = edit(state)
        torch.save(state if edited is None else edited, buffer)
        members[member] = buffer.getvalue()

    return change


def moments(edit: Callable[[Any, Any], tuple[Any, Any]]) -> Callable[[Members], None]:
    """Change the two moments of every tensor in the optimizer."""

    def each(state: dict[str, Any]) -> None:
        for row in state["state"].values():
            row["exp_avg"], row["exp_avg_sq"] = edit(row["exp_avg"], row["exp_avg_sq"])

    return torched(OPTIMIZER, each)


def each_tensor(edit: Callable[[Any], Any]) -> Callable[[Members], None]:
    """Change every tensor of the policy; those that were one stay one."""

    def change(state: dict[str, Any]) -> dict[str, Any]:
        known = {value.data_ptr(): edit(value) for value in state.values()}
        return {name: known[value.data_ptr()] for name, value in state.items()}

    return torched(POLICY, change)


def renamed(state: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("action_net", "transformer"): value for name, value in state.items()}


def with_a_buffer(state: dict[str, Any]) -> None:
    state["features_extractor.magic"] = next(iter(state.values())).new_ones(1000)


def faster(state: dict[str, Any]) -> None:
    state["param_groups"][0]["lr"] = 0.5


def copied(source: str, target: str) -> Change:
    """One file of the run in the place of another, all digests set right."""

    def change(run: Tampering) -> None:
        shutil.copyfile(run.path / source, run.path / target)
        run.digested(ONE)

    return change


def with_the_optimizer_of(source: str) -> Change:
    """The final model with the optimizer of another model."""

    def change(run: Tampering) -> None:
        other = unpacked(run.path / source)[OPTIMIZER]
        remodelled(lambda members: members.update({OPTIMIZER: other}))(run)

    return change


def boast(run: Tampering) -> None:
    """Words in the header of the weights' file."""
    path = run.path / ONE / WEIGHTS
    path.write_bytes(save(load(path.read_bytes()), {"steps": "1000000"}))
    run.digested(ONE)


def relabelled(edit: Callable[[dict[str, Any]], object]) -> Change:
    """Change the config, and let every file tell of the run as if it had been made by it."""

    def change(run: Tampering) -> None:
        with run.json(layout.RUN) as request:
            edit(request["config"])
            document = ConfigDocument(Path("run.json"), data=request["config"], positions={})
            overrides = {key: request[key] for key in ("run_id", "output_root")}
            study = find_flow(request["flow"]).study(document, request["overrides"] | overrides)
            keys = [job["job_key"] for job in request["jobs"]]
            now = dict(zip(keys, study.jobs, strict=True))
            request["config"], request["config_sha256"] = dict(study.settings), config_digest(study.settings)
            request["jobs"] = [job.announced() for job in study.jobs]
        with run.journal() as records:
            for record in records:
                job = now[record["job_key"]]
                record["job_key"] = job.key
                record["details"]["environment"] = job.parameters["environment"]["id"]
                (run.path / job.directory / "job.json").write_text(dumps(job.to_json()), encoding="utf-8")
        with run.journal() as records:
            directories = [record["directory"] for record in records]
        for directory in directories:
            run.digested(directory)

    return change


def setting(*steps: str, to: object) -> Change:
    """One setting of the config, relabelled."""

    def edit(config: dict[str, Any]) -> None:
        *way, last = steps
        for step in way:
            config = config[step]
        config[last] = to

    return relabelled(edit)


def extractor(**members: object) -> Change:
    """The first extractor of the config, relabelled."""
    return relabelled(lambda config: config["extractors"][0].update(members))


def swap(config: dict[str, Any]) -> None:
    first, second = config["extractors"]
    first["preset"], second["preset"] = second["preset"], first["preset"]


def classed(config: dict[str, Any]) -> None:
    config["extractors"][0].pop("preset")
    config["extractors"][0].update({"class": "stable_baselines3.common.torch_layers:FlattenExtractor"})


def lie(title: str, name: str, change: Change, kind: str | None = None, *, checks: tuple[str, ...]) -> Mutation:
    return Mutation(title, f"{ONE}/{name}", change, kind, checks)


def told_by_the_models_too(run: Tampering) -> None:
    """Every model says that it was made with the preset that the config is said to have named."""
    extractor(preset="attention_small")(run)
    (parameters,) = {
        json.dumps(job["parameters"]["extractor"]["parameters"])
        for job in (json.loads((run.path / folder / "job.json").read_text()) for folder in (ONE, TWO))
    }
    texts = {
        "features_extractor_class": "<class 'attention.AttentionExtractor'>",
        "features_extractor_kwargs": json.loads(parameters),
    }
    for job in (ONE, TWO):
        remodelled(deeper("policy_kwargs", **texts), FINAL, EARLY, LATE, BEST, job=job)(run)


WORLD = "{'x': Box(0, 1, (2,), float32)}"
INSIDE = [
    lie(
        "another seed's checkpoint",
        EARLY,
        copied(f"{TWO}/{EARLY}", f"{ONE}/{EARLY}"),
        checks=("ppo-jobs-differ", "ppo-learning", "ppo-settings"),
    ),
    lie(
        "another extractor's checkpoint",
        EARLY,
        copied(f"{FLAT}/{EARLY}", f"{ONE}/{EARLY}"),
        checks=("ppo-jobs-differ", "ppo-learning", "ppo-settings", "ppo-weights"),
    ),
    lie(
        "a checkpoint of noise",
        EARLY,
        remodelled(each_tensor(lambda value: value.normal_()), EARLY),
        checks=("ppo-learning",),
    ),
    lie(
        "a checkpoint of one tensor",
        EARLY,
        remodelled(torched(POLICY, lambda s: {"log_std": s["log_std"]}), EARLY),
        checks=("ppo-optimizer", "ppo-settings", "ppo-weights"),
    ),
    lie(
        "a checkpoint without optimizer",
        EARLY,
        remodelled(lambda members: members.pop(OPTIMIZER), EARLY),
        "missing",
        checks=("ppo-settings",),
    ),
    lie("another seed in a checkpoint", EARLY, remodelled(telling(seed=77), EARLY), checks=("ppo-settings",)),
    lie("another rate in the best model", BEST, remodelled(telling(learning_rate=1.0), BEST), checks=("ppo-settings",)),
    lie(
        "a seed that no model tells",
        FINAL,
        remodelled(telling(seed=None, gamma=None), FINAL, EARLY, LATE, BEST),
        checks=("ppo-settings",),
    ),
    lie(
        "a model that tells its steps only",
        FINAL,
        remodelled(lambda m: m.update(data=b'{"num_timesteps": 64}')),
        checks=("ppo-settings",),
    ),
    lie("more passes", FINAL, remodelled(telling(_n_updates=6000)), checks=("ppo-settings",)),
    lie("more steps asked for", FINAL, remodelled(telling(_total_timesteps=10**6)), checks=("ppo-settings",)),
    lie(
        "a training that was continued",
        FINAL,
        remodelled(telling(_num_timesteps_at_start=32)),
        checks=("ppo-settings",),
    ),
    lie(
        "an optimizer that saw nothing",
        FINAL,
        remodelled(moments(lambda a, b: (a * 0, b * 0)), *LAST),
        checks=("ppo-optimizer",),
    ),
    lie(
        "moments that are not numbers",
        FINAL,
        remodelled(moments(lambda a, b: (a * float("nan"), b)), *LAST),
        checks=("ppo-optimizer",),
    ),
    lie("negative squares", FINAL, remodelled(moments(lambda a, b: (a, -1 - b)), *LAST), checks=("ppo-optimizer",)),
    lie(
        "moments of no tensor",
        FINAL,
        remodelled(moments(lambda a, b: (a.reshape(-1), b.reshape(-1))), *LAST),
        checks=("ppo-optimizer",),
    ),
    lie(
        "squares of another shape",
        FINAL,
        remodelled(moments(lambda a, b: (a, b.reshape(-1))), *LAST),
        checks=("ppo-optimizer",),
    ),
    lie(
        "another rate in the optimizer", FINAL, remodelled(torched(OPTIMIZER, faster), *LAST), checks=("ppo-optimizer",)
    ),
    lie("another seed's optimizer", FINAL, with_the_optimizer_of(f"{TWO}/{FINAL}"), checks=("ppo-weights",)),
    lie(
        "an optimizer of fewer updates",
        FINAL,
        with_the_optimizer_of(f"{ONE}/{EARLY}"),
        checks=("ppo-learning", "ppo-optimizer", "ppo-weights"),
    ),
    lie(
        "weights a hundred times as large",
        FINAL,
        remodelled(each_tensor(lambda value: value * 100), *LAST),
        checks=("ppo-learning",),
    ),
    lie(
        "weights of twice the precision",
        FINAL,
        remodelled(each_tensor(lambda value: value.double()), *LAST),
        checks=("ppo-optimizer",),
    ),
    lie(
        "numbers beside the weights",
        FINAL,
        remodelled(torched(POLICY, with_a_buffer), *LAST),
        checks=("ppo-optimizer",),
    ),
    lie(
        "tensors of other names",
        FINAL,
        remodelled(torched(POLICY, renamed), *LAST, EARLY, BEST),
        checks=("ppo-weights",),
    ),
    lie("words in the weights' file", WEIGHTS, boast, checks=("ppo-weights",)),
    lie(
        "a model that nobody claims",
        "checkpoints/rl_model_99_steps.zip",
        copied(f"{ONE}/{EARLY}", f"{ONE}/checkpoints/rl_model_99_steps.zip"),
        checks=("ppo-unclaimed-models",),
    ),
    lie(
        "another extractor in the model",
        FINAL,
        remodelled(deeper("policy_kwargs", features_extractor_class="<class 'my.Own'>")),
        checks=("ppo-settings",),
    ),
    lie(
        "other observations in the model",
        FINAL,
        remodelled(deeper("observation_space", spaces=WORLD)),
        checks=("ppo-settings",),
    ),
    lie("other actions in the model", FINAL, remodelled(deeper("action_space", _shape=[17])), checks=("ppo-settings",)),
    lie(
        "another clip range in the model",
        FINAL,
        remodelled(deeper("clip_range", value_schedule="ConstantSchedule(val=1e9)")),
        checks=("ppo-settings",),
    ),
    lie("no network in the model", FINAL, remodelled(telling(policy_kwargs=None)), checks=("ppo-settings",)),
    lie(
        "a network that is a word in the model",
        FINAL,
        remodelled(telling(policy_kwargs="mlp")),
        checks=("ppo-settings",),
    ),
]
TOLD_OTHERWISE = [
    lie("a larger preset", FINAL, extractor(preset="mlp_large"), checks=("ppo-settings",)),
    lie("a preset of another kind", FINAL, extractor(preset="attention_small"), checks=("ppo-settings",)),
    lie("a class in the place of a preset", FINAL, relabelled(classed), checks=("ppo-settings",)),
    lie("other parameters", FINAL, extractor(parameters={"dropout_rate": 0.5}), checks=("ppo-settings",)),
    lie("two presets in each other's place", FINAL, relabelled(swap), checks=("ppo-settings",)),
    lie("another clip range", FINAL, setting("algorithm", "clip_range", to=0.05), checks=("ppo-settings",)),
    lie(
        "another clip range of values", FINAL, setting("algorithm", "clip_range_vf", to=0.05), checks=("ppo-settings",)
    ),
    lie(
        "another rate", FINAL, setting("algorithm", "learning_rate", to=0.01), checks=("ppo-optimizer", "ppo-settings")
    ),
    lie("another window", FINAL, setting("algorithm", "stats_window_size", to=7), checks=("ppo-settings",)),
    lie("another activation", FINAL, setting("algorithm", "policy", "activation", to="gelu"), checks=("ppo-settings",)),
    lie("another network", FINAL, setting("algorithm", "policy", "net_arch", to=[512]), checks=("ppo-settings",)),
    lie("another start", FINAL, setting("algorithm", "policy", "ortho_init", to=False), checks=("ppo-settings",)),
    lie("another spread", FINAL, setting("algorithm", "policy", "log_std_init", to=-3.0), checks=("ppo-settings",)),
    lie(
        "extractors of their own",
        FINAL,
        setting("algorithm", "policy", "share_features_extractor", to=False),
        checks=("ppo-settings",),
    ),
    lie("fewer steps asked for", FINAL, setting("run", "total_timesteps", to=33), checks=("ppo-settings",)),
    lie("more rays", FINAL, setting("env", "kwargs", "rays", to=720), checks=("ppo-settings",)),
    lie(
        "shorter episodes",
        "eval_logs/evaluations.npz",
        setting("env", "kwargs", "max_steps", to=5),
        checks=("ppo-evaluations",),
    ),
    lie(
        "shorter episodes by gymnasium",
        "eval_logs/evaluations.npz",
        setting("env", "kwargs", "max_episode_steps", to=5),
        checks=("ppo-evaluations",),
    ),
]
LIES = [*INSIDE, *TOLD_OTHERWISE]
