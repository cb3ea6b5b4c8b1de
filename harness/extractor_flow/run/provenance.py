"""Where a run came from: the commit of the working directory and the versions of the packages that matter."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from extractor_flow import __version__
from extractor_flow.files import dump_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DISTRIBUTION = "pytest-extractor-flow"
_PACKAGES = (
    "torch",
    "stable-baselines3",
    "gymnasium",
    "numpy",
    "scipy",
    "matplotlib",
    "pillow",
    "minigrid",
)
_GIT_TIMEOUT = 10


def package_versions() -> dict[str, str]:
    """The installed versions of this package and of those whose version can change a result; none is imported."""
    return {DISTRIBUTION: __version__, **_installed(tuple(sys.path))}


@lru_cache(maxsize=1)
def _installed(_: tuple[str, ...]) -> dict[str, str]:
    """What is found on that path: looking takes ten milliseconds, and a verification asks once for each file."""
    found = {}
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def git_state(directory: Path) -> dict[str, Any] | None:
    """``{"commit": ..., "dirty": ...}`` of the checkout that holds *directory*; ``None`` outside one or without git."""
    commit = _git(directory, "rev-parse", "HEAD")
    status = _git(directory, "status", "--porcelain")
    if commit is None or status is None:
        return None
    return {"commit": commit.strip(), "dirty": bool(status.strip())}


def config_digest(settings: Mapping[str, Any]) -> str:
    """The SHA-256 of the resolved settings in canonical JSON; equal settings have equal digests."""
    return hashlib.sha256(dump_line(dict(settings)).encode("utf-8")).hexdigest()


def _git(directory: Path, *arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            # Without the lock by which git updates its index: nothing is written to somebody's checkout.
            ["git", "--no-optional-locks", "-C", str(directory), *arguments],
            capture_output=True,
            text=True,
            timeout=_GIT_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout if answer.returncode == 0 else None
