"""Whether the trained network is worth having: against its own input and the solvers, cell by cell; pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING

from extractor_flow.flows.dose_overlap.scoring.names import INPUT, MAP, PIE, REFINED, TIMED, TRAINED, metric_name
from extractor_flow.study.flow import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from extractor_flow.flows.dose_overlap.plan import Cell

RIVALS = (INPUT, PIE, MAP)
"""What a network has to be better than to be worth its training."""
WORDS = {TRAINED: "trained", INPUT: "input", PIE: "PIE", MAP: "MAP", REFINED: "MAP + network"}
_EVERY, _SOME, _NO = "network-wins", "network-wins-some", "network-wins-none"


@dataclass(frozen=True)
class Trained:
    """A completed job, as the comparison sees it; ``seconds`` are the CPU seconds of its methods."""

    cell: Cell
    seed: int
    metrics: Mapping[str, float]
    seconds: Mapping[str, float] = field(default_factory=dict)

    def psnr(self, method: str) -> float | None:
        """The amplitude PSNR of a method's object."""
        return self.metrics.get(metric_name(method, "amplitude", "psnr"))


def conclude(trained: Sequence[Trained]) -> Verdict | None:
    """Whether the network is above all of its rivals, in every seed; ``None`` where nothing can be compared.

    The sentence begins with the cells where it is not, if there are any.
    """
    cells: dict[Cell, list[Trained]] = {}
    for job in trained:
        if all(job.psnr(method) is not None for method in (TRAINED, *RIVALS)):
            cells.setdefault(job.cell, []).append(job)
    if not cells:
        return None
    lost = {cell: better for cell, jobs in cells.items() if (better := list(_better(jobs)))}
    won = len(cells) - len(lost)
    code = _EVERY if not lost else _SOME if won else _NO
    sentence = _sentence(lost, won)
    return Verdict(
        code,
        sentence,
        winner=TRAINED if not lost else None,
        details=tuple(_detail(cell, jobs) for cell, jobs in cells.items()),
        limits=("one simulated object, with the probe known", "seconds are of one CPU, without the training"),
    )


def _better(jobs: Sequence[Trained]) -> Iterator[str]:
    """The rivals that are not below the network in every one of a cell's *jobs*, and where it is on average."""
    for rival in RIVALS:
        gains = [_value(job, TRAINED) - _value(job, rival) for job in jobs]
        if min(gains) <= 0:
            mean = fmean(gains)
            yield f"{abs(mean):.2f} dB {'above' if mean > 0 else 'below'} {WORDS[rival]}"


def _sentence(lost: Mapping[Cell, Sequence[str]], won: int) -> str:
    rivals = f"its own input, {WORDS[PIE]} and {WORDS[MAP]}"
    if not lost:
        return f"The trained network is above {rivals} in every cell and seed."
    places = "; ".join(f"in {cell.name} it is on average {' and '.join(better)}" for cell, better in lost.items())
    rest = "; everywhere else it is above all three in every seed" if won else ""
    of = f"{len(lost)} of {len(lost) + won} cells"
    return f"The trained network is not above {rivals} in every seed of {of}: {places}{rest}."


def _detail(cell: Cell, jobs: Sequence[Trained]) -> str:
    """``dense (dose=1e+03): trained 21.52 dB in 0.8 s, input ...``, means over the seeds."""
    shown = [_shown(jobs, method) for method in TIMED if all(job.psnr(method) is not None for job in jobs)]
    spent = [job.seconds["training"] for job in jobs if "training" in job.seconds]
    training = f"; training took {fmean(spent):.1f} s" if spent else ""
    return f"{cell.name}: {', '.join(shown)}{training}"


def _shown(jobs: Sequence[Trained], method: str) -> str:
    seconds = [job.seconds[method] for job in jobs if method in job.seconds]
    time = f" in {fmean(seconds):.2f} s" if seconds else ""
    return f"{WORDS[method]} {fmean(_value(job, method) for job in jobs):.2f} dB{time}"


def _value(job: Trained, method: str) -> float:
    return job.metrics[metric_name(method, "amplitude", "psnr")]
