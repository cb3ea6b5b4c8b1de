"""Judges a run by its published files, never by objects in memory.

A run directory is a stranger's data: reading it executes nothing, follows no link out of it, and allocates no more than
the limits of :mod:`extractor_flow.readers` allow. :mod:`.subject` loads the run once, :mod:`.checks` are what every run
is held to, :mod:`.examine` calls them and those of the run's flow, and :mod:`.engine` puts what they found in order.
``extractor-flow checks`` lists them all; ``docs/verification.md`` says what a careful liar can still do, and
:mod:`.replay` is the answer to most of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor_flow.verify.formats import FORMATS
from extractor_flow.verify.verdict import Conclusion, Unchecked, Verdict, Violation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from extractor_flow.binding.witness import Witness

__all__ = ["FORMATS", "Conclusion", "Unchecked", "Verdict", "Violation", "verify"]


def verify(
    run_directory: Path,
    *,
    deep: bool | Collection[str] = False,
    archived: bool = False,
    witness: Witness | None = None,
    trust: Iterable[str] = (),
) -> Verdict:
    """Check every claim of the run in *run_directory*, in this process and without a budget.

    As :func:`extractor_flow.verify.engine.verify`, which is imported when it is called: who only shows verdicts, or has
    another process judge, needs none of it.
    """
    from extractor_flow.readers.paths import ConfinedDirectory
    from extractor_flow.verify import engine

    return engine.verify(ConfinedDirectory(run_directory), deep=deep, archived=archived, witness=witness, trust=trust)
