"""Judges a run by its published files, never by objects in memory.

A run directory is a stranger's data: reading it executes nothing, follows no link out of it, and allocates no more than
the limits of :mod:`harness.readers` allow. ``docs/verification.md`` says what each layer checks and what a careful liar
could still do.
"""

from __future__ import annotations

from harness.verify.check import verify
from harness.verify.show import FORMATS
from harness.verify.verdict import Unchecked, Verdict, Violation

__all__ = ["FORMATS", "Unchecked", "Verdict", "Violation", "verify"]
