"""``dose-overlap train``: the matrix of cells, narrowed, trained one by one, and written down."""

from __future__ import annotations

import sys
import traceback
from dataclasses import fields
from typing import TYPE_CHECKING

from loguru import logger

from extractor_flow.errors import DataError, HarnessError, RequestError
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.cli.manifests import (
    CellJob,
    Filters,
    Roots,
    TrainingManifest,
    matrix,
    measured_doses,
    narrowed,
    without_data,
)
from extractor_flow.flows.dose_overlap.training_config import TrainingConfig
from extractor_flow.study.codes import Code
from extractor_flow.study.records import REHEARSED, STATUSES, Failed, Skipped, why_not

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from loguru import Record

    from extractor_flow.files import Json
    from extractor_flow.flows.dose_overlap.history import EpochRecord
    from extractor_flow.flows.dose_overlap.training.loop import TrainingOutcome

OPTIONS = tuple(field.name for field in fields(TrainingConfig) if field.name not in {"dose", "gridsize"})
"""The settings of a training that the command line takes; dose and gridsize are the cell's."""

# What a training raises when its data, its settings or its machine do not let it go on; a bug still ends the batch.
_FAILURES = (HarnessError, OSError, RuntimeError, ValueError, ArithmeticError, MemoryError)


def train(options: argparse.Namespace) -> int:
    """Train what *options* ask for, writing the manifest after every job: 0, or 1 if a job failed.

    :class:`RequestError` when a filter matches nothing (with an empty manifest left), :class:`DataError` when measured
    frames are missing or, with ``--strict``, a view.
    """
    roots = Roots(options.phase_c_root, options.phase_d_root or options.phase_c_root, options.artifact_root)
    filters = Filters(options.dose, options.view, options.gridsize)
    manifest = TrainingManifest(roots, filters, options.dry_run)
    try:
        jobs = _narrowed(matrix(roots, measured_doses(roots.measured)), filters)
    except RequestError:
        manifest.write()
        raise
    manifest.skipped = without_data(roots, jobs)
    if options.strict and manifest.skipped:
        raise DataError("\n".join(f"{skip.cell.name}: {skip.reason}" for skip in manifest.skipped))
    skipped = {skip.cell for skip in manifest.skipped}
    planned = [(job, config_of(options, job)) for job in jobs if job.cell not in skipped]
    if not (options.accept_inconsistent or options.dry_run):
        _require_consistent(job for job, _ in planned)
    _run(planned, manifest, resume=options.resume)
    return 1 if any(_status(job) == "failed" for job in manifest.jobs) else 0


def _require_consistent(jobs: Iterable[CellJob]) -> None:
    """Look at every file once before anything starts; what breaks the contract fails its own job."""
    from extractor_flow.flows.dose_overlap.data.dataset import read_data
    from extractor_flow.flows.dose_overlap.measured.consistency import require_consistent

    for path in dict.fromkeys(path for job in jobs for path in (job.train, job.test)):
        try:
            data = read_data(path)
        except DataError:
            continue
        require_consistent(data, str(path))


def config_of(options: argparse.Namespace, job: CellJob) -> TrainingConfig:
    """The one config of *job*; an impossible setting is a :class:`extractor_flow.errors.ConfigError`."""
    given = {name: getattr(options, name) for name in OPTIONS}
    return TrainingConfig(dose=float(job.cell.dose), gridsize=job.cell.gridsize, **given)


def say(line: str) -> None:
    """Write *line* to standard output, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _narrowed(jobs: list[CellJob], filters: Filters) -> list[CellJob]:
    say(f"{len(jobs)} jobs enumerated: {', '.join(job.cell.name for job in jobs)}")
    for name, wanted in filters.as_dict().items():
        if wanted is not None:
            jobs = narrowed(jobs, name, wanted)
            say(f"{len(jobs)} jobs remain after --{name} {wanted}")
    return jobs


def _run(planned: list[tuple[CellJob, TrainingConfig]], manifest: TrainingManifest, *, resume: bool) -> None:
    """Bring every job to a result; the manifest is on the disk after each, also when the user stops the batch."""
    for skip in manifest.skipped:
        say(f"skipped {skip.cell.name}: {skip.reason}")
    try:
        for number, (job, config) in enumerate(planned, 1):
            say(f"[{number}/{len(planned)}] {job.title}")
            result = _rehearsed() if manifest.dry_run else _result(job, config, resume=resume)
            say(f"[{number}/{len(planned)}] {result['status']}: {_in_words(result)}")
            manifest.jobs.append({**job.as_dict(), "result": result})
            manifest.write()
    finally:
        path, skips = manifest.write()
        say(f"manifest written: {path}")
        say(f"skip summary written: {skips} ({len(manifest.skipped)} views skipped)")


def _rehearsed() -> dict[str, Json]:
    return {"status": STATUSES[Skipped], **why_not(REHEARSED)}


def _line(record: Record) -> str:
    """A line of a job's log, with its numbers."""
    facts = " {extra}" if record["extra"] else ""
    return f"{{time:YYYY-MM-DDTHH:mm:ss!UTC}}Z {{level}} {{message}}{facts}\n{{exception}}"


def _result(job: CellJob, config: TrainingConfig, *, resume: bool) -> dict[str, Json]:
    from extractor_flow.flows.dose_overlap.training.job import train_cell

    def progress(record: EpochRecord) -> None:
        say(f"    epoch {record.epoch}/{config.epochs}: validation loss {record.validation_loss:.4g}")

    job.directory.mkdir(parents=True, exist_ok=True)
    sink = logger.add(job.directory / layout.LOG, level="INFO", format=_line)
    try:
        return _result_of(train_cell(config, job.train, job.directory, progress, resume=resume))
    except _FAILURES as error:
        # What a user can cause says itself what would do; its traceback would only hide that.
        message = str(error) if isinstance(error, HarnessError) else "".join(traceback.format_exception(error))
        logger.error("training failed: {}", message)
        failed = Failed(Code.RAISED, f"{type(error).__name__}: {error}")
        return {"status": STATUSES[Failed], **why_not(failed)}
    finally:
        logger.remove(sink)


def _result_of(outcome: TrainingOutcome) -> dict[str, Json]:
    from extractor_flow.flows.dose_overlap.training.job import curves_of

    return {
        "status": "success",
        "final_loss": outcome.final_loss,
        "epochs_completed": outcome.epochs_completed,
        "training_steps": outcome.steps_completed,
        "checkpoint_path": str(outcome.checkpoint_path),
        "bundle_path": str(outcome.bundle_path),
        "bundle_sha256": outcome.bundle_sha256,
        "bundle_size_bytes": outcome.bundle_size_bytes,
        "curves": list(curves_of(outcome)),
    }


def _in_words(result: dict[str, Json]) -> str:
    if "reason" in result:
        return str(result["reason"])
    return f"{result['epochs_completed']} epochs, final loss {result['final_loss']:.4g}, {result['bundle_path']}"


def _status(job: dict[str, Json]) -> object:
    result = job["result"]
    return result["status"] if isinstance(result, dict) else None
