"""Checks what loading a saved model would import and call beyond what Stable-Baselines3 writes.

Whoever loads a model unpickles it, and a pickle may call anything. Nothing is unpickled here: the names in each pickle
are listed and compared with those that genuine models of this flow have.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from extractor_flow.evidence.check import check
from extractor_flow.evidence.findings import Unchecked, Violation, brief
from extractor_flow.flows.extractor_comparison.algorithms.declared import ALGORITHMS
from extractor_flow.flows.extractor_comparison.checks.ppo_settings import ACTIVATIONS
from extractor_flow.flows.extractor_comparison.extractors import kinds
from extractor_flow.readers.errors import Kind
from extractor_flow.readers.pickle_names import Manner, Use, uses_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.flows.extractor_comparison.checks.claims import Claims

_OWN = kinds.__name__.rpartition(".")[0]
_OWN_CLASSES = frozenset(f"{_OWN}.{kind.target}" for kind in kinds.KINDS.values())
_NUMPY = tuple(f"numpy.{core}.{name}" for core in ("core", "_core") for name in ("multiarray", "numeric"))
_CALLED = {
    "collections": ("OrderedDict", "deque"),
    "gymnasium.spaces.box": ("Box",),
    "gymnasium.spaces.dict": ("Dict",),
    "gymnasium.spaces.discrete": ("Discrete",),
    "gymnasium.spaces.multi_binary": ("MultiBinary",),
    "gymnasium.spaces.multi_discrete": ("MultiDiscrete",),
    "numpy": ("dtype",),
    **dict.fromkeys(_NUMPY, ("_frombuffer", "_reconstruct", "scalar")),
    # The generator that an action space draws from.
    "numpy.random._pickle": ("__bit_generator_ctor", "__generator_ctor"),
    "numpy.random.bit_generator": ("SeedSequence", "__pyx_unpickle_SeedSequence"),
    "stable_baselines3.common.noise": (
        "NormalActionNoise",
        "OrnsteinUhlenbeckActionNoise",
        "VectorizedActionNoise",
    ),
    "stable_baselines3.common.type_aliases": ("TrainFreq", "TrainFrequencyUnit"),
    "stable_baselines3.common.utils": ("ConstantSchedule", "FloatSchedule", "LinearSchedule"),
}
_NAMED = {
    "numpy": ("float32", "ndarray"),
    "numpy.random._pcg64": ("PCG64",),
    "stable_baselines3.common.buffers": ("DictReplayBuffer", "DictRolloutBuffer", "ReplayBuffer", "RolloutBuffer"),
    "stable_baselines3.common.sb2_compat.rmsprop_tf_like": ("RMSpropTFLike",),
    "stable_baselines3.common.policies": (
        "ActorCriticCnnPolicy",
        "ActorCriticPolicy",
        "MultiInputActorCriticPolicy",
    ),
    **{
        module: (name, "CnnPolicy", "MultiInputPolicy")
        for module, _, name in (each.policy.partition(":") for each in ALGORITHMS.values() if each.replays)
    },
    "torch.nn.modules.activation": tuple(ACTIVATIONS.values()),
    "torch.optim.adam": ("Adam",),
    "torch.optim.rmsprop": ("RMSprop",),
}
# Packages of which every model has something, and which define no extractor that a config could mean.
_NO_EXTRACTORS = {"torch", "numpy", "gymnasium", "cloudpickle"} | sys.stdlib_module_names
_EXTRACTOR, _SPACES = "data: $.policy_kwargs", ("data: $.observation_space", "data: $.action_space")


@check("ppo-model-calls", reads=("final_model", "best_model"))
def model_calls(job: Claims) -> Iterator[Violation | Unchecked]:
    """The pickles in each model import and call only what genuine models of such a job do.

    Catches: a model that runs a command when it is loaded. Cannot catch: what a class of the config does itself.
    """
    for saved in job.saved:
        for place, program in saved.model.pickles.items():
            yield from _compare_uses(job, saved.path, place, program)


def _compare_uses(job: Claims, path: str, place: str, program: bytes) -> Iterator[Violation | Unchecked]:
    foreign = [use for use in uses_in(program, f"{path}!{place}") if not _is_genuine(use)]
    unknown = [use for use in foreign if not _is_from_config(job, place, use)]
    if unknown:
        # What is called was named before: say the worst of it.
        worst = [use for use in unknown if use.manner is not Manner.NAMED] or unknown
        claim = "holds only what Stable-Baselines3 writes"
        yield Violation(path, place, claim, brief(", ".join(map(str, worst))), Kind.PICKLE)
    for use in foreign if not unknown else ():
        if not _is_exact(job, use):
            yield Unchecked(f"{path}: {place}", f"loading it {use}, of a package that no one knows here")


def _is_genuine(use: Use) -> bool:
    called, named = _CALLED.get(use.module, ()), _NAMED.get(use.module, ())
    if use.name in called:
        return use.manner in (Manner.NAMED, Manner.CALLED)
    if use.manner is not Manner.NAMED:
        return False
    return use.name in named or f"{use.module}:{use.name}" in _OWN_CLASSES


def _is_from_config(job: Claims, place: str, use: Use) -> bool:
    """Whether *use* can be of what the config names: its extractor's class, which is not called, or its spaces."""
    root = _root(use.module)
    if root in _NO_EXTRACTORS:
        return False
    if place == _EXTRACTOR and job.plan.extractor.target is not None and use.manner is Manner.NAMED:
        # A class may be named where it is used and defined elsewhere; those of these two packages are known.
        return _is_exact(job, use) or root not in (_root(_OWN), "stable_baselines3")
    environment = job.plan.environment.name
    return place in _SPACES and ":" in environment and root == _root(environment)


def _is_exact(job: Claims, use: Use) -> bool:
    """Whether *use* is of the class that the config names, or of the package that this class is in."""
    target = str(job.plan.extractor.target)
    if _root(target) in (_root(_OWN), "stable_baselines3"):
        return target == f"{use.module}:{use.name}"
    return _root(target) == _root(use.module) and use.manner is Manner.NAMED


def _root(path: str) -> str:
    """The package or module that everything in ``package.module:name`` is below."""
    return path.partition(":")[0].partition(".")[0]
