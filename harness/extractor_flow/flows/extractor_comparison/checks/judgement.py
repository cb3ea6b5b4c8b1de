"""Judges evaluations that were played again: whether they differ, and why."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from extractor_flow.evidence.findings import Unchecked, Violation, Why, brief
from extractor_flow.flows.extractor_comparison.checks.claims import contradiction
from extractor_flow.flows.extractor_comparison.checks.models.weights import safetensors_digest
from extractor_flow.flows.extractor_comparison.checks.player import Episodes, buffers_of, shaken, weights_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from extractor_flow.evidence.findings import Finding
    from extractor_flow.flows.extractor_comparison.checks.claims import Claims
    from extractor_flow.flows.extractor_comparison.checks.normalization import Statistics
    from extractor_flow.flows.extractor_comparison.checks.player import Played, Player
    from extractor_flow.readers.weights import Weights

# Processors differ in the last bits of a product: by 1e-7 of an action, and 1e-4 of a reward is far more than that
# makes of it, unless the episode is chaotic: then weights that are shaken by as little as these shares tell.
_ELSEWHERE = 1e-4
_SHARES = (1e-6, 1e-5, 1e-4)
_SPREADS = 10.0
# What changes the last bits alone, and the packages that an evaluation is made of.
_NUMERIC = {"processor", "architecture", "Python"}
_PACKAGES = {"pytest-extractor-flow", "torch", "stable-baselines3", "gymnasium", "numpy", "minigrid"}


@dataclass(frozen=True)
class Evaluation:
    """One recorded evaluation: where it is recorded, whose policy it was, and each seed's episode.

    Without *weights*, it is the policy that the job's seed makes.
    """

    path: str
    row: int
    seeds: tuple[int, ...]
    step: int
    weights: Weights | None
    rewards: NDArray[Any]
    lengths: NDArray[Any]
    successes: NDArray[Any] | None
    statistics: Statistics | None

    @property
    def most(self) -> int:
        """The steps after which an episode is certainly longer than recorded."""
        return 2 * int(self.lengths.max()) + 10

    def differs(self, played: Played, tolerance: float = 0.0) -> bool:
        """Whether the episode was recorded otherwise."""
        recorded = float(self.rewards[played.number])
        same_length = played.length == self.lengths[played.number]
        same_success = self.successes is None or played.success == self.successes[played.number]
        return not same_length or not same_success or abs(played.reward - recorded) > tolerance * max(1, abs(recorded))


class Judgement:
    """The result of playing one evaluation again."""

    def __init__(self, job: Claims, player: Player, evaluation: Evaluation) -> None:
        self._job = job
        self._player = player
        self._evaluation = evaluation

    def findings(self) -> Iterator[Finding]:
        """What is contradicted: of an evaluation the first episode, as the batches after it are others."""
        try:
            played = self._play(self._weights())
            wrong = [each for each in played if self._evaluation.differs(each)]
            if wrong:
                yield from self._judge(played, wrong[0])
        except OtherStartError as other:
            yield other.violation
        except Exception as error:  # noqa: BLE001 - trusted code may raise anything, weights may not fit it
            yield self._unchecked(f"it cannot be played here: {type(error).__name__}: {error}", self._why_not())

    def _weights(self) -> Weights:
        """The weights that the evaluated policy had; of the untrained one, those that the seed makes."""
        if self._evaluation.weights is not None:
            return self._evaluation.weights
        weights = weights_of(self._player.untrained())
        claim = self._job.outcome.details.get("untrained_weights_sha256")
        found = safetensors_digest(weights)
        if found != claim and not differences(self._job):  # elsewhere, the last bits of the first weights differ
            what = f"the job's seed makes {found}"
            raise OtherStartError(self._job.contradicted("details.untrained_weights_sha256", claim, what))
        return weights

    def _play(self, weights: Weights, *, again: bool = False) -> list[Played]:
        policy = self._player.policy(weights)
        environments = self._player.environments() if again else None
        episodes = Episodes(self._evaluation.seeds, self._evaluation.most, self._evaluation.statistics)
        played = self._player.play(policy, episodes, environments=environments)
        for env in environments or ():
            env.close()
        return played

    def _judge(self, played: list[Played], first: Played) -> Iterator[Finding]:
        """Whose fault the difference is: the record's, this machine's, or the environment's."""
        weights = self._weights()
        if any(self._play(weights, again=again) != played for again in (False, True)):
            yield self._unchecked("the environment, or the policy, does not do the same twice", Why.NO_REPEAT)
        elif self._keeps_more_than_weights():
            yield self._unchecked("the extractor keeps numbers that it may change as it acts", Why.NO_REPEAT)
        elif not (elsewhere := differences(self._job)):
            yield self._contradicted(first)
        elif packages_differ(self._job):
            differ = "; ".join(f"{name}: {there} there, {here} here" for name, (there, here) in elsewhere.items())
            yield self._unchecked(f"it comes out otherwise, and so do the packages: {differ}", Why.NOT_REPRODUCED)
        else:
            yield from self._judge_elsewhere(played, weights)

    def _judge_elsewhere(self, played: list[Played], weights: Weights) -> Iterator[Finding]:
        """On another processor, a lie is what this policy does not do when its weights are shaken, either."""
        wrong = next((each for each in played if self._evaluation.differs(each, _ELSEWHERE)), None)
        if wrong is None:
            return
        others = [
            next(each for each in self._play(shaken(weights, share, seed)) if each.number == wrong.number)
            for seed, share in enumerate(_SHARES)
        ]
        spread = max(abs(each.reward - wrong.reward) for each in others)
        recorded = float(self._evaluation.rewards[wrong.number])
        steady = {(each.length, each.success) for each in others} == {(wrong.length, wrong.success)}
        if steady and self._evaluation.differs(wrong, _SPREADS * spread / max(1.0, abs(recorded)) + _ELSEWHERE):
            yield self._contradicted(wrong)
        else:
            why = "it comes out otherwise on this processor, and the least change of its weights does that, too"
            yield self._unchecked(why, Why.NOT_REPRODUCED)

    def _why_not(self) -> Why:
        """Why a policy does not load its weights, or fails; the honest reason is buffers of its own that grew."""
        with suppress(Exception):  # what failed once may fail again
            return Why.NO_REPEAT if self._keeps_more_than_weights() else Why.NOT_REPRODUCED
        return Why.NOT_REPRODUCED

    def _keeps_more_than_weights(self) -> bool:
        return self._job.plan.extractor.preset is None and bool(buffers_of(self._player.untrained()))

    def _contradicted(self, played: Played) -> Violation:
        recorded = self._evaluation
        number, success = (
            played.number,
            "" if recorded.successes is None else f", success {recorded.successes[played.number]}",
        )
        claim = f"{float(recorded.rewards[number])!r} in {recorded.lengths[number]} steps{success}"
        after = "" if recorded.successes is None else f", success {played.success}"
        found = f"the policy of step {recorded.step} gets {played.reward!r} in {played.length} steps{after}"
        place = f"results[{recorded.row}][{number}]"
        return contradiction(recorded.path, place, claim, found)

    def _unchecked(self, why: str, code: Why) -> Unchecked:
        what = f"{self._job.record.directory}: the rewards of its policy of step {self._evaluation.step}"
        return Unchecked(what, brief(why), code)


class OtherStartError(Exception):
    """The job's seed makes another untrained policy than the recorded one, as *violation* says."""

    def __init__(self, violation: Violation) -> None:
        super().__init__()
        self.violation = violation


def differences(job: Claims) -> Mapping[str, tuple[str, str]]:
    """What of this machine may change a result of *job*; the device is the job's own."""
    here = {name: each for name, each in job.run.elsewhere.items() if name in _NUMERIC | _PACKAGES}
    device = str(job.outcome.details.get("device"))
    return here | ({} if device == "cpu" else {"processor": (device, "cpu")})


def packages_differ(job: Claims) -> bool:
    """Whether this machine has other packages than the job says it had."""
    return bool(differences(job).keys() - _NUMERIC)
