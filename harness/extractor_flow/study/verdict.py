"""What a study concludes, in one value: a code for programs, sentences for people."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extractor_flow.files import Json


@dataclass(frozen=True)
class Verdict:
    """A flow's conclusion from its records.

    Programs read ``code`` and ``winner``, a compared name. ``sentence`` is the conclusion; ``details`` are the facts
    behind it, ``limits`` what it does not say. Nothing parses them. ``parts`` are the verdicts on parts of the study.
    """

    code: str
    sentence: str
    winner: str | None = None
    details: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    parts: Mapping[str, Verdict] = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        """The verdict as it stands in ``summary.json``; without a winner or parts it has no such key."""
        winner: dict[str, Json] = {} if self.winner is None else {"winner": self.winner}
        parts: dict[str, Json] = {name: verdict.to_json() for name, verdict in self.parts.items()}
        return {
            "code": self.code,
            "sentence": self.sentence,
            **winner,
            "details": list(self.details),
            "limits": list(self.limits),
            **({"parts": parts} if parts else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The verdict that :meth:`to_json` wrote."""
        return cls(
            code=data["code"],
            sentence=data["sentence"],
            winner=data.get("winner"),
            details=tuple(data["details"]),
            limits=tuple(data["limits"]),
            parts={name: cls.from_json(verdict) for name, verdict in data.get("parts", {}).items()},
        )
