"""What a comparison concludes from one score per job: a winner, a gain over the baseline, or neither.

Only seeds that two extractors share are compared, pair by pair. An extractor wins when it can be told apart from every
other one, at Holm's levels. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from extractor_flow.study.flow import Verdict
from extractor_flow.study.statistics import FEWEST_SEEDS, REPLICATED, SIGNIFICANCE, Against, Paired, against, describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from extractor_flow.study.job_contract import MetricSpec

WINNER = "winner"
BETTER = "better-than-baseline"
WORSE = "worse-than-baseline"
UNDECIDED = "not-distinguishable"
TOO_FEW = "too-few-seeds"


@dataclass(frozen=True)
class Scores:
    """The headline metric of every completed job: by extractor, in the order of the study, and by seed.

    ``families`` counts the sets of scores on which there is a verdict beside each other: each is corrected for them.
    """

    metric: MetricSpec
    by_name: Mapping[str, Mapping[int, float]]
    baseline: str | None
    families: int = 1

    def against(self, reference: str) -> Against:
        """Every other extractor, paired with *reference*."""
        better = self.metric.larger_is_better
        return against(reference, self.by_name, larger_is_better=better, families=self.families)

    @property
    def leader(self) -> str:
        """The extractor with the best median, the first of equals; it need not be better than any other."""
        sign = 1 if self.metric.larger_is_better else -1
        return max(self.by_name, key=lambda name: sign * describe(list(self.by_name[name].values())).centre)

    @property
    def reference(self) -> str:
        """What the others are compared with: the baseline where it has a score, else the leader."""
        return self.baseline if self.baseline in self.by_name and self.baseline is not None else self.leader

    @property
    def titled(self) -> str:
        """The reference, called the baseline where it is."""
        return f"the baseline {self.reference}" if self.reference == self.baseline else self.reference

    def shown(self, value: float) -> str:
        """*value* as the metric is shown."""
        return f"{value:.{self.metric.decimals}f}{f' {self.metric.unit}' if self.metric.unit else ''}"


def conclude(scores: Scores, settings: Mapping[str, Any], unfinished: int, found: Iterable[str] = ()) -> Verdict | None:
    """The verdict on *scores*; *unfinished* jobs have none. ``None`` where there are not two extractors to compare.

    *found* are limits that the trainings met, such as an environment that does not repeat; they come first.
    """
    compared = scores.against(scores.reference).others if len(scores.by_name) > 1 else {}
    if not compared:
        return None
    winner = next((name for name in scores.by_name if scores.against(name).beaten_by_none), None)
    code, sentence = _conclusion(scores, compared, winner)
    claimed = compared if winner is None else scores.against(winner).others
    return Verdict(
        code=code,
        sentence=sentence,
        winner=winner,
        details=tuple(_detail(scores, name, paired) for name, paired in compared.items()),
        limits=(
            *found,
            *_replication([*claimed.values(), *compared.values()]),
            *_limits(scores, compared, settings, unfinished),
        ),
    )


def _conclusion(scores: Scores, compared: Mapping[str, Paired], winner: str | None) -> tuple[str, str]:
    seeds = max(paired.n for paired in compared.values())
    if winner is not None:
        return WINNER, _victory(scores, compared, winner)
    if seeds < FEWEST_SEEDS:
        found = "one seed" if seeds == 1 else f"{seeds} seeds"
        return TOO_FEW, f"No winner can be declared with {found}: it takes at least {FEWEST_SEEDS}."
    apart = {name: paired for name, paired in compared.items() if paired.distinct}
    if not apart:
        return UNDECIDED, f"The extractors are not distinguishable with {seeds} seeds; {_need(scores, compared)}."
    better = [name for name, paired in apart.items() if paired.probability > 1 / 2]
    worse = [name for name in apart if name not in better]
    claims = [f"{_listed(better)} better than {scores.titled}"] if better else []
    claims += [f"{_listed(worse)} worse than {scores.titled}"] if worse else []
    sentence = f"{', and '.join(claims)}; no extractor is distinguishable from all others with {seeds} seeds."
    if scores.reference != scores.baseline:
        return UNDECIDED, sentence
    return (BETTER if better else WORSE), sentence


def _victory(scores: Scores, compared: Mapping[str, Paired], winner: str) -> str:
    rivals = "every other extractor" if len(compared) > 1 else next(iter(scores.by_name.keys() - {winner}))
    if winner != scores.reference:
        gain = compared[winner]
        return f"{winner} is better than {rivals}: over {scores.titled} it gains {_estimate(scores, gain)}."
    closest, behind = min(compared.items(), key=lambda item: abs(item[1].median))
    role = ", the baseline," if winner == scores.baseline else ""
    what = f"the closest, {closest}, differs by {_estimate(scores, behind)}"
    return f"{winner}{role} is better than {rivals}: {what}."


def _estimate(scores: Scores, paired: Paired) -> str:
    ends = paired.spread
    interval = "" if ends is None else f"; {scores.shown(ends.low)} to {scores.shown(ends.high)}"
    return f"{scores.shown(paired.median)} (median difference over {paired.n} seeds{interval})"


def _need(scores: Scores, compared: Mapping[str, Paired]) -> str:
    """How many seeds would separate the leader from the reference, or the runner-up from a leading reference."""
    sign = 1 if scores.metric.larger_is_better else -1
    name, paired = max(compared.items(), key=lambda item: sign * item[1].median)
    needed = paired.seeds_needed
    many = "more than 1,000" if needed is None else f"about {max(needed, paired.n + 1):,}"
    return f"{many} would be needed for a difference like that between {name} and {scores.reference}"


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]} are" if len(names) > 1 else f"{names[0]} is"


def _detail(scores: Scores, name: str, paired: Paired) -> str:
    found = list(paired.differences.values())
    spread = f"range {scores.shown(min(found))} to {scores.shown(max(found))}"
    tested = "" if paired.tested is None else f"; corrected p {_shown_p(paired.tested.p_adjusted)}"
    if paired.n == 1:
        return (
            f"{name} is ahead of {scores.reference} on {paired.wins} of 1 seed (difference {scores.shown(found[0])})."
        )
    difference = f"median difference {scores.shown(paired.median)}, {spread}{tested}{_again(paired)}"
    return f"{name} is ahead of {scores.reference} on {paired.wins} of {paired.n} seeds ({difference})."


def _again(paired: Paired) -> str:
    if (chance := paired.replication_probability) is not None:
        return f"; about {chance:.0%} of repeats would find it again"
    rejected = paired.tested is not None and paired.tested.p_adjusted < SIGNIFICANCE
    return "; but the interval of the median includes 0" if rejected else ""


def _shown_p(p: float) -> str:
    return f"{p:.3f}" if p >= 0.0005 else "below 0.001"  # noqa: PLR2004 - what would be shown as 0


def _replication(compared: Sequence[Paired]) -> Iterator[str]:
    """How likely the least certain claim is to be found again, and that others are too uncertain to be one.

    A pair that is compared in two families, the winner's and the baseline's, is corrected in each for its own.
    """
    chances = [
        (chance, each.n, each.distinct) for each in compared if (chance := each.replication_probability) is not None
    ]
    if claimed := [(chance, seeds) for chance, seeds, distinct in chances if distinct]:
        chance, seeds = min(claimed)
        yield (
            f"A repeat with {seeds} fresh seeds would find all of this again in at most about {chance:.0%} of cases, "
            "assuming that half of all differences between extractors are zero."
        )
    if len(claimed) < len(chances):
        yield f"A difference that fewer than {REPLICATED:.0%} of repeats would find again is not claimed."


def _limits(
    scores: Scores, compared: Mapping[str, Paired], settings: Mapping[str, Any], unfinished: int
) -> Iterator[str]:
    seeds = min(paired.n for paired in compared.values())
    steps = settings["run"]["total_timesteps"]
    count = "one seed" if seeds == 1 else f"{seeds} seeds"
    yield f"{_where(settings)}, one budget ({steps:,} steps), {count}: nothing is said of others."
    yield "The same seeds give other policies on another type of processor."
    if seeds < FEWEST_SEEDS:
        yield f"With fewer than {FEWEST_SEEDS} seeds only the range of the differences is shown; it is no interval."
    else:
        spreads = [paired.spread for paired in compared.values()]
        covered = min(each.coverage for each in spreads if each is not None and each.coverage is not None)
        yield f"The interval of a median difference contains the true one in {covered:.0%} of simulated studies."
        if len(compared) * scores.families * 2 / 2**seeds >= SIGNIFICANCE:
            yield (
                f"With {seeds} seeds no test that is free of assumptions can decide; the paired t test does, which "
                "assumes differences that are about normal."
            )
    if scores.families > 1:
        yield f"Its tests are corrected for there being a verdict on each of {scores.families} environments."
    if unfinished:
        yield f"{unfinished} of the study's jobs did not complete and {'is' if unfinished == 1 else 'are'} left out."


def _where(settings: Mapping[str, Any]) -> str:
    if "envs" in settings:
        return f"{len(settings['envs'])} environments ({', '.join(each['name'] for each in settings['envs'])})"
    return f"One environment ({settings['env'].get('id') or settings['env'].get('factory')})"
