"""What verification found: violations, and what could not be checked."""

from __future__ import annotations

from dataclasses import dataclass

from extractor_flow.evidence.findings import Unchecked, Violation
from extractor_flow.readers.errors import one_line

__all__ = ["Reproduction", "Unchecked", "Verdict", "Violation"]


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
class Verdict:
    """The judgement on one run; a run is as true as its files when there is no violation and nothing unchecked.

    ``root`` is the SHA-256 of the run's ``subjects.json``, as far as it has one. ``notes`` tell people what was seen
    beside the run, and judge nothing.
    """

    violations: tuple[Violation, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()
    reproduced: tuple[Reproduction, ...] = ()
    root: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing was found; what could not be checked does not count against the run."""
        return not self.violations

    def __add__(self, other: Verdict) -> Verdict:
        """Both judgements in one."""
        return Verdict(
            self.violations + other.violations,
            self.unchecked + other.unchecked,
            self.reproduced + other.reproduced,
            self.root or other.root,
            self.notes + other.notes,
        )
