"""Calls a command in this process, which has imported already what a new one would import first."""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PLAIN = {"COLUMNS": "300", "OMP_NUM_THREADS": "1", "TERM": "dumb"}
"""An environment in which output is wide and without colours, and every library computes in one thread."""


@dataclass(frozen=True)
class Answer:
    """What a finished command said."""

    code: int
    out: str
    err: str


def call(main: Callable[[list[str]], int], *words: object, cwd: Path) -> Answer:
    """The answer of *main* to *words*, started in *cwd*."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(cwd)
        for name, value in PLAIN.items():
            patch.setenv(name, value)
        try:
            code = main([*map(str, words)])
        except SystemExit as end:  # argparse's way to refuse, and to help
            code = int(end.code or 0)
    return Answer(code, out.getvalue(), err.getvalue())
