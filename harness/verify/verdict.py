"""What verification found: violations, and what could not be checked."""

from __future__ import annotations

from dataclasses import dataclass

from harness.evidence import Unchecked, Violation

__all__ = ["Unchecked", "Verdict", "Violation"]


@dataclass(frozen=True)
class Verdict:
    """The judgement on one run; a run is as true as its files when there is no violation and nothing unchecked."""

    violations: tuple[Violation, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing was found; what could not be checked does not count against the run."""
        return not self.violations
