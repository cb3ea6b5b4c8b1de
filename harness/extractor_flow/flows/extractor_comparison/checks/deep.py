"""What PyTorch makes of the saved models: it reads the same weights, and they score what the record says.

``weights_only=True`` keeps PyTorch from unpickling anything but tensors. Of the code that a run names, only what its
reader trusts is imported.
"""

from __future__ import annotations

import io
from pickle import UnpicklingError  # what torch.load raises; nothing here unpickles
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from extractor_flow.evidence.check import check
from extractor_flow.evidence.findings import Unchecked, Why, brief
from extractor_flow.flows.extractor_comparison import layout
from extractor_flow.flows.extractor_comparison.checks.claims import contradiction
from extractor_flow.flows.extractor_comparison.checks.normalization import statistics_at
from extractor_flow.flows.extractor_comparison.checks.ppo_settings import wrong_widths
from extractor_flow.flows.extractor_comparison.config import DEFAULT_ENVIRONMENT
from extractor_flow.flows.extractor_comparison.repeatability import Finding as Peculiarity
from extractor_flow.flows.extractor_comparison.repeatability import Repeatability
from extractor_flow.flows.extractor_comparison.seeds import evaluation_seeds, held_out_seeds
from extractor_flow.readers.models import POLICY
from extractor_flow.readers.weights import WEIGHTS_LIMIT, digest_of
from extractor_flow.readers.zips import Archive
from extractor_flow.study.job_contract import REPEATABILITY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import torch
    from numpy.typing import NDArray

    from extractor_flow.evidence.findings import Finding, Violation
    from extractor_flow.flows.extractor_comparison.checks.claims import Claims
    from extractor_flow.flows.extractor_comparison.checks.judgement import Evaluation
    from extractor_flow.flows.extractor_comparison.checks.player import Player
    from extractor_flow.flows.extractor_comparison.plan import EnvironmentChoice
    from extractor_flow.readers.weights import Weights

# Some 10 s of RobotNav: the final, the best and the untrained policy of a long training, and some checkpoints.
_MOST_STEPS = 50_000
_MOST_LANES, _MOST_THREADS = 256, 64
# Sizes in an environment's arguments beyond which it would not fit into memory, or not end: a plan is a stranger's.
_LARGEST = 10_000
_LENGTHS = ("max_steps", "max_episode_steps")
_GYMNASIUM = ("classic_control", "box2d", "mujoco", "toy_text")


@check("ppo-torch-weights", reads=("final_model", "best_model"), needs=("torch",), deep=True)
def torch_weights(job: Claims) -> Iterator[Violation]:
    """PyTorch, which unpickles nothing but tensors, reads the weights that the light reader finds in each model.

    Catches: a file in which two readers find different weights. Cannot catch: weights of another training.
    """
    import torch

    for saved in job.saved:
        stored = job.run.read(saved.path, _read_policy)
        try:
            state = torch.load(io.BytesIO(stored), map_location="cpu", weights_only=True)
            arrays = {name: _array(each) for name, each in state.items()}
        except (UnpicklingError, RuntimeError, ValueError, LookupError, EOFError, TypeError, AttributeError) as error:
            yield contradiction(saved.path, POLICY, "can be loaded by PyTorch", str(error))
            continue
        if digest_of(arrays) != digest_of(saved.model.weights):
            yield contradiction(saved.path, POLICY, f"the weights of {layout.FINAL_MODEL}", "PyTorch reads others")


@check(
    "ppo-played-again",
    reads=("evaluations", "held_out", "policy", "final_model", "best_model"),
    needs=("torch", "gymnasium", "stable_baselines3"),
    deep=True,
)
def played_again(job: Claims) -> Iterator[Finding]:
    """The selected and the final policy play the held-out episodes again, and each saved one those of its evaluation.

    Catches: rewards, lengths or successes that this policy did not have, bit for bit on the same processor; an earlier
    checkpoint told as the final model, seeds exchanged, another extractor. Cannot catch: evaluations of which no
    model was kept; a policy that was trained otherwise than told, and truly scores what is told.
    """
    from extractor_flow.flows.extractor_comparison.checks.judgement import Judgement

    wanted = [name for name in dict.fromkeys(_named(job)) if name not in job.run.trusted]
    if wanted:
        why = f"the config names code of others, which runs only with --trust {' --trust '.join(wanted)}"
        yield Unchecked(f"{job.record.directory}: the rewards of its policies", why, Why.UNTRUSTED)
        return
    evaluations = [*_held_out(job), *_evaluations(job)]
    chosen = list(_affordable(job, evaluations))
    if len(chosen) < len(evaluations):
        left = f"{job.record.directory}: the rewards of {len(evaluations) - len(chosen)} of its policies"
        yield Unchecked(left, f"to play more than {_MOST_STEPS} steps again takes too long", Why.LIMIT)
    if not chosen:
        return
    player = _player(job)
    if isinstance(player, Unchecked):
        yield player
        return
    wrong = list(_compare_tensors(job, player))
    yield from wrong
    for evaluation in chosen if not wrong else ():
        yield from Judgement(job, player, evaluation).findings()
    player.close()


@check("ppo-repeatability", needs=("torch", "gymnasium", "stable_baselines3"), deep=True)
def repeatability(job: Claims) -> Iterator[Finding]:
    """The environment shows here what the record says of it: whether it does the same twice, and how it normalises.

    Catches: running normalisation that is not told. Cannot catch: an environment that seldom does otherwise.
    """
    from extractor_flow.flows.extractor_comparison.environments.factory import EnvironmentFactory
    from extractor_flow.flows.extractor_comparison.environments.probe import probe

    claimed = Repeatability.from_json(job.outcome.details.get(REPEATABILITY))
    if claimed is None or any(name not in job.run.trusted for name in _named(job)):
        return  # said elsewhere
    what = f"{job.record.directory}: whether its environment repeats"
    try:
        found = Repeatability.of_all(probe(EnvironmentFactory(choice)) for choice in job.plan.environments)
    except Exception as error:  # noqa: BLE001 - trusted code may raise anything
        yield Unchecked(what, brief(f"it cannot be asked here: {type(error).__name__}: {error}"), Why.NOT_REPRODUCED)
        return
    running = {Peculiarity.RUNNING_OBSERVATIONS, Peculiarity.RUNNING_REWARDS}
    claim, here = ({*each.findings} & running for each in (claimed, found))
    if claim != here:
        yield job.contradicted(
            f"details.{REPEATABILITY}.findings", sorted(claim), f"this environment has {sorted(here)}"
        )
    elif claimed.repeats != found.repeats:
        yield Unchecked(what, f"here its {', '.join(found.differs) or 'steps'} say otherwise", Why.NO_REPEAT)


def _named(job: Claims) -> Iterator[str]:
    """The names of code that is neither this package's nor gymnasium's own."""
    if job.plan.extractor.target is not None:
        yield job.plan.extractor.target
    for choice in job.plan.environments:
        if not _is_known(choice):
            yield choice.name
        yield from (target for target, _ in choice.wrappers)


def _is_known(environment: EnvironmentChoice) -> bool:
    """Whether an environment is this package's or gymnasium's own, with arguments that open and import nothing."""
    if environment.id is None:
        return False
    sizes = {name: value for name, value in environment.kwargs.items() if name not in _LENGTHS}
    plain = all(
        value is None or (isinstance(value, bool | int | float) and abs(value) <= _LARGEST) for value in sizes.values()
    )
    return plain and (environment.id == DEFAULT_ENVIRONMENT or _is_gymnasiums(environment.id))


def _is_gymnasiums(name: str) -> bool:
    from gymnasium import registry

    entry = str(registry[name].entry_point) if name in registry else ""
    return entry.startswith(tuple(f"gymnasium.envs.{family}" for family in _GYMNASIUM))


def _evaluations(job: Claims) -> list[Evaluation]:
    """The evaluations of which the policy is there, in the order of what a summary tells of them."""
    from extractor_flow.flows.extractor_comparison.checks.judgement import Evaluation

    arrays = job.evaluations
    steps = arrays["timesteps"].tolist()
    final, best = job.outcome.training_steps, job.outcome.metrics.get("best_timestep")
    known: dict[int, Weights | None] = {step: saved.model.weights for step, saved in job.by_step.items()}
    policies: dict[int, Weights | None] = {final: job.policy}
    for step in (best, 0, *reversed(steps)):
        if step in known or step == 0:
            policies.setdefault(int(step), known.get(int(step)))
    rows = {step: row for row, step in enumerate(steps)}
    seeds = evaluation_seeds(job.record.seed or 0, arrays["results"].shape[1])
    path = job.path(layout.EVALUATIONS)
    return [
        Evaluation(
            path,
            rows[step],
            tuple(seeds),
            step,
            policies[step],
            **_episodes(arrays, rows[step]),
            statistics=statistics_at(job, step),
        )
        for step in policies
        if step in rows
    ]


def _held_out(job: Claims) -> Iterator[Evaluation]:
    """The evaluations that decide, of the selected policy and of the final one."""
    from extractor_flow.flows.extractor_comparison.checks.judgement import Evaluation

    arrays, seed = job.held_out, job.record.seed or 0
    seen = evaluation_seeds(seed, job.plan.schedule.n_eval_episodes)
    seeds = tuple(held_out_seeds(seed, arrays["results"].shape[1], seen))
    steps = arrays["timesteps"].tolist()
    known = {step: saved.model.weights for step, saved in job.by_step.items()} | {
        job.outcome.training_steps: job.policy
    }
    for row, step in enumerate(steps):
        if step in known and step not in steps[:row]:
            yield Evaluation(
                job.path(layout.HELD_OUT),
                row,
                seeds,
                step,
                known[step],
                **_episodes(arrays, row),
                statistics=statistics_at(job, step),
            )


def _episodes(arrays: Mapping[str, NDArray[Any]], row: int) -> dict[str, Any]:
    """What *arrays* tell of the episodes of the evaluation in *row*."""
    successes = arrays.get("successes")
    succeeded = None if successes is None else successes[row]
    return {"rewards": arrays["results"][row], "lengths": arrays["ep_lengths"][row], "successes": succeeded}


def _affordable(job: Claims, evaluations: Sequence[Evaluation]) -> Iterator[Evaluation]:
    """Those of *evaluations* that fit into a budget of steps, in their order."""
    left = _MOST_STEPS
    if job.plan.schedule.eval_num_envs > _MOST_LANES or job.plan.threads > _MOST_THREADS:
        return
    for evaluation in evaluations:
        steps = int(evaluation.lengths.sum(dtype=np.float64))
        if steps <= left:
            left -= steps
            yield evaluation


def _player(job: Claims) -> Player | Unchecked:
    """Who plays the policies of *job*, if its plan can be made here."""
    from gymnasium.error import DependencyNotInstalled

    from extractor_flow.flows.extractor_comparison.checks.player import Player

    try:
        return Player(job.plan, job.record.seed or 0)
    except Exception as error:  # noqa: BLE001 - trusted code may raise anything
        what = f"{job.record.directory}: the rewards of its policies"
        code = Why.PACKAGE if isinstance(error, ImportError | DependencyNotInstalled) else Why.NOT_REPRODUCED
        return Unchecked(what, brief(f"they cannot be made here: {type(error).__name__}: {error}"), code)


def _compare_tensors(job: Claims, player: Player) -> Iterator[Finding]:
    """Require each model to have the plan's tensors: others would not load, or not fit into memory."""
    from extractor_flow.flows.extractor_comparison.checks.judgement import packages_differ

    preset, extractor = job.plan.extractor.preset, job.plan.trainer.extractor
    due = {} if preset is None else {f"{extractor}{name}": shape for name, shape in player.extractor_shapes().items()}
    for saved in job.saved:
        weights = saved.model.weights
        found = {name: each.shape for name, each in weights.items() if preset and name.startswith(extractor)}
        names = [name for name in sorted(due.keys() | found.keys()) if due.get(name) != found.get(name)]
        wrong = [(name, found.get(name), due.get(name)) for name in names[:1]] or [*wrong_widths(job.plan, weights)][:1]
        if wrong and packages_differ(job):
            yield Unchecked(saved.path, "other packages make other tensors of its plan", Why.NOT_REPRODUCED)
        elif wrong:
            part, stored, wanted = wrong[0]
            yield contradiction(saved.path, POLICY, f"the tensors of {preset}", f"{part}: {stored}; due: {wanted}")


def _read_policy(stream: BinaryIO, where: str) -> bytes:
    return Archive(stream, where, limit=WEIGHTS_LIMIT).read(POLICY)


def _array(tensor: torch.Tensor) -> NDArray[Any]:
    """The numbers of *tensor*; bfloat16 has no numpy type: the light reader widens it, so both sides do."""
    import torch

    plain = tensor.detach()
    array: NDArray[Any] = (plain.float() if plain.dtype == torch.bfloat16 else plain).numpy()
    return array
