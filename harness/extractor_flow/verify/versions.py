"""Which version of this package wrote a run: another version may write the same content differently."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

from extractor_flow import __version__
from extractor_flow.run.provenance import DISTRIBUTION, package_versions

if TYPE_CHECKING:
    from collections.abc import Mapping


# Of these the last bits of a statistic, and the bytes of a figure, depend.
_DECISIVE = (DISTRIBUTION, "numpy", "scipy", "matplotlib", "pillow")


def is_of_this_version(request: Mapping[str, Any]) -> bool:
    """Whether ``run.json`` says that this very version wrote the run."""
    return bool(request["packages"].get(DISTRIBUTION) == __version__)


def computes_alike(request: Mapping[str, Any]) -> bool:
    """Whether sums and figures come out the same here, to the last bit, by the run's own word of where it was made."""
    here = package_versions()
    packages = all(request["packages"].get(name) == here.get(name) for name in _DECISIVE)
    system = request["platform"].partition("-")[0], request["hardware"]["arch"], request["python_version"]
    return packages and system == (platform.platform().partition("-")[0], platform.machine(), platform.python_version())


def author(request: Mapping[str, Any]) -> str:
    """Who wrote the run by its own word, and who reads it, as the reason why something is not checked."""
    recorded = request["packages"].get(DISTRIBUTION)
    wrote = f"{DISTRIBUTION} {recorded}" if recorded else f"an unknown version of {DISTRIBUTION}"
    return f"{wrote} wrote it; this is {__version__}"
