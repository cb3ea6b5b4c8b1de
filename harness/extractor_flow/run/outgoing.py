"""What a copy of a run reveals about people and machines, and how to redact it."""

from __future__ import annotations

import getpass
import re
import socket
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXTS = (".json", ".jsonl", ".md", ".html", ".log", ".csv", ".svg", ".txt")
"""The endings of files that hold text for people."""
_PATH_END = r"(?=[/\\\"'\s<>:,;)\]]|$)"
# Forms of well-known keys, and words that announce one.
_SECRET = re.compile(
    r"AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{30,}|hf_[A-Za-z0-9]{30,}|sk-[A-Za-z0-9_-]{20,}|xox[abpr]-[A-Za-z0-9-]{10,}"
    r"|(?<=PRIVATE KEY-----)[A-Za-z0-9+/=\\n]+"
    r"|(?i:(?<=password=)|(?<=passwd=)|(?<=secret=)|(?<=token=)|(?<=api_key=)|(?<=apikey=))[^\s\"'\\<>,;]{4,}"
)
# What compressed data spell by chance is shorter than what a person would read in it.
_READABLE = re.compile(rb"[\t\n\r -~]{8,}")
_SHORTEST_NAME = 3  # a host or a user called `a` would stand everywhere


def text_of(name: str, content: bytes) -> str:
    """What a person can read in the file *name*: all of a text file, the longer runs of plain text in any other."""
    if name.endswith(TEXTS):
        return content.decode("utf-8", "replace")
    return "\n".join(found.group().decode("ascii") for found in _READABLE.finditer(content))


class Rule(NamedTuple):
    """One kind of revealing text: what it is, its pattern, and what replaces it in a redacted copy."""

    what: str
    pattern: re.Pattern[str]
    instead: str | None


@dataclass(frozen=True)
class Outgoing:
    """The names to look for: those of the user and the machine; :meth:`of_this_machine` asks the system."""

    home: str
    user: str
    host: str

    @classmethod
    def of_this_machine(cls) -> Self:
        """The names of the user and the machine that this process runs as and on."""
        try:
            user = getpass.getuser()
        except (KeyError, OSError):
            user = ""
        return cls(str(Path.home()), user, socket.gethostname())

    def revealed_in(self, text: str) -> Iterator[str]:
        """What *text* reveals, as words; text matched by one rule is hidden from the next."""
        for rule in self._rules:
            if rule.pattern.search(text):
                yield rule.what
                text = text if rule.instead is None else rule.pattern.sub(rule.instead, text)

    def redacted(self, text: str) -> str:
        """*text* with placeholders for names, home directories and secrets; other absolute paths stay."""
        for rule in self._rules:
            if rule.instead is not None:
                text = rule.pattern.sub(rule.instead, text)
        return text

    @cached_property
    def _rules(self) -> tuple[Rule, ...]:
        names = rf"(?<=[/\s\"']){re.escape(self.user)}(?=@)|(?<=/){re.escape(self.user)}{_PATH_END}"
        host = rf"(?<![A-Za-z0-9-]){re.escape(self.host)}(?![A-Za-z0-9-])"
        rules = [
            Rule("a home directory", re.compile(rf"{re.escape(self.home)}{_PATH_END}"), "/home/USER"),
            Rule(
                "a home directory",
                re.compile(r"(?<![\w.])/(?:home|Users)/(?!USER\b)[^/\\\"'\s<>:,;)\]]+"),
                "/home/USER",
            ),
            *([Rule("a user's name", re.compile(names), "USER")] if len(self.user) >= _SHORTEST_NAME else []),
            *([Rule("the host's name", re.compile(host), "HOST")] if len(self.host) >= _SHORTEST_NAME else []),
            Rule("what looks like a secret", _SECRET, "REDACTED"),
            Rule("an absolute path", re.compile(r"(?<=[\"'\s])/(?!home/USER)(?:[\w.+-]+/)+[\w.+-]+"), None),
        ]
        return tuple(rules)
