"""Judges a run by its published files, never by objects in memory.

A run directory is a stranger's data: reading it executes nothing, follows no link out of it, and allocates no more than
the limits of :mod:`extractor_flow.readers` allow. The layers, each in a module of its own:

- ``schema``: every JSON file is strict and keeps its contract;
- ``matrix``: the settings span the matrix that was announced, and the journal tells of it, in time;
- ``consistency``, ``markdown``, ``html``: each published file is what the journal gives, made again and compared;
- ``evidence``: each job's directory tells the same, and its artifacts have their digests; then the flow's own
  :class:`extractor_flow.evidence.findings.SupportsEvidence` measures again what the artifacts let it.

``docs/verification.md`` says what a careful liar can still do; :mod:`.replay` is the answer to most of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor_flow.verify.formats import FORMATS
from extractor_flow.verify.verdict import Unchecked, Verdict, Violation

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FORMATS", "Unchecked", "Verdict", "Violation", "verify"]


def verify(run_directory: Path, *, deep: bool = False, archived: bool = False) -> Verdict:
    """Check every claim of the run in *run_directory*, in this process, without a budget.

    As :func:`extractor_flow.verify.engine.verify`, which is imported when it is called: who only shows verdicts, or has
    another process judge, needs none of it.
    """
    from extractor_flow.verify import engine

    return engine.verify(run_directory, deep=deep, archived=archived)
