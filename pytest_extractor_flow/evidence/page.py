"""The index of a session's evidence as Markdown, for people."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

KINDS = {
    "collected": "every test with its markers: collected, deselected, not collected",
    "outcomes": "what became of each test, and why",
    "lane": "the lane report",
    "junit": "JUnit XML",
    "command_log": "everything that a command printed",
    "run": "a run's own file",
    "run_log": "the end of a log of a run",
    "verdict": "what verification found",
}
_VERIFIED = {None: None, True: "borne out by its files", False: "violated"}


def render(index: Mapping[str, Any]) -> str:
    """*index*, a value of the contract ``evidence_index``, as Markdown."""
    from extractor_flow.render.escaping import escape_cell

    blocks = [
        f"# Evidence: {'complete' if index['complete'] else 'not complete'}",
        "\n".join(f"- {escape_cell(reason)}" for reason in index.get("incomplete_because", ())),
        _table(("of the session", ""), _facts(index)),
        "## Tests",
        _table(("what became of them", "tests"), _counts(index["tests"])),
        *_section("Runs", ("run", "directory", "verdict"), _runs(index["runs"])),
        *_section("Files", ("file", "what it is", "bytes", "SHA-256"), _files(index["files"])),
        *_section("Packages", ("package", "version"), sorted(index["packages"].items())),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _facts(index: Mapping[str, Any]) -> Iterable[Sequence[str | None]]:
    system, python, git = index["platform"], index["python"], index.get("git")
    dirty = {True: ", files changed", False: ", no file changed"}
    yield "command", shlex.join(["pytest", *index["arguments"]])
    yield "started", index["started"]
    yield "ended", index.get("ended")
    yield "exit status", str(index["exit_status"]) if "exit_status" in index else None
    yield "commit", git and git["commit"] + dirty.get(git.get("dirty"), "")
    yield "platform", f"{system['system']} {system['release']} {system['machine']}"
    yield "Python", f"{python['implementation']} {python['version']}"


def _counts(tests: Mapping[str, Any]) -> Iterable[Sequence[str | None]]:
    for name in ("collected", "deselected", "uncollected"):
        yield {"uncollected": "files not collected"}.get(name, name), str(tests[name])
    for outcome, count in sorted(tests["outcomes"].items()):
        yield outcome, str(count)


def _runs(runs: Iterable[Mapping[str, Any]]) -> Iterable[Sequence[str | None]]:
    for run in runs:
        yield run["folder"], run["directory"], _VERIFIED[run.get("verified")]


def _files(files: Iterable[Mapping[str, Any]]) -> Iterable[Sequence[str | None]]:
    for file in files:
        yield file["path"], KINDS[file["kind"]], str(file["size_bytes"]), file["sha256"]


def _section(heading: str, headings: Sequence[str], rows: Iterable[Sequence[str | None]]) -> list[str]:
    found = list(rows)
    return [f"## {heading}", _table(headings, found)] if found else []


def _table(headings: Sequence[str], rows: Iterable[Sequence[str | None]]) -> str:
    from extractor_flow.render.escaping import cell

    lines = [headings, ["---"] * len(headings), *([cell(text) for text in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
