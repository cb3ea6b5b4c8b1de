"""Judges a run by its published files, never by objects in memory.

A run directory is a stranger's data: reading it executes nothing, follows no link out of it, and allocates no more than
the limits of :mod:`harness.readers` allow. The layers, each in a module of its own:

- ``schema``: every JSON file is strict and keeps its contract;
- ``matrix``: the settings span the matrix that was announced, and the journal tells of it, in time;
- ``consistency``, ``markdown``, ``html``: each published file is what the journal gives, made again and compared;
- ``evidence``: each job's directory tells the same, and its artifacts have their digests; then the flow's own
  :class:`harness.evidence.Examining` measures again what the artifacts let it.

``docs/verification.md`` says what a careful liar can still do; :mod:`.replay` is the answer to most of it.
"""

from __future__ import annotations

from harness.verify.check import verify
from harness.verify.show import FORMATS
from harness.verify.verdict import Unchecked, Verdict, Violation

__all__ = ["FORMATS", "Unchecked", "Verdict", "Violation", "verify"]
