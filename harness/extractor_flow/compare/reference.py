"""Whether a run is as good as an earlier one: equal bit for bit, or not worse by more than a margin."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from extractor_flow.compare.pairs import Match, job_pairs
from extractor_flow.errors import RequestError
from extractor_flow.study.statistics import FEWEST_SEEDS, mean_difference
from extractor_flow.verify.environment import facts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from extractor_flow.compare.reading import ComparedRun

_COMMIT = "commit"  # what a regression test is there to change


class Word(StrEnum):
    """How one job or one compared name compares with the reference."""

    EQUAL = "equal"
    DIFFERS = "differs"  # though nothing but the commit has changed
    MISSING = "missing"  # the reference has it, and the run does not
    WITHIN = "within the margin"
    WORSE = "worse"
    UNDECIDED = "undecided"  # the seeds cannot tell


@dataclass(frozen=True)
class Judgement:
    """One *word* on the job or compared name *name*, and what it rests on."""

    name: str
    word: Word
    why: str

    @property
    def passes(self) -> bool:
        """Whether the run holds the reference here."""
        return self.word in {Word.EQUAL, Word.WITHIN}

    def __str__(self) -> str:
        return f"{self.name}: {self.word}: {self.why}"


def judge(run: ComparedRun, reference: ComparedRun, criterion: Mapping[str, Any] | None) -> list[Judgement]:
    """*run* against *reference*; *criterion* is the config's section ``reference``.

    Where the processor and all versions are equal, every job of one config must be equal bit for bit. Elsewhere, and
    with another config or other seeds, no compared name may be worse beyond the margin; :class:`RequestError` when
    there is none, or the runs are of different flows.
    """
    if run.request["flow"] != reference.request["flow"]:
        msg = f"{reference.place}: its flow is {reference.request['flow']}; expected a run of {run.request['flow']}"
        raise RequestError(msg)
    if _same_jobs(run, reference) and _same_place(run, reference):
        return list(_bit_for_bit(run, reference))
    if criterion is None:
        msg = (
            f"{reference.place}: made elsewhere, or of another config: jobs need not be equal bit for bit; state in "
            "the config how far a mean may fall behind, such as `reference: {margin: 0.5}`"
        )
        raise RequestError(msg)
    return list(_by_margin(run, reference, criterion))


def _same_jobs(run: ComparedRun, reference: ComparedRun) -> bool:
    return {record.job_key for record in run.records} == {record.job_key for record in reference.records}


def _same_place(run: ComparedRun, reference: ComparedRun) -> bool:
    ours, theirs = ({**facts_of(each.request), _COMMIT: ""} for each in (run, reference))
    return ours == theirs


def _bit_for_bit(run: ComparedRun, reference: ComparedRun) -> Iterator[Judgement]:
    for job in job_pairs(reference, run, by_key=True):
        if job.match is Match.EQUAL:
            yield Judgement(job.label, Word.EQUAL, "bit for bit")
        elif job.match is Match.DIFFERENT:
            what = f"with the same processor and versions, other {', '.join(job.differing)}"
            yield Judgement(job.label, Word.DIFFERS, what)
        else:
            yield Judgement(job.label, Word.MISSING, "it did not complete in both runs")


def _by_margin(run: ComparedRun, reference: ComparedRun, criterion: Mapping[str, Any]) -> Iterator[Judgement]:
    metric = criterion.get("metric") or run.flow.vocabulary.headline
    known = run.flow.contract.metrics
    if metric not in known:
        msg = f"reference.metric is {metric!r}; the jobs of {run.request['flow']} have {', '.join(known)}"
        raise RequestError(msg)
    sign, margin = (1 if known[metric].larger_is_better else -1), float(criterion["margin"])
    ours = run.scores(metric)
    for name, theirs in reference.scores(metric).items():
        yield _judged(name, _signed(ours.get(name, {}), sign), _signed(theirs, sign), margin, metric)


def _signed(scores: Mapping[int, float], sign: int) -> dict[int, float]:
    return {seed: sign * value for seed, value in scores.items()}


def _judged(name: str, ours: Mapping[int, float], theirs: Mapping[int, float], margin: float, metric: str) -> Judgement:
    """Larger is better in both."""
    if not ours:
        return Judgement(name, Word.MISSING, f"no completed job has {metric}")
    found = mean_difference(ours, theirs)
    if found is None:
        seeds = f"{len(ours)} against {len(theirs)} seeds; it takes at least {FEWEST_SEEDS} of each"
        return Judgement(name, Word.UNDECIDED, f"{metric}: {seeds}")
    how = "seed by seed" if found.by_seed else "of other seeds"
    interval = f"95 % interval {found.low:+.4g} to {found.high:+.4g}, margin {margin:g}"
    why = f"{metric} is better by {found.mean:+.4g} on average {how} ({interval})"
    if found.high < -margin:
        return Judgement(name, Word.WORSE, why)
    return Judgement(name, Word.UNDECIDED if found.low < -margin else Word.WITHIN, why)
