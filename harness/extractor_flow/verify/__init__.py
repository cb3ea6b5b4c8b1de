"""Judges a run by its published files, never by objects in memory.

A run directory is a stranger's data: reading it executes nothing, follows no link out of it, and allocates no more than
the limits of :mod:`extractor_flow.readers` allow. :mod:`.subject` loads the run once, :mod:`.checks` are what every run
is held to, :mod:`.examine` calls them and those of the run's flow, and :mod:`.engine` puts what they found in order.
``extractor-flow checks`` lists them all; ``docs/verification.md`` says what a careful liar can still do, and
:mod:`.replay` is the answer to most of it.
"""

from __future__ import annotations

from extractor_flow.verify.engine import verify
from extractor_flow.verify.formats import FORMATS
from extractor_flow.verify.verdict import Conclusion, Unchecked, Verdict, Violation

__all__ = ["FORMATS", "Conclusion", "Unchecked", "Verdict", "Violation", "verify"]
