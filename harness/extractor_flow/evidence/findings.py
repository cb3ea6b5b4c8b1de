"""What a check finds: a claim that the files contradict, or a claim that it could not judge."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from extractor_flow.readers.errors import one_line

if TYPE_CHECKING:
    from extractor_flow.readers.errors import ReadError

# Sums of the same numbers in another order, on another machine, differ by a few units in the last place of a double
# (2.2e-16); a mean over 10,000 values by at most about 1e-12 of its size. A lie that small changes nothing.
TOLERANCE = 1e-9
BUDGET = "budget"
"""The kind of violation that verifying cost more than it may."""
_SHOWN = 200


@dataclass(frozen=True)
class Violation:
    """A claim that the files do not bear out.

    ``file`` is relative to the run directory, ``path`` leads to the claim inside it (a JSON path, a row; empty for the
    file as a whole), ``claim`` is what is claimed or demanded, ``found`` what was found. ``kind`` names the sort of
    violation: one of the readers' kinds, or a layer's. ``check`` is the id of the check that found it; the engine fills
    it in. Two violations that differ only in who found them are equal.
    """

    file: str
    path: str
    claim: str
    found: str
    kind: str
    check: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        """Make the texts of strangers printable, and keep them on one line and short."""
        for name in ("file", "path", "claim", "found"):
            object.__setattr__(self, name, one_line(getattr(self, name)))

    @classmethod
    def refused(cls, file: str, error: ReadError) -> Violation:
        """The violation that a reader's refusal of *file* is."""
        inside = error.where.removeprefix(file).removeprefix("!").removeprefix(":")
        return cls(file, inside, "can be read safely", error.what, error.kind)


class Why(StrEnum):
    """Why a claim was not judged: the code beside the sentence."""

    DEEP = "deep"  # only --deep looks at it
    PACKAGE = "package"  # what would judge it is not installed here
    UNKNOWN_FLOW = "unknown-flow"  # no installed flow can tell what its files should hold
    OTHER_VERSION = "other-version"  # other versions of our packages wrote it, and may write it otherwise
    LEFT_OUT = "left-out"  # the archive left the file out
    REDACTED = "redacted"  # the archive has names and secrets replaced in the file
    UNREADABLE = "unreadable"  # an earlier violation keeps it from being looked at
    NO_WITNESS = "no-witness"  # nothing on disk tells
    NOT_REPRODUCED = "not-reproduced"  # trained again somewhere else, it came out otherwise
    UNDRAWN = "undrawn"  # the run has none of the figures that are drawn here: what draws was missing, or gave up
    UNPUBLISHED = "unpublished"  # the journal is there, what is made from it is not
    NO_EVIDENCE = "no-evidence"  # the flow has no checks of its own
    UNJUDGED = "unjudged"  # no check could look at anything that a completed job left
    UNTRUSTED = "untrusted"  # it would run code that the run names; --trust allows it
    NO_REPEAT = "no-repeat"  # what is measured twice here comes out otherwise
    LIMIT = "limit"  # there is more of it than is looked at
    LINE_ENDS = "line-ends"  # the bytes are other ones, the text is the same


INCONCLUSIVE = frozenset(
    {
        Why.UNKNOWN_FLOW,
        Why.OTHER_VERSION,
        Why.REDACTED,
        Why.NOT_REPRODUCED,
        Why.UNDRAWN,
        Why.UNPUBLISHED,
        Why.NO_EVIDENCE,
        Why.UNJUDGED,
        Why.UNREADABLE,
        Why.LIMIT,
    }
)
"""What keeps a run without violations from being verified: most of it is excused by the run's own word only."""


@dataclass(frozen=True)
class Unchecked:
    """Something that was not verified: *what*, and *why* not, as a sentence and as a code."""

    what: str
    why: str
    code: Why = Why.NO_WITNESS
    check: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        """As with a violation."""
        for name in ("what", "why"):
            object.__setattr__(self, name, one_line(getattr(self, name)))


Finding = Violation | Unchecked


def close(claim: object, found: object) -> bool:
    """Whether two numbers are equal but for the rounding of sums, which differs between machines."""
    if not isinstance(claim, int | float) or not isinstance(found, int | float):
        return claim == found
    return math.isclose(claim, found, rel_tol=TOLERANCE, abs_tol=TOLERANCE**2)


def brief(value: object) -> str:
    """*value* as a violation shows it: at most 200 characters."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
