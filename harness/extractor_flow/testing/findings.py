"""What a conformance check found, as data, and the error that lists all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from extractor_flow.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

# What code that breaks its contract raises; anything beyond these is passed on as it is.
CRASHES = (
    HarnessError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True)
class Finding:
    """One way of breaking the protocol: the *rule* by a short name, and what was found."""

    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.message}"


class ConformanceError(AssertionError):
    """A flow or an executor breaks the protocol; ``findings`` holds every way in which it does that was found."""

    def __init__(self, name: str, findings: Sequence[Finding], what: str = "flow") -> None:
        self.findings = tuple(findings)
        lines = "\n".join(f"- {finding}" for finding in self.findings)
        super().__init__(f"the {what} {name} does not conform:\n{lines}")


class Findings:
    """Collects findings while one check after the other is made."""

    def __init__(self) -> None:
        self.all: list[Finding] = []

    def add(self, rule: str, message: str) -> None:
        """Note that *rule* is broken; what has been noted already is not noted again."""
        finding = Finding(rule, message)
        if finding not in self.all:
            self.all.append(finding)

    def require(self, condition: object, rule: str, message: str) -> bool:
        """Note that *rule* is broken unless *condition* holds; whether it does."""
        if not condition:
            self.add(rule, message)
        return bool(condition)

    def attempt(self, rule: str, what: str, call: Callable[[], T]) -> T | None:
        """What *call* returns; ``None``, with a finding, if it raises. *what* names the call."""
        try:
            return call()
        except CRASHES as error:
            self.add(rule, f"{what} raised {type(error).__name__}: {error}")
            return None
