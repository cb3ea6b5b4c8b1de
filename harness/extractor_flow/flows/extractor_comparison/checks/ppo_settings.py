"""Holds what a saved model says of its own training against the plan: how it was set, on what, and how far it came.

Stable-Baselines3 saves a model's attributes as JSON; objects in it are pickled, but have their attributes beside them
as texts. Those texts are read here; nothing is unpickled.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from extractor_flow.evidence.findings import Violation, brief
from extractor_flow.flows.extractor_comparison.checks.optimizer import may_end_early
from extractor_flow.flows.extractor_comparison.extractors.presets import PRESETS
from extractor_flow.readers.models import POLICY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.flows.extractor_comparison.checks.examine import Claims
    from extractor_flow.readers.models import Model

CLASSES = {
    "dynamics": "DynamicsExtractor",
    "perceptron": "PerceptronExtractor",
    "attention": "AttentionExtractor",
    "convolution": "LightweightCnnExtractor",
    "recurrent": "LstmExtractor",
    "state_space": "MambaLiteExtractor",
}
ACTIVATIONS = {"tanh": "Tanh", "relu": "ReLU", "elu": "ELU", "gelu": "GELU", "silu": "SiLU"}
_OWN_NAMES = {"stats_window_size": "_stats_window_size"}
_SCHEDULES = {"clip_range": "clip_range", "clip_range_vf": "clip_range_vf", "learning_rate": "lr_schedule"}
_CONSTANT = re.compile(r"ConstantSchedule\(val=([0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?)\)")
_LAYER = re.compile(r"mlp_extractor\.(policy_net|value_net)\.([0-9]{1,6})\.weight")
_CLASS = re.compile(r"<class '([\w.<>]+)'>")
_STRANGERS = ("extractor_flow.flows.extractor_comparison.extractors.", "stable_baselines3.")
_CLOCK_STEP = 60.0
_ABSENT, _UNKNOWN = object(), object()


def check_settings(job: Claims, path: str, model: Model, step: int) -> Iterator[Violation]:
    """What the model at *path*, of *step* steps, says of its own training that is not what the job was to do."""
    for name, found, wanted in (*_attributes(job, model), *_policy(job, model), *_counters(job, model, step)):
        if found != wanted:
            said = "nothing" if found is _ABSENT else brief(found)
            yield Violation(path, f"data: $.{name}", said, f"the job has {brief(wanted)}", "evidence")
    yield from _check_extractor(job, path, model)
    yield from _check_network(job, path, model)
    yield from _check_start(job, path, model)


_Comparison = tuple[str, object, object]


def _attributes(job: Claims, model: Model) -> Iterator[_Comparison]:
    """The algorithm's own: name, what the model has, what is due."""
    plain = {name: value for name, value in job.plan.algorithm.items() if not isinstance(value, Mapping)}
    due = {"seed": job.record.seed or 0, "n_envs": job.plan.schedule.num_envs, **plain}
    for name, wanted in due.items():
        kept = _OWN_NAMES.get(name, name)
        if kept not in _SCHEDULES.values():
            yield kept, model.settings.get(kept, _ABSENT), wanted
    for name, kept in _SCHEDULES.items():
        found = _constant(model.settings.get(kept, _ABSENT))
        if name in plain and found is not _UNKNOWN:
            yield kept, found, plain[name]


def _constant(schedule: object) -> object:
    """The number that *schedule* always gives; older versions of the library wrote no text from which to read it."""
    match schedule:
        case {"value_schedule": str(text)} if number := _CONSTANT.fullmatch(text):
            return float(number[1])
        case {}:
            return _UNKNOWN
    return schedule


def _policy(job: Claims, model: Model) -> Iterator[_Comparison]:
    """The network's arguments, but for the extractor's class."""
    told = model.settings.get("policy_kwargs")
    told = told if isinstance(told, dict) else {}
    due = dict(job.plan.algorithm["policy"])
    activation = due.pop("activation")
    found = _class_of(told.get("activation_fn"))
    yield "policy_kwargs.activation_fn", found and found.rpartition(".")[2], ACTIVATIONS[activation]
    due["features_extractor_kwargs"] = dict(job.plan.extractor.parameters)
    for name, wanted in due.items():
        yield f"policy_kwargs.{name}", told.get(name, _ABSENT), wanted


def _counters(job: Claims, model: Model, step: int) -> Iterator[_Comparison]:
    """How far the training came, and from where."""
    yield "_total_timesteps", model.settings.get("_total_timesteps", _ABSENT), job.plan.schedule.total_timesteps
    yield "_num_timesteps_at_start", model.settings.get("_num_timesteps_at_start", _ABSENT), 0
    rollouts = step // job.plan.rollout
    passes, most = model.settings.get("_n_updates", _ABSENT), rollouts * int(job.plan.algorithm["n_epochs"])
    if not (may_end_early(job.plan) and isinstance(passes, int) and rollouts <= passes <= most):
        yield "_n_updates", passes, most


def _check_extractor(job: Claims, path: str, model: Model) -> Iterator[Violation]:
    """The extractor's class is the preset's; one that a config names may be known by another name where it is defined.

    Only a class of this package or of Stable-Baselines3 cannot be a user's own under another name.
    """
    told = model.settings.get("policy_kwargs")
    text = told.get("features_extractor_class") if isinstance(told, dict) else None
    found = _class_of(text)
    choice = job.plan.extractor
    target = CLASSES[PRESETS[choice.preset].kind] if choice.preset is not None else str(choice.target)
    wanted = re.split("[.:]", target)[-1]
    if found is not None and found.rpartition(".")[2] == wanted:
        return
    if choice.preset is not None or text is None or (found is not None and found.startswith(_STRANGERS)):
        place = "data: $.policy_kwargs.features_extractor_class"
        yield Violation(path, place, brief(text or "nothing"), f"the job has {wanted}", "evidence")


def _class_of(text: object) -> str | None:
    """The full name of the class that *text* shows."""
    match = _CLASS.fullmatch(text) if isinstance(text, str) else None
    return match[1] if match else None


def _check_network(job: Claims, path: str, model: Model) -> Iterator[Violation]:
    """The tensors have the layers that the plan gives; a preset's extractor is shared where that was asked for."""
    policy, weights = job.plan.algorithm["policy"], model.weights
    for part in ("policy_net", "value_net") if policy["net_arch"] is not None else ():
        layers = [(match, weights[name]) for name in weights if (match := _LAYER.fullmatch(name)) and match[1] == part]
        widths = [len(values) if values.ndim else 0 for _, values in sorted(layers, key=lambda layer: int(layer[0][2]))]
        if widths != policy["net_arch"]:
            place = f"{POLICY}: mlp_extractor.{part}"
            yield Violation(path, place, brief(widths), f"the job has {brief(policy['net_arch'])}", "evidence")
    names = [name for name, values in weights.items() if name.startswith("vf_features_extractor.") and values.size]
    shared = {name in model.aliases for name in names}
    if job.plan.extractor.preset is not None and shared - {policy["share_features_extractor"]}:
        wanted = policy["share_features_extractor"]
        yield Violation(path, POLICY, f"share_features_extractor: {not wanted}", f"the job has {wanted}", "evidence")


def _check_start(job: Claims, path: str, model: Model) -> Iterator[Violation]:
    """The training began while the job ran; clocks are set now and then, so a minute is nothing."""
    started: Any = model.settings.get("start_time")
    record = job.record
    if record.start_time is None or record.end_time is None:
        return
    begin, end = (datetime.fromisoformat(text).timestamp() for text in (record.start_time, record.end_time))
    seconds = started / 1e9 if isinstance(started, int) and abs(started) < 1 << 63 else math.nan
    if not begin - _CLOCK_STEP <= seconds <= end + _CLOCK_STEP:
        what = f"the job ran from {record.start_time} to {record.end_time}"
        yield Violation(path, "data: $.start_time", brief(started), what, "evidence")
