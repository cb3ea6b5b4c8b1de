"""Reads one lane report, strictly: whole, unchanged and under its contract, or not at all."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from extractor_flow.contracts import violations
from extractor_flow.errors import DataError
from extractor_flow.files import parse_json, read_text
from extractor_flow.gate.signing import KEY_VARIABLE, is_signed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    Record = Mapping[str, Any]

_CONTRACT = "lane_report"
_BAD = ("crashed", "failed", "error")
_TRAINED_NOTHING = "it judged an existing run, and nothing was trained"
# The worst first: what a test is said to have come to when several workers ran it.
_BY_GRAVITY = (*_BAD, "rerun", "skipped", "xfailed", "xpassed", "passed")


@dataclass(frozen=True)
class TestOnLane:
    """What happened to one test on one lane: ``fate`` is its outcome, ``deselected`` or ``not run``.

    ``executed`` says that its body really ran here, to whatever end, and not on a run that was there already;
    ``failed`` that something about it did.
    """

    __test__ = False

    markers: frozenset[str]
    fate: str
    reason: str | None
    executed: bool
    failed: bool


class RunOnLane(NamedTuple):
    """A run that a lane's tests were given: its directory's name, its root, and whether the lane trained it."""

    name: str
    root: str
    trained: bool


class Uncollected(NamedTuple):
    """A file or class that was not collected: ``failed`` or ``skipped``, why, and which markers its text mentions."""

    outcome: str
    reason: str
    mentions: tuple[str, ...] = ()


@dataclass(frozen=True)
class LaneReport:
    """A whole report. ``commit`` and ``dirty`` are ``None`` where the report does not say.

    ``uncollected`` holds the files and classes that were not collected, ``tests`` what became of each test, by node id.
    """

    path: Path
    lane: str
    commit: str | None
    dirty: bool | None
    machine: str
    python: str
    pytest: str
    capabilities: Mapping[str, bool]
    exit_status: int
    tests: Mapping[str, TestOnLane]
    uncollected: Mapping[str, Uncollected]
    runs: Sequence[RunOnLane] = ()


def read_report(path: Path, key: bytes | None = None) -> LaneReport:
    """The report in *path*; :class:`DataError` says why it cannot be used, and in which line.

    With a *key* it must have been signed with that.
    """
    lines = _lines(path)
    records = [_record(line, f"{path}:{number}") for number, line in enumerate(lines, start=1)]
    header = _bounded(path, lines, records)
    if key is not None and not is_signed(records[-1], key):
        msg = f"{path}: is not signed with the gate's key; give its session --lane-key, or {KEY_VARIABLE}"
        raise DataError(msg)
    git = header.get("git", {})
    system = header["platform"]
    return LaneReport(
        path=path,
        lane=header["lane"],
        commit=git.get("commit"),
        dirty=git.get("dirty"),
        machine=f"{system['system']} {system['release']} {system['machine']}",
        python=header["python"]["version"],
        pytest=header["packages"]["pytest"],
        capabilities={name: answer["available"] for name, answer in header["capabilities"].items()},
        exit_status=records[-1]["exit_status"],
        tests=_tests(records),
        uncollected={
            record["nodeid"]: Uncollected(record["outcome"], record["reason"], tuple(record.get("mentions", ())))
            for record in records
            if record["record"] == "uncollected"
        },
        runs=tuple(
            RunOnLane(record["run_directory"], record["root"], record["trained"])
            for record in records
            if record["record"] == "run"
        ),
    )


def _lines(path: Path) -> list[str]:
    text = read_text(path)
    if not text.endswith("\n"):
        msg = f"{path}: torn: the last line is cut" if text else f"{path}: torn: the report is empty"
        raise DataError(msg)
    return text.split("\n")[:-1]


def _record(line: str, where: str) -> Record:
    record = parse_json(line, where=where)
    if wrong := violations(record, _CONTRACT):
        msg = f"{where}: {wrong[0]}"
        raise DataError(msg)
    if not isinstance(record, dict):
        msg = f"{where}: expected an object"
        raise DataError(msg)
    return record


def _bounded(path: Path, lines: Sequence[str], records: Sequence[Record]) -> Record:
    """The header of a report that begins with one, ends with its closing record, and is whole in between."""
    header, closing = records[0], records[-1]
    if header["record"] != "header":
        msg = f"{path}:1: torn: the first line is a record {header['record']!r}; expected the header"
        raise DataError(msg)
    if closing["record"] != "closing":
        msg = f"{path}: torn: no closing record, so the session did not end in good order"
        raise DataError(msg)
    for number, record in enumerate(records[1:-1], start=2):
        if record["record"] in {"header", "closing"}:
            msg = f"{path}:{number}: a second record {record['record']!r}; one file holds one session's report"
            raise DataError(msg)
    before = "".join(f"{line}\n" for line in lines[:-1]).encode("utf-8")
    found = (header["session"], len(lines) - 1, hashlib.sha256(before).hexdigest())
    if found != (closing["session"], closing["records"], closing["sha256"]):
        msg = f"{path}: torn: the lines are not those that the closing record vouches for"
        raise DataError(msg)
    return header


def _tests(records: Sequence[Record]) -> dict[str, TestOnLane]:
    by_test: dict[str, list[Record]] = {}
    for record in records:
        if record["record"] in {"collected", "deselected", "outcome"}:
            by_test.setdefault(record["nodeid"], []).append(record)
    return {nodeid: _test(about) for nodeid, about in by_test.items()}


def _test(about: Sequence[Record]) -> TestOnLane:
    """One test from all records about it; of each worker's attempts the last one counts."""
    markers = frozenset(marker for record in about for marker in record["markers"])
    last = {record["worker"]: record for record in about if record["record"] == "outcome"}
    if not last:
        deselected = all(record["record"] == "deselected" for record in about)
        fate = "deselected" if deselected else "not run"
        return TestOnLane(markers, fate, reason=None, executed=False, failed=False)
    decisive = min(last.values(), key=lambda record: _BY_GRAVITY.index(record["outcome"]))
    return TestOnLane(
        markers=markers,
        fate=decisive["outcome"],
        reason=decisive.get("reason", _TRAINED_NOTHING if decisive.get("existing_run") else None),
        executed=any(map(_counts_as_executed, last.values())),
        failed=any(record["outcome"] in _BAD for record in last.values()),
    )


def _counts_as_executed(attempt: Record) -> bool:
    """A rerun attempt does not count, and neither does judging an existing run."""
    return bool(attempt["executed"]) and attempt["outcome"] != "rerun" and not attempt.get("existing_run")


def read_all(paths: Iterable[Path], key: bytes | None = None) -> Iterator[LaneReport | DataError]:
    """For each path its report, or the reason it cannot be used."""
    for path in paths:
        try:
            yield read_report(path, key)
        except DataError as error:
            yield error
