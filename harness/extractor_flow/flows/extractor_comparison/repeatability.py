"""Whether a job's environment does the same twice, and what else about it and its extractor a reader should know; pure.

A job writes it into its record as the detail ``repeatability``; the comparison says it in its notes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from extractor_flow.study.job_contract import REPEATABILITY
from extractor_flow.study.records import Completed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from extractor_flow.files import Json
    from extractor_flow.study.records import JobRecord


class Finding(StrEnum):
    """Something that an environment or an extractor does and that harms a comparison."""

    RUNNING_OBSERVATIONS = "running-observation-normalisation"
    RUNNING_REWARDS = "running-reward-normalisation"
    OUTSIDE_SPACE = "observation-outside-space"
    STATEFUL_EXTRACTOR = "stateful-extractor"


_NO_REPEAT = (
    "{} does not repeat: after the same seed and the same actions its {} differ; a difference between extractors may "
    "be the environment's, and training again may come out otherwise"
)
_SAID = {
    Finding.RUNNING_OBSERVATIONS: (
        "{environment} normalises observations by running statistics of its own, which differ from one evaluation "
        "episode to the next; env.normalize keeps one set of them, and freezes it for evaluation"
    ),
    Finding.RUNNING_REWARDS: (
        "{environment} normalises rewards by running statistics of its own: what is measured is not the reward, and "
        "rises or falls untrained; env.normalize normalises the rewards of the training alone"
    ),
    Finding.OUTSIDE_SPACE: "{environment} gives observations outside of its observation space",
    Finding.STATEFUL_EXTRACTOR: (
        "the extractor {extractor} does not give the same features for the same observations twice: its evaluations "
        "hang on what it was shown before"
    ),
}


@dataclass(frozen=True)
class Repeatability:
    """What the probe found: which of observations, rewards and ends *differ* when all is done again, and *findings*."""

    differs: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def repeats(self) -> bool:
        """Whether the same seed and the same actions gave the same."""
        return not self.differs

    @classmethod
    def of_all(cls, found: Iterable[Self]) -> Self:
        """What was found in one environment or another."""
        each = tuple(found)
        differs = dict.fromkeys(name for one in each for name in one.differs)
        return cls(tuple(differs), tuple(dict.fromkeys(finding for one in each for finding in one.findings)))

    def with_finding(self, finding: Finding) -> Repeatability:
        """A copy with *finding* added."""
        return replace(self, findings=(*self.findings, finding))

    def to_json(self) -> dict[str, Json]:
        """The detail of a job's record."""
        return {
            "repeats": self.repeats,
            "differs": list(self.differs),
            "findings": [str(each) for each in self.findings],
        }

    @classmethod
    def from_json(cls, data: object) -> Self | None:
        """What :meth:`to_json` wrote; ``None`` for anything else."""
        try:
            members: Any = data if isinstance(data, Mapping) else {}
            made = cls(tuple(map(str, members["differs"])), tuple(map(Finding, members["findings"])))
        except (KeyError, TypeError, ValueError):
            return None
        return made if made.to_json() == data else None


def limits_of(records: Iterable[JobRecord]) -> Iterator[str]:
    """What the jobs of a comparison found, as sentences, each once."""
    claims = [
        (record.name, record.outcome.details.get("environment"), found)
        for record in records
        if isinstance(record.outcome, Completed)
        and (found := Repeatability.from_json(record.outcome.details.get(REPEATABILITY))) is not None
    ]
    yield from dict.fromkeys(
        _NO_REPEAT.format(env, ", ".join(found.differs)) for _, env, found in claims if found.differs
    )
    yield from dict.fromkeys(
        _SAID[each].format(environment=environment, extractor=name)
        for name, environment, found in claims
        for each in found.findings
    )
