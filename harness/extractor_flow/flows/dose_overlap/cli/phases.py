"""The commands of a study's single phases, except the training."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from extractor_flow.errors import ConfigError, DataError
from extractor_flow.files import parse_json, read_json, write_json, write_text
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.cli.manifests import CellJob, measured_doses, trained_jobs
from extractor_flow.flows.dose_overlap.cli.table import Row, plain_table, table
from extractor_flow.flows.dose_overlap.cli.train import say
from extractor_flow.flows.dose_overlap.config import check_simulation
from extractor_flow.flows.dose_overlap.jobs import FLOW_NAME
from extractor_flow.flows.dose_overlap.plan import VIEWS, Cell, dose_text
from extractor_flow.layout import FIGURES, JOURNAL
from extractor_flow.study.records import Completed, JobRecord

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from extractor_flow.flows.dose_overlap.data.views import Thinning
    from extractor_flow.flows.dose_overlap.training_config import SolverConfig

_SIMULATION = ("object_size", "frame_size", "probe_diameter", "probe_defocus", "scan_step", "seed")


def generate_data(options: argparse.Namespace, doses: Sequence[int]) -> int:
    """Measure an object with each of *doses*."""
    from extractor_flow.flows.dose_overlap.data.generate import base_from, base_from_file, generate

    simulation = {name: getattr(options, name) for name in _SIMULATION}
    if options.base_npz is None and (problems := check_simulation(simulation)):
        raise ConfigError(problems)
    base = base_from(simulation) if options.base_npz is None else base_from_file(options.base_npz)
    options.output_root.mkdir(parents=True, exist_ok=True)
    generate(base, doses, options.output_root, seed=options.seed)
    for dose in doses:
        say(f"measured with {dose_text(dose)} photons a frame: {options.output_root / layout.dose_directory(dose)}")
    say(f"manifest written: {options.output_root / layout.RUN_MANIFEST}")
    return 0


def generate_from_frames(options: argparse.Namespace) -> int:
    """Take measured frames, with the dose that they were measured with, or thinned to lower ones."""
    from extractor_flow.flows.dose_overlap.data.dataset import read_data
    from extractor_flow.flows.dose_overlap.data.generate import write_measured
    from extractor_flow.flows.dose_overlap.measured.consistency import require_consistent

    try:
        data = read_data(options.frames)
    except DataError as error:
        if not options.frames.is_file():
            raise
        msg = (
            f"{error}\nbring it to the contract with: extractor-flow dose-overlap import {options.frames} --output FILE"
        )
        raise DataError(msg) from error
    if not options.accept_inconsistent:
        require_consistent(data, str(options.frames))
    options.output_root.mkdir(parents=True, exist_ok=True)
    accepted = {"accepted_inconsistent": True} if options.accept_inconsistent else {}
    kept = replace(data, metadata={**data.metadata, **accepted})
    for dose in write_measured(kept, sorted(set(options.dose or ())), options.output_root, seed=options.seed):
        say(f"{dose_text(dose)} photons a frame: {options.output_root / layout.dose_directory(dose)}")
    say(f"manifest written: {options.output_root / layout.RUN_MANIFEST}")
    return 0


def thin_data(source: Path, target: Path | None, thinnings: Mapping[str, Thinning]) -> int:
    """Thin what was measured below *source*; a rejected view is reported, and is no error."""
    from extractor_flow.flows.dose_overlap.data.views import write_views

    root = source if target is None else target
    root.mkdir(parents=True, exist_ok=True)
    for view in write_views(source, root, measured_doses(source), thinnings):
        verdict = "accepted" if view.refusal is None else f"rejected: {view.refusal}"
        say(f"{layout.dose_directory(view.dose)}/{view.name} {verdict}")
    say(f"manifest written: {root / layout.OVERLAP_MANIFEST}")
    return 0


def reconstruct_all(root: Path, solver: SolverConfig) -> int:
    """Reconstruct what the held-out frames of each trained job show, by every method."""
    from extractor_flow.flows.dose_overlap.training.job import reconstruct_cell

    jobs = trained_jobs(root)
    for number, job in enumerate(jobs, 1):
        metrics, seconds = reconstruct_cell(job.test, job.directory, solver)
        write_json(job.directory / layout.METRICS, {"metrics": metrics, "cpu_seconds": seconds})
        psnr = metrics.get("amplitude_psnr")
        say(f"[{number}/{len(jobs)}] {job.title}: amplitude PSNR {'n/a' if psnr is None else f'{psnr:.2f} dB'}")
    return 0


def compare_all(root: Path) -> int:
    """Write ``comparison.md``, ``comparison.json`` and the figures of the reconstructed jobs below *root*.

    Of a run, which has its own, only the table is shown.
    """
    if (root / JOURNAL).is_file():
        say(plain_table(rows_of_run(root)).rstrip("\n"))
        return 0
    from extractor_flow.flows.dose_overlap.figures import draw_cells
    from extractor_flow.flows.dose_overlap.figures.pictures import Shown

    jobs = trained_jobs(root)
    found = [_object(root, job, layout.METRICS) for job in jobs]
    rows = [Row(job.cell, each["metrics"], each.get("cpu_seconds", {})) for job, each in zip(jobs, found, strict=True)]
    text = table(rows)
    write_text(root / "comparison.md", f"# Dose x overlap comparison\n\n{text}")
    cells = [{"dose": row.cell.dose, "view": row.cell.view, "metrics": dict(row.metrics)} for row in rows]
    write_json(root / "comparison.json", {"cells": cells})
    figures = root / FIGURES
    figures.mkdir(exist_ok=True)
    shown = [
        Shown(
            row.cell,
            row.metrics,
            _object(root, job, layout.CURVES)["curves"],
            job.directory / layout.RECONSTRUCTIONS,
            job.test,
        )
        for row, job in zip(rows, jobs, strict=True)
    ]
    say(plain_table(rows).rstrip("\n"))
    for name in draw_cells(shown, figures):
        say(f"drawn: {figures / name}")
    return 0


def rows_of_run(root: Path) -> list[Row]:
    """The completed jobs in the journal of the run in *root*."""
    lines = (root / JOURNAL).read_text(encoding="utf-8").splitlines()
    records = [JobRecord.from_json(parse_json(line, where=JOURNAL)) for line in lines]  # type: ignore[arg-type]
    rows = [
        Row(Cell(**record.outcome.details["cell"]), record.outcome.metrics, record.outcome.details["cpu_seconds"])
        for record in records
        if isinstance(record.outcome, Completed) and record.flow == FLOW_NAME
    ]
    return sorted(rows, key=lambda row: (row.cell.dose, VIEWS.index(row.cell.view), row.cell.variant))


def _object(root: Path, job: CellJob, name: str) -> dict[str, Any]:
    path = job.directory / name
    if not path.is_file():
        msg = (
            f"{path}: found no such file; make it with: extractor-flow dose-overlap reconstruct --artifact-root {root}"
        )
        raise DataError(msg)
    data = read_json(path)
    if not isinstance(data, dict):
        msg = f"{path}: found a JSON {type(data).__name__}; expected an object"
        raise DataError(msg)
    return data
