"""Changes published runs: one file, or everything that a careful liar would change with it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from extractor_flow import layout
from extractor_flow.files import dump_line, dumps, sha256_of
from extractor_flow.registry import find_flow
from extractor_flow.run.publish import publish_beside_the_page, published_files, read_summary
from extractor_flow.run.rundir import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Tampering:
    """A copy of a run that may be changed; jobs are named by their directory."""

    path: Path

    @contextmanager
    def json(self, name: str) -> Iterator[dict[str, Any]]:
        """The object in the JSON file *name*, written back afterwards."""
        data = json.loads((self.path / name).read_text(encoding="utf-8"))
        yield data
        (self.path / name).write_text(dumps(data), encoding="utf-8")

    @contextmanager
    def journal(self) -> Iterator[list[dict[str, Any]]]:
        """The records of the journal, written back afterwards."""
        file = self.path / layout.JOURNAL
        records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        yield records
        # What an old version wrote has no chain.
        chained = any("previous" in record for record in records)
        previous = sha256_of(self.path / layout.RUN)
        lines = []
        for record in records:
            lines.append(dump_line({**record, **({"previous": previous} if chained else {})}))
            previous = sha256(lines[-1].encode()).hexdigest()
        file.write_text("".join(lines), encoding="utf-8")

    @contextmanager
    def record(self, job: str) -> Iterator[dict[str, Any]]:
        """The journal's record of *job*."""
        with self.journal() as records:
            yield next(record for record in records if record["directory"] == job)

    def replace(self, name: str, old: str, new: str) -> None:
        """Put *new* where the first *old* stands in the text of *name*."""
        text = (self.path / name).read_text(encoding="utf-8")
        if old not in text:
            raise ValueError(old)
        (self.path / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    def drop_line(self, name: str, part: str) -> None:
        """Take the first line that holds *part* out of the text of *name*."""
        lines = (self.path / name).read_text(encoding="utf-8").splitlines(keepends=True)
        lines.remove(next(line for line in lines if part in line))
        (self.path / name).write_text("".join(lines), encoding="utf-8")

    @contextmanager
    def lying(self, job: str) -> Iterator[dict[str, Any]]:
        """The record of *job*, changed everywhere: journal, result, metrics file, digests, and all published files."""
        with self.retold(job) as record:
            yield record
        self.republish()

    @contextmanager
    def retold(self, job: str) -> Iterator[dict[str, Any]]:
        """The record of *job*, changed in the journal and in the job's directory, digests included."""
        with self.record(job) as record:
            yield record
            if record["status"] == "success":
                self._follow(job, record)
            told = {key: value for key, value in record.items() if key != "previous"}
            if (self.path / job / "result.json").is_file():
                (self.path / job / "result.json").write_text(dumps(told), encoding="utf-8")

    def digested(self, job: str) -> None:
        """Let every claim about the artifacts of *job* agree with the artifacts as they are now."""
        with self.lying(job):
            pass

    def republish(self) -> None:
        """Write every published file again from the journal, as the package does."""
        run = RunDirectory(self.path)
        request = run.request()
        flow = find_flow(request["flow"])
        summary, words = read_summary(run, flow), flow.vocabulary
        for name, made in published_files(summary, request, words, run.figures).items():
            (self.path / name).write_bytes(made())
        publish_beside_the_page(run, summary, words)
        self.rebind()

    def rebind(self) -> None:
        """Chain the journal's lines again and bind all files as they are now."""
        with self.journal():
            pass
        RunDirectory(self.path).bind()

    def _follow(self, job: str, record: dict[str, Any]) -> None:
        told = {key: record[key] for key in ("metrics", "training_steps")}
        details = {name: value for name, value in record["details"].items() if name != "cpu_seconds"}
        told["details"] = details  # how long it took is in no file that is the same when it is trained again
        (self.path / job / "metrics.json").write_text(dumps(told), encoding="utf-8")
        for artifact in record["artifacts"].values():
            file = self.path / artifact["path"]
            if file.is_file():
                artifact["sha256"], artifact["size_bytes"] = sha256_of(file), file.stat().st_size
