"""A trap of pytest's: the value of a plugin's option, given apart from it, takes part in finding the root directory.

At that time plugins are not loaded yet, so ``--lane-report /elsewhere/lane.jsonl`` reads as an unknown option and a
path to tests. If the path exists, the root directory becomes what it has in common with the working directory: the
project's ini file is lost and every node id changes, silently.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def refuse_stray_root(config: pytest.Config, option: str, path: Path) -> None:
    """Raise ``pytest.UsageError`` if *path*, the value of *option*, has led pytest to a wrong root directory."""
    root, here = config.rootpath, config.invocation_params.dir
    arguments = (*config.invocation_params.args, *os.environ.get("PYTEST_ADDOPTS", "").split())
    strayed = root != here and root in here.parents and root in path.parents
    if strayed and config.inipath is None and option in arguments and path.exists():
        msg = (
            f"{option} {path}: pytest took this path for a place with tests and made {root} the root directory; "
            f"write it with an equals sign, {option}={path}"
        )
        raise pytest.UsageError(msg)
