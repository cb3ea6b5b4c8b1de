"""Makes runs that cost much to verify: few bytes, or many of one kind, that an algorithm multiplies."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor_flow.binding.chain import PREVIOUS
from extractor_flow.files import dump_line
from extractor_flow.run.provenance import config_digest
from extractor_flow.study.records import Code, Failed, JobRecord, Skipped
from support.files import malice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from extractor_flow.study.records import Outcome

JOB = "extractors/mlp/seed-1"
SKIPPED = "extractors/needs_gpu/seed-1"


def pickled_dicts(run: Path, megabytes: int = 16) -> None:
    """A model whose weights are described by nothing but empty dicts."""
    program = b"\x80\x02" + b"}" * (megabytes * 1024 * 1024 - 2)
    (run / JOB / "final_model.zip").write_bytes(malice.model(program))


def skips(run: Path, records: int = 20_000, job: str = SKIPPED) -> None:
    """A journal that skips one job so often, each time for another reason."""
    outcomes = (Skipped(Code.MISSING_CAPABILITY, f"none {number}") for number in range(records))
    absent: dict[str, Any] = {"end_time": None, "duration_seconds": None, "hardware": None, "attempt": 1}
    _record(run, job, outcomes, **absent)


def failures(run: Path, records: int = 20_000, job: str = JOB) -> None:
    """A journal in which one attempt fails so often, each time for another reason."""
    _record(run, job, (Failed(Code.RAISED, str(number)) for number in range(records)))


def log_lines(run: Path, records: int = 20_000, lines: int = 150_000) -> None:
    """As many skips, and a log in which so many lines tell of none of them."""
    skips(run, records)
    (run / "run.log").write_bytes(line_of(SKIPPED) * lines)


def line_of(job: str) -> bytes:
    """A line of the run's log about a skip of *job* that no journal tells of."""
    facts = json.dumps({"status": "skipped", "reason": "no", "directory": job, "attempt": 1})
    return f"2026-01-01T00:00:00Z WARNING job skipped: no {facts}\n".encode()


def figures(run: Path, count: int = 4, size: int = 8 << 30) -> None:
    """Figures that are nothing but holes."""
    for number in range(count):
        _hole(run / "figures" / f"hole_{number}.png", size)


def artifact(run: Path, size: int = 15 << 30, job: str = JOB) -> str:
    """A claimed artifact that is nothing but a hole, of the claimed size; its path."""
    lines = (run / "records.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    claimed = next(record for record in records if record["directory"] == job)["artifacts"].values()
    largest = max(claimed, key=lambda each: int(each["size_bytes"]))
    largest["size_bytes"] = size
    _hole(run / largest["path"], size)
    (run / "records.jsonl").write_text("".join(map(dump_line, records)), encoding="utf-8")
    return str(largest["path"])


def matrix(run: Path, side: int = 1000) -> None:
    """A config of so many extractors and as many seeds."""
    request = json.loads((run / "run.json").read_text(encoding="utf-8"))
    first = request["config"]["extractors"][0]
    request["config"]["extractors"] = [{**first, "name": f"e{number}"} for number in range(side)]
    request["config"]["run"]["seeds"] = list(range(side))
    request["config"]["run"]["baseline_extractor"] = "e0"
    request["config_sha256"] = config_digest(request["config"])
    (run / "run.json").write_text(json.dumps(request), encoding="utf-8")


def images(run: Path, megabytes: int = 4) -> None:
    """A page of beginnings of images."""
    (run / "summary.md").write_text("![" * (megabytes * 1024 * 512), encoding="utf-8")


def zeros(run: Path, megabytes: int = 200) -> None:
    """A summary that is a list of zeros."""
    with (run / "summary.json").open("wb") as file:
        file.write(b'{"a": [0')
        for _ in range(megabytes):
            file.write(b",0" * (512 * 1024))
        file.write(b"]}")


def brackets(run: Path, count: int = 1_900_000) -> None:
    """A summary that is a list of empty objects."""
    (run / "summary.json").write_bytes(b'{"a": [{}' + b",{}" * count + b"]}")


def files(run: Path, count: int = 400_000) -> None:
    """So many empty files, in a thousand folders."""
    for number in range(1000):
        folder = run / "more" / str(number)
        folder.mkdir(parents=True)
        for each in range(count // 1000):
            (folder / str(each)).touch()


def _hole(path: Path, size: int) -> None:
    path.unlink(missing_ok=True)
    path.touch()
    os.truncate(path, size)


def _record(run: Path, directory: str, outcomes: Iterable[Outcome], **changes: Any) -> None:
    """Let the journal go on with these outcomes of a job, each line with the digest of the one before."""
    path = run / "records.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    first = next(line for line in map(json.loads, lines) if line["directory"] == directory)
    record, before = replace(JobRecord.from_json(first), **changes), lines[-1]
    for outcome in outcomes:
        previous = hashlib.sha256(before).hexdigest()
        before = dump_line({**replace(record, outcome=outcome).to_json(), PREVIOUS: previous}).encode()
        lines.append(before)
    path.write_bytes(b"".join(lines))


ALL: dict[str, Callable[[Path], object]] = {
    "16 MiB of `}` as a pickle": pickled_dicts,
    "20,000 skips of one job": skips,
    "20,000 failures of one attempt": failures,
    "150,000 lines of run.log x 20,000 records": log_lines,
    "4 sparse figures of 8 GiB": figures,
    "a sparse artifact of 15 GiB": artifact,
    "a matrix of 1000 x 1000": matrix,
    "4 MB of `![`": images,
    "200 MB of zeros in JSON": zeros,
    "1.9 M empty objects in JSON": brackets,
    "400,000 files": files,
}
