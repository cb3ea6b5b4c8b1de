"""A run's directory: what is written there, in which order, and how it is read again.

Other people's scripts may use it to read runs::

    from extractor_flow.run.rundir import RunDirectory
    run = RunDirectory.open("tmp/multi_extractor_training/20261121-101500-mac-smoke")
    for record in run.records():
        print(record.label, record.status)
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from extractor_flow.binding import chain, subjects
from extractor_flow.clock import directory_stamp
from extractor_flow.contracts import violations
from extractor_flow.errors import DataError, RunDirectoryError
from extractor_flow.files import (
    dump_line,
    locked,
    parse_json,
    read_json,
    remove_unfinished,
    sha256_of,
    sync_directory,
    write_bytes,
    write_json,
    write_text,
)
from extractor_flow.layout import (
    ARCHIVE,
    FIGURES,
    HISTORICAL,
    JOURNAL,
    LATEST,
    LATEST_TEXT,
    LOCK,
    LOG,
    MANIFEST,
    MARKDOWN,
    PAGE,
    PREPARED,
    RUN,
    SKIPS,
    SUBJECTS,
    SUMMARY,
    TABLE,
    UNPUBLISHED,
    is_figure,
    is_the_holders,
)
from extractor_flow.readers.errors import Kind, ReadError
from extractor_flow.readers.paths import ConfinedDirectory, own_files
from extractor_flow.run.jobdir import JobDirectory
from extractor_flow.study.codes import Code
from extractor_flow.study.jobs import component_of
from extractor_flow.study.records import SCHEMA_VERSION, Artifact, JobRecord, Skipped, why_not

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from loguru import Record

    from extractor_flow.study.jobs import Job

_MOST_IN_A_SECOND = 1000


class RunDirectory:
    """One run on disk. Every file is whole or absent; the journal may end in a torn line, which readers leave out."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, output_root: Path, run_id: str, moment: datetime) -> Self:
        """A new directory ``<YYYYMMDD-HHMMSS>-<run-id>`` under *output_root*; never one that exists already.

        A second run in the same second gets ``-2``. :class:`RunDirectoryError` (exit code 2) when the root cannot be
        written to.
        """
        base = f"{directory_stamp(moment)}-{component_of(run_id)}"
        if output_root.parts[:1] == ("~",):
            msg = f"{output_root}: only a shell knows what ~ is, and none has replaced it here; write the whole path"
            raise RunDirectoryError(msg, exit_code=2)
        try:
            output_root.mkdir(parents=True, exist_ok=True)
            for number in range(1, _MOST_IN_A_SECOND):
                path = output_root / (base if number == 1 else f"{base}-{number}")
                try:
                    path.mkdir()
                except FileExistsError:
                    continue
                sync_directory(output_root)
                return cls(path)
        except OSError as error:
            msg = f"{output_root}: no run directory can be made there: {error.strerror}; name another place for runs"
            raise RunDirectoryError(msg, exit_code=2) from error
        msg = f"{output_root}: {_MOST_IN_A_SECOND} runs named {base} exist already"
        raise RunDirectoryError(msg)

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """The existing run at *path*; :class:`RunDirectoryError` (exit code 2) when there is no ``run.json``."""
        # Under the name of a link to it, such as `latest`, a run would point `latest` to itself.
        directory = cls(Path(path).resolve() if Path(path).is_symlink() else Path(path))
        try:
            with ConfinedDirectory(directory.path).open(RUN):
                return directory
        except ReadError as error:
            found = "it has no run.json" if error.kind == Kind.MISSING else str(error)
            if not directory.path.is_dir():
                found = "it is no directory" if directory.path.exists() else "there is no such directory"
            msg = f"{path}: not a run directory: {found}"
            raise RunDirectoryError(msg, exit_code=2) from error

    @contextmanager
    def exclusively(self, *, patience: float = 0) -> Iterator[None]:
        """Hold the run for this process, to write in it.

        :class:`RunDirectoryError` when another process holds it for *patience* seconds, when something in it is not the
        run's own (exit code 2, as nothing was changed), and when the disk fails meanwhile.
        """
        try:
            with locked(self.path / LOCK, patience=patience) as mine:
                if not mine:
                    msg = f"{self.path}: another process is running this run; wait for it to end"
                    raise RunDirectoryError(msg)
                remove_unfinished(self.path, own_files(self.path).files, is_the_holders)
                yield
        except OSError as error:
            where, reason = error.filename or self.path, error.strerror or error
            advice = f"finished jobs are kept in its {JOURNAL}; make room or restore it, then --resume it"
            msg = f"{where}: {reason}; the run {self.path} was stopped; {advice}"
            raise RunDirectoryError(msg) from error

    @contextmanager
    def logging(self) -> Iterator[None]:
        """Inside the block, log to ``run.log`` as well, fields included; what the disk refuses is lost."""
        from loguru import logger

        def write(line: str) -> None:
            # Given a file, loguru would print a traceback when the disk is full.
            with suppress(OSError), (self.path / LOG).open("a", encoding="utf-8") as log:
                log.write(line)

        sink = logger.add(write, format=_log_line, level="INFO")
        try:
            yield
        finally:
            logger.remove(sink)

    def is_published(self) -> bool:
        """Whether the published files are there and tell all that the journal holds."""
        return (self.path / SUMMARY).is_file() and not (self.path / UNPUBLISHED).exists()

    def point_latest_here(self) -> None:
        """Point ``latest`` beside this directory to it: a link, or a text file where links are not allowed."""
        pointer = self.path.parent / LATEST
        temporary = pointer.with_name(f".{LATEST}.{os.getpid()}")
        try:
            temporary.unlink(missing_ok=True)
            temporary.symlink_to(self.path.name, target_is_directory=True)
            temporary.replace(pointer)
        except OSError:
            temporary.unlink(missing_ok=True)
            write_text(self.path.parent / LATEST_TEXT, f"{self.path.name}\n", durable=False)

    def begin(self, request: Mapping[str, Any]) -> None:
        """Write ``run.json``; if the disk refuses, remove the new directory: nothing was started."""
        try:
            self.write_request(request)
        except OSError as error:
            with suppress(OSError):
                self.path.rmdir()
            msg = f"{self.path / RUN}: {error.strerror or error}; nothing was started: name another place for runs"
            raise RunDirectoryError(msg, exit_code=2) from error

    def write_request(self, request: Mapping[str, Any]) -> None:
        """Write ``run.json``: what was asked, before anything starts."""
        write_json(self.path / RUN, request)

    def request(self) -> dict[str, Any]:
        """The content of ``run.json``; :class:`DataError` if it breaks its contract."""
        return self._satisfying("run", RUN)

    def write_prepared(self, refused: Mapping[str, Skipped]) -> None:
        """Write ``prepared.json``: the shared data are there, and the jobs *refused*, by their keys, cannot run."""
        skips = {key: why_not(skip) for key, skip in refused.items()}
        write_json(self.path / PREPARED, {"schema_version": SCHEMA_VERSION, "refused": skips})

    def prepared(self) -> dict[str, Skipped] | None:
        """The jobs that cannot run, by job key; ``None`` while the run is not prepared."""
        if not ConfinedDirectory(self.path).has(PREPARED):
            return None
        try:
            refused = self._object(PREPARED)["refused"]
            return {key: Skipped(Code(skip["code"]), skip["reason"]) for key, skip in refused.items()}
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            msg = f"{self.path / PREPARED}: does not say which jobs cannot run: {error!r}; remove it to prepare again"
            raise DataError(msg) from error

    def job_directory(self, job: Job) -> JobDirectory:
        """The directory of *job*, made if need be."""
        return JobDirectory.create(self.path, job)

    def append(self, record: JobRecord) -> None:
        """Add *record* to the journal, durably. When the disk refuses, the journal ends where it did before."""
        # run.json is never written again, so the first line may continue it.
        chain.append(self.path / JOURNAL, record.to_json(), lambda: sha256_of(self.path / RUN))

    def journal(self) -> list[JobRecord]:
        """Every whole line of the journal, in order; a torn last line is left out, any other bad line an error."""
        path = self.path / JOURNAL
        try:
            with ConfinedDirectory(self.path).open(JOURNAL) as stream:
                lines = stream.read().split(b"\n")
        except ReadError as error:
            if error.kind == Kind.MISSING:
                return []
            msg = f"{self.path}: {error}"
            raise DataError(msg) from error
        return [_record(line, f"{path}:{number}") for number, line in enumerate(lines[:-1], 1)]

    def repair_journal(self) -> bool:
        """Cut a torn last line off; whether there was one."""
        return chain.cut_torn_line(self.path / JOURNAL)

    def records(self) -> list[JobRecord]:
        """The latest record of each job, in the order of the study."""
        latest = {record.job_key: record for record in self.journal()}
        order = {job["job_key"]: position for position, job in enumerate(self.request()["jobs"])}
        return sorted(latest.values(), key=lambda record: order.get(record.job_key, len(order)))

    def publish(self, name: str, content: bytes) -> None:
        """Write a run-level file (one of this module's names)."""
        write_bytes(self.path / name, content)

    def bind(self) -> None:
        """List every file as it is now in ``subjects.json``; those that a slim copy left out stay on the list."""
        files = ConfinedDirectory(self.path)
        left_out = self._satisfying("archive", ARCHIVE)["left_out"] if (self.path / ARCHIVE).is_file() else ()
        measured = subjects.measure(files, files.walk().files.items())
        self.publish(SUBJECTS, subjects.render([*measured, *(Artifact(**entry) for entry in left_out)]))

    def root(self) -> str | None:
        """The root that the run was last bound under; ``None`` while it was never published."""
        return subjects.root_in(ConfinedDirectory(self.path))

    def published(self) -> list[str]:
        """The names of the published run-level files that are there, for people to open."""
        names = (SUMMARY, MARKDOWN, MANIFEST, SKIPS, HISTORICAL, TABLE, PAGE)
        return [name for name in names if (self.path / name).is_file()]

    @property
    def figures_path(self) -> Path:
        """Where figures of the whole run go; made if need be."""
        path = self.path / FIGURES
        path.mkdir(exist_ok=True)
        return path

    def figures(self) -> dict[str, bytes]:
        """The PNG figures of the whole run, by file name."""
        directory = self.path / FIGURES
        names = sorted(entry.name for entry in directory.glob("*") if is_figure(f"{FIGURES}/{entry.name}"))
        return {name: (directory / name).read_bytes() for name in names}

    def _satisfying(self, contract: str, name: str) -> dict[str, Any]:
        data = self._object(name)
        if wrong := violations(data, contract):
            msg = f"{self.path / name}: {wrong[0]}; restore the file, or start a new run"
            raise DataError(msg)
        return data

    def _object(self, name: str) -> dict[str, Any]:
        data = read_json(self.path / name)
        if not isinstance(data, dict):
            msg = f"{self.path / name}: expected an object"
            raise DataError(msg)
        return data


def _log_line(record: Record) -> str:
    """The format of a line: time, level and message for people, the fields as JSON for programs."""
    fields = dump_line(record["extra"]).strip().replace("{", "{{").replace("}", "}}")
    return f"{{time:YYYY-MM-DDTHH:mm:ss!UTC}}Z {{level}} {{message}} {fields}\n{{exception}}"


def _record(line: bytes, where: str) -> JobRecord:
    try:
        data = parse_json(line.decode("utf-8"), where=where)
        if isinstance(data, dict):
            return JobRecord.from_json(data)
    except (UnicodeDecodeError, DataError) as error:
        msg = f"{where}: not a job record: {error}"
        raise DataError(msg) from error
    msg = f"{where}: not a job record"
    raise DataError(msg)
