"""What a saved model says of its own training against the plan: how it was set, on what, and how far it came.

Stable-Baselines3 saves a model's attributes as JSON; objects in it are pickled, but have their attributes beside them
as texts. Those texts are read here; nothing is unpickled.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from extractor_flow.evidence.check import check
from extractor_flow.flows.extractor_comparison.algorithms.defaults import LINEAR, first_value, optimizer_arguments
from extractor_flow.flows.extractor_comparison.checks.claims import contradiction
from extractor_flow.flows.extractor_comparison.checks.expected import ACTIONS, shapes_of
from extractor_flow.flows.extractor_comparison.checks.models.optimizer import may_end_early, passes_by
from extractor_flow.flows.extractor_comparison.config import DEFAULT_ENVIRONMENT
from extractor_flow.flows.extractor_comparison.extractors.kinds import KINDS
from extractor_flow.flows.extractor_comparison.extractors.presets import PRESETS
from extractor_flow.readers.models import POLICY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.evidence.findings import Violation
    from extractor_flow.flows.extractor_comparison.algorithms.declared import Stack
    from extractor_flow.flows.extractor_comparison.checks.claims import Claims, Saved
    from extractor_flow.flows.extractor_comparison.plan import Plan
    from extractor_flow.readers.models import Model
    from extractor_flow.readers.weights import Weights

ACTIVATIONS = {"tanh": "Tanh", "relu": "ReLU", "elu": "ELU", "gelu": "GELU", "silu": "SiLU"}
_OWN_NAMES = {"stats_window_size": "_stats_window_size"}
_SCHEDULES = {"clip_range": "clip_range", "clip_range_vf": "clip_range_vf", "learning_rate": "lr_schedule"}
_CONSTANT = re.compile(r"ConstantSchedule\(val=([0-9]+(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?)\)")
_FALLING = re.compile(r"LinearSchedule\(start=([^,()]{1,40}), end=0\.0, end_fraction=1\.0\)")
_NUMBER = re.compile(r"\.([0-9]{1,6})\.weight")
_NOISES = {"normal": "Normal", "ornstein-uhlenbeck": "OrnsteinUhlenbeck"}
# Told in another way, or by what follows from them: the updates, the optimizer, the noise.
_NOT_TOLD = {"name", "policy", "train_freq", "use_rms_prop", "rms_prop_eps", "noise_type", "noise_std"}
_CLASS = re.compile(r"<class '([\w.<>]+)'>")
_STRANGERS = ("extractor_flow.flows.extractor_comparison.extractors.", "stable_baselines3.")
_BOX = re.compile(r"'(\w+)': Box\([^()]*\(([0-9, ]{1,60})\)")
_ABSENT, _UNKNOWN = object(), object()


_Comparison = tuple[str, object, object]


@check("ppo-settings", reads=("final_model", "best_model"))
def settings(job: Claims) -> Iterator[Violation]:
    """Each saved model tells the plan's arguments, network, extractor and spaces, and the steps and passes made.

    Catches: a config that was changed after the training, a model of another training. Cannot catch: what is changed in
    every model as well; --deep makes the extractor again, and plays the policies again.
    """
    for saved in job.saved:
        model = saved.model
        for name, found, wanted in (*_attributes(job, model), *_policy(job, model), *_counters(job, saved)):
            if found != wanted:
                claim = "nothing" if found is _ABSENT else found
                yield contradiction(saved.path, f"data: $.{name}", claim, f"the job has {wanted!r}")
        yield from _compare_extractor(job, saved)
        yield from _compare_network(job, saved)
        yield from _compare_spaces(job, saved)


def _attributes(job: Claims, model: Model) -> Iterator[_Comparison]:
    """The algorithm's attributes: name, the model's value, the expected value."""
    plain = {name: _setting(value) for name, value in job.plan.algorithm.items() if name not in _NOT_TOLD}
    if plain.get("target_entropy") == "auto":  # the model tells what that came to
        del plain["target_entropy"]
    expected = {"seed": job.record.seed or 0, "n_envs": job.plan.schedule.num_envs, **plain}
    for name, wanted in expected.items():
        kept = _OWN_NAMES.get(name, name)
        if kept not in _SCHEDULES.values():
            yield kept, _falling(model.settings.get(kept, _ABSENT)), wanted
    for name, kept in _SCHEDULES.items():
        found = _constant(model.settings.get(kept, _ABSENT))
        if name in plain and found is not _UNKNOWN:
            yield kept, found, plain[name]
    if "noise_type" in job.plan.algorithm:
        yield "action_noise", _noise_in(model), _noise_of(job.plan.algorithm)


def _noise_of(algorithm: Mapping[str, Any]) -> object:
    kind = algorithm["noise_type"]
    return None if kind is None else (_NOISES[kind], float(algorithm["noise_std"]))


def _noise_in(model: Model) -> object:
    """The kind of the noise on the actions, and its standard deviation; of several environments one for each."""
    noise = model.settings.get("action_noise", _ABSENT)
    if not isinstance(noise, dict):
        return noise
    kind = re.search(r"(Normal|OrnsteinUhlenbeck)ActionNoise", f"{noise.get(':type:')} {noise.get('_base_noise')}")
    spread = re.search(r"sigma=\[([^ \],]{1,40})", str(noise.get("_base_noise"))) or re.match(
        r"\[([^ \],]{1,40})", str(noise.get("_sigma"))
    )
    return kind and kind[1], float(spread[1]) if spread else None


def _constant(schedule: object) -> object:
    """The number that *schedule* always gives; older versions of the library wrote no text from which to read it."""
    match schedule:
        case {"value_schedule": str(text)} if number := _CONSTANT.fullmatch(text):
            return float(number[1])
        case {"value_schedule": str(text)} if number := _FALLING.fullmatch(text):
            return _setting(f"{LINEAR}{number[1]}")
        case {}:
            return _UNKNOWN
    return schedule


def _falling(found: object) -> object:
    """*found*, or the schedule that stands there in its place."""
    match found:
        case {"start": first, "end": 0.0, "end_fraction": 1.0}:
            return _setting(f"{LINEAR}{first}")
    return found


def _setting(value: Any) -> Any:  # noqa: ANN401 - any setting
    """*value*, and a linear schedule by its first value, however that was written."""
    falls = isinstance(value, str) and value.startswith(LINEAR)
    return f"{LINEAR}{first_value(value)!r}" if falls else value


def _policy(job: Claims, model: Model) -> Iterator[_Comparison]:
    """The network's arguments, but for the extractor's class."""
    arguments = model.settings.get("policy_kwargs")
    arguments = arguments if isinstance(arguments, dict) else {}
    expected = dict(job.plan.algorithm["policy"])
    activation = expected.pop("activation")
    found = _class_of(arguments.get("activation_fn"))
    yield "policy_kwargs.activation_fn", found and found.rpartition(".")[2], ACTIVATIONS[activation]
    if not expected.get("optimizer_kwargs"):
        expected.pop("optimizer_kwargs", None)
    if own := optimizer_arguments(job.plan.algorithm):
        expected["optimizer_kwargs"] = own
    expected["features_extractor_kwargs"] = dict(job.plan.extractor.parameters)
    for name, wanted in expected.items():
        yield f"policy_kwargs.{name}", arguments.get(name, _ABSENT), wanted


def _counters(job: Claims, saved: Saved) -> Iterator[_Comparison]:
    """How far the training came, and from where."""
    saved_settings = saved.model.settings
    yield "num_timesteps", saved.model.num_timesteps, saved.step
    yield "_total_timesteps", saved_settings.get("_total_timesteps", _ABSENT), job.plan.schedule.total_timesteps
    yield "_num_timesteps_at_start", saved_settings.get("_num_timesteps_at_start", _ABSENT), 0
    rollouts = saved.step // job.plan.rollout
    passes, most = saved_settings.get("_n_updates", _ABSENT), passes_by(job.plan, saved.step)
    if not (may_end_early(job.plan) and isinstance(passes, int) and rollouts <= passes <= most):
        yield "_n_updates", passes, most


def _compare_extractor(job: Claims, saved: Saved) -> Iterator[Violation]:
    """The extractor's class is the preset's; one that a config names may be known by another name where it is defined.

    Only a class of this package or of Stable-Baselines3 cannot be a user's own under another name.
    """
    arguments = saved.model.settings.get("policy_kwargs")
    text = arguments.get("features_extractor_class") if isinstance(arguments, dict) else None
    found = _class_of(text)
    choice = job.plan.extractor
    target = KINDS[PRESETS[choice.preset].kind].target if choice.preset is not None else str(choice.target)
    wanted = re.split("[.:]", target)[-1]
    if found is not None and found.rpartition(".")[2] == wanted:
        return
    if choice.preset is not None or text is None or (found is not None and found.startswith(_STRANGERS)):
        place = "data: $.policy_kwargs.features_extractor_class"
        yield contradiction(saved.path, place, text or "nothing", f"the job has {wanted}")


def _class_of(text: object) -> str | None:
    """The full name of the class that *text* shows."""
    match = _CLASS.fullmatch(text) if isinstance(text, str) else None
    return match[1] if match else None


def widths_of(weights: Weights, stack: Stack) -> list[int]:
    """The widths of the hidden layers of *stack*, in their order."""
    layers = [
        (int(match[1]), values)
        for name, values in weights.items()
        if name.startswith(stack.prefix) and (match := _NUMBER.fullmatch(name, len(stack.prefix)))
    ]
    sizes = [len(values) if values.ndim else 0 for _, values in sorted(layers, key=lambda layer: layer[0])]
    return sizes[:-1] if stack.with_output else sizes


def wrong_widths(plan: Plan, weights: Weights) -> Iterator[tuple[str, list[int], list[int]]]:
    """Each part of the network whose hidden layers differ from *plan*, with the widths found and expected."""
    net_arch = plan.algorithm["policy"]["net_arch"]
    for stack in plan.trainer.stacks if net_arch is not None else ():
        expected = list(net_arch[stack.key] if isinstance(net_arch, Mapping) else net_arch)
        if (found := widths_of(weights, stack)) != expected:
            yield stack.prefix, found, expected


def _compare_network(job: Claims, saved: Saved) -> Iterator[Violation]:
    """The tensors have the layers that the plan gives; a preset's extractor is shared where that was asked for."""
    policy, model = job.plan.algorithm["policy"], saved.model
    weights = model.weights
    for part, found, expected in wrong_widths(job.plan, weights):
        yield contradiction(saved.path, f"{POLICY}: {part}", found, f"the job has {expected}")
    sharing = ("vf_features_extractor.", "critic.features_extractor.")
    names = [name for name, values in weights.items() if name.startswith(sharing) and values.size]
    shared = {name in model.aliases for name in names}
    if job.plan.extractor.preset is not None and shared - {policy.get("share_features_extractor")}:
        wanted = policy.get("share_features_extractor")
        yield contradiction(saved.path, POLICY, f"share_features_extractor: {not wanted}", f"the job has {wanted}")


def _compare_spaces(job: Claims, saved: Saved) -> Iterator[Violation]:
    """The observations and actions are those of this package's own environment, where that was asked for."""
    spaces = {name: saved.model.settings.get(name) for name in ("observation_space", "action_space")}
    for name, space in spaces.items():
        if not isinstance(space, dict):
            yield contradiction(saved.path, f"data: $.{name}", "nothing", "a space is due")
    if job.plan.environment.id != DEFAULT_ENVIRONMENT:
        return
    observations, actions = (space if isinstance(space, dict) else {} for space in spaces.values())
    boxes, expected = _boxes(observations.get("spaces")), shapes_of(job.plan.environment)
    if boxes and boxes != expected:
        yield contradiction(saved.path, "data: $.observation_space", boxes, f"the job has {expected}")
    shape = actions.get("_shape", [ACTIONS])
    if shape != [ACTIONS]:
        yield contradiction(saved.path, "data: $.action_space", shape, f"the job has {[ACTIONS]}")


def _boxes(text: object) -> dict[str, list[int]]:
    """The shapes of the boxes that *text* shows, by key; empty where it shows none."""
    if not isinstance(text, str):
        return {}
    return {key: [int(size) for size in sizes.split(",") if size.strip()] for key, sizes in _BOX.findall(text)}
