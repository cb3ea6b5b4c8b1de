"""What verification found: violations, what could not be checked, and what was looked at at all."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from extractor_flow.evidence.findings import INCONCLUSIVE, Unchecked, Violation, Why
from extractor_flow.readers.errors import one_line

if TYPE_CHECKING:
    from extractor_flow.evidence.check import Layer

__all__ = ["Conclusion", "Ran", "Reproduction", "Unchecked", "Verdict", "Violation"]


class Conclusion(StrEnum):
    """The conclusion of a verdict."""

    VERIFIED = "verified"  # nothing is contradicted, and every completed job was judged by its evidence
    CONTRADICTED = "contradicted"
    INCONCLUSIVE = "inconclusive"  # nothing is contradicted, but something essential could not be judged
    UNPUBLISHED = "unpublished"  # the run is under way or was interrupted


EXIT_CODES = {
    Conclusion.VERIFIED: 0,
    Conclusion.CONTRADICTED: 1,
    Conclusion.INCONCLUSIVE: 3,
    Conclusion.UNPUBLISHED: 3,
}


@dataclass(frozen=True)
class Reproduction:
    """The certificate that a *job*, trained again, gave the same bit for bit.

    ``equal`` names what was compared; ``environment`` says in what this environment differs from the run's even so.
    """

    job: str
    equal: tuple[str, ...]
    environment: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """As with a violation: a stranger's texts stay on one line."""
        object.__setattr__(self, "job", one_line(self.job))
        for name in ("equal", "environment"):
            object.__setattr__(self, name, tuple(map(one_line, getattr(self, name))))


@dataclass(frozen=True)
class Ran:
    """A check that looked, its layer, and how many claims it looked at."""

    check: str
    layer: Layer
    claims: int


@dataclass(frozen=True)
class Verdict:
    """The judgement on one run.

    ``ran`` are the checks that looked, ``needs_deep`` the ids of those that only ``--deep`` calls. ``root`` is the
    SHA-256 of the run's ``subjects.json``, as far as it has one. ``notes`` tell people what was seen beside the run;
    they judge nothing.
    """

    violations: tuple[Violation, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()
    reproduced: tuple[Reproduction, ...] = ()
    ran: tuple[Ran, ...] = ()
    needs_deep: tuple[str, ...] = ()
    root: str | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """As with a violation: a stranger's texts stay on one line."""
        object.__setattr__(self, "notes", tuple(map(one_line, self.notes)))

    @property
    def ok(self) -> bool:
        """Whether nothing is contradicted; :attr:`conclusion` says whether that means anything."""
        return not self.violations

    @property
    def conclusion(self) -> Conclusion:
        """The conclusion."""
        codes = {item.code for item in self.unchecked}
        if self.violations:
            return Conclusion.CONTRADICTED
        if Why.UNPUBLISHED in codes:
            return Conclusion.UNPUBLISHED
        return Conclusion.INCONCLUSIVE if codes & INCONCLUSIVE else Conclusion.VERIFIED

    @property
    def claims(self) -> int:
        """How many claims were checked."""
        return sum(each.claims for each in self.ran)

    def layer_of(self, finding: Violation | Unchecked) -> Layer | None:
        """The layer of the check that found it; ``None`` for what no check found."""
        return {each.check: each.layer for each in self.ran}.get(finding.check)

    def __add__(self, other: Verdict) -> Verdict:
        """Both verdicts merged into one."""
        return Verdict(
            self.violations + other.violations,
            self.unchecked + other.unchecked,
            self.reproduced + other.reproduced,
            self.ran + other.ran,
            tuple(dict.fromkeys(self.needs_deep + other.needs_deep)),
            self.root or other.root,
            self.notes + other.notes,
        )
