"""Which version of this package wrote a run: what another one wrote may be written otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extractor_flow import __version__
from extractor_flow.run.provenance import DISTRIBUTION

if TYPE_CHECKING:
    from collections.abc import Mapping


def is_of_this_version(request: Mapping[str, Any]) -> bool:
    """Whether ``run.json`` says that this very version wrote the run."""
    return bool(request["packages"].get(DISTRIBUTION) == __version__)


def author(request: Mapping[str, Any]) -> str:
    """Who wrote the run by its own word, and who reads it, as the reason why something is not checked."""
    there = request["packages"].get(DISTRIBUTION)
    wrote = f"{DISTRIBUTION} {there}" if there else f"an unknown version of {DISTRIBUTION}"
    return f"{wrote} wrote it; this is {__version__}"
