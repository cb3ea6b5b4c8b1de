"""A check: a thing with a name, which compares a claim with its evidence, and says what it cannot catch.

Only :mod:`extractor_flow.verify.examine` calls checks: it guards against crafted input and turns what is not there into
:class:`Unchecked`. A check is a generator over what it is given::

    @check("ppo-optimizer-steps", reads=("final_model",))
    def optimizer_steps(job: Claims) -> Iterator[Finding]:
        \"\"\"The optimizer has taken as many steps as the plan's updates amount to.

        Catches: fewer updates than claimed, a model of another training. Cannot catch: updates on other data.
        \"\"\"

Whoever owns checks lists them in a tuple; nothing is registered by importing it.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from extractor_flow.evidence.findings import Finding
    from extractor_flow.evidence.job_claims import JobClaims
    from extractor_flow.evidence.run_context import RunContext
    from extractor_flow.study.records import Completed, JobRecord


class Layer(StrEnum):
    """What a check belongs to: one item each in the pytest plugin, in this order."""

    SCHEMA = "schema"
    MARKDOWN = "markdown"
    CONSISTENCY = "consistency"
    EVIDENCE = "evidence"


class Scope(StrEnum):
    """What a check is called with: the run, or each completed job in turn."""

    RUN = "run"
    JOB = "job"


class Requirement(StrEnum):
    """What a check of the core takes for granted; where a run does not offer it, the check is not called."""

    ARCHIVE = "archive"  # the run is a slim copy
    REQUEST = "request"  # run.json satisfies its contract
    JOURNAL = "journal"  # every line of the journal is a record
    FLOW = "flow"  # the run's flow is installed
    STUDY = "study"  # the flow takes the run's settings for settings of its own
    COMPARISON = "comparison"  # the journal's records can be compared
    WITNESS = "witness"  # the run's root is known from elsewhere


@dataclass(frozen=True, eq=False)  # one is itself alone, and is looked up for each of thousands of jobs
class Check:
    """One named check.

    ``reads`` names the artifact roles or run-level files that it looks into: a job is judged by its evidence where a
    check of scope ``job`` reads something of it. ``needs`` names the modules without which it cannot look (none of them
    is imported before it is called), ``requires`` what the core must have found in order first, ``deep`` that only
    ``--deep`` asks for it.
    """

    id: str
    layer: Layer
    scope: Scope
    examine: Callable[[Any], Iterable[Finding]]
    reads: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    deep: bool = False
    requires: tuple[Requirement, ...] = ()
    compares: str = field(init=False)
    catches: str = field(init=False)
    cannot_catch: str = field(init=False)

    def __post_init__(self) -> None:
        """Read the docstring's three parts; ``ValueError`` when one is missing, so that no check is mute."""
        text = inspect.getdoc(self.examine) or ""
        parts = re.fullmatch(r"(.+?)\s+Catches: (.+?)\s+Cannot catch: (.+)", " ".join(text.split()))
        if parts is None or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.id):
            msg = f"check {self.id!r}: docstring {text!r}; expected a sentence, 'Catches: ...' and 'Cannot catch: ...'"
            raise ValueError(msg)
        for name, value in zip(("compares", "catches", "cannot_catch"), parts.groups(), strict=True):
            object.__setattr__(self, name, value.replace("``", "`"))


def check(
    name: str,
    *,
    layer: Layer = Layer.EVIDENCE,
    scope: Scope = Scope.JOB,
    reads: Sequence[str] = (),
    needs: Sequence[str] = (),
    deep: bool = False,
    requires: Sequence[Requirement] = (),
) -> Callable[[Callable[[Any], Iterable[Finding]]], Check]:
    """Make a :class:`Check` with the id *name* of a generator function; its docstring says what it is good for."""

    def made(examine: Callable[[Any], Iterable[Finding]]) -> Check:
        return Check(name, layer, scope, examine, tuple(reads), tuple(needs), deep, tuple(requires))

    return made


@runtime_checkable
class SupportsChecks(Protocol):
    """The optional members of a flow that measures again what can be measured without training."""

    def checks(self) -> Sequence[Check]:
        """The flow's own checks, in the order in which they are run; imports no deep-learning package."""
        ...

    def claims(self, run: RunContext, record: JobRecord, outcome: Completed) -> JobClaims:
        """What *record* claims and was to do, which each check of scope ``job`` is called with."""
        ...
