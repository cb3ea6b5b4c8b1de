"""What other projects' tests import; each name loads its module when it is first used.

- :func:`check_flow` checks a flow of your own against the protocol (:mod:`extractor_flow.testing.conformance`);
- :func:`check_executor` checks an executor of your own (:mod:`extractor_flow.testing.executing`);
- :func:`normalise_markdown` makes a summary's Markdown fit for a snapshot (:mod:`extractor_flow.render.normalise`).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from extractor_flow.render.normalise import normalise_markdown
    from extractor_flow.testing.conformance import ConformanceError, check_flow
    from extractor_flow.testing.executing import check_executor

__all__ = ["ConformanceError", "check_executor", "check_flow", "normalise_markdown"]

_HOMES = {
    "ConformanceError": "extractor_flow.testing.conformance",
    "check_executor": "extractor_flow.testing.executing",
    "check_flow": "extractor_flow.testing.conformance",
    "normalise_markdown": "extractor_flow.render.normalise",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(_HOMES[name]), name)
