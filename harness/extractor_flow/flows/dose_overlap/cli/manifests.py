"""What ``dose-overlap train`` is asked to do and has done, and the two files that record it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from extractor_flow.clock import timestamp, utc_now
from extractor_flow.errors import DataError, RequestError
from extractor_flow.files import read_json, write_json
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.plan import BASELINE, VIEWS, Cell, dose_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from extractor_flow.files import Json


_DOSE = "dose_"


@dataclass(frozen=True)
class Roots:
    """Where the measured frames, the thinned views and the results lie."""

    measured: Path
    views: Path
    artifacts: Path

    def data_path(self, cell: Cell, split: str) -> Path:
        """The file with the cell's frames of ``train`` or ``test``."""
        return (self.measured if cell.view == BASELINE else self.views) / cell.data_path(split)


@dataclass(frozen=True)
class Filters:
    """What narrows the matrix; ``None`` narrows nothing."""

    dose: int | None = None
    view: str | None = None
    gridsize: int | None = None

    def as_dict(self) -> dict[str, Json]:
        """The filters by name."""
        return {"dose": self.dose, "view": self.view, "gridsize": self.gridsize}


@dataclass(frozen=True)
class CellJob:
    """One training: a cell, its data and the directory of its results."""

    cell: Cell
    train: Path
    test: Path
    directory: Path

    @property
    def title(self) -> str:
        """``dense (dose=1e+03, gridsize=2)``."""
        return f"{self.cell.view} (dose={dose_text(self.cell.dose)}, gridsize={self.cell.gridsize})"

    def as_dict(self) -> dict[str, Json]:
        """The job as it stands in the manifest."""
        return {
            "dose": self.cell.dose,
            "view": self.cell.view,
            "gridsize": self.cell.gridsize,
            "train_data_path": str(self.train),
            "test_data_path": str(self.test),
            "artifact_dir": str(self.directory),
            "log_path": str(self.directory / layout.LOG),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The job that :meth:`as_dict` gave; anything else is a :class:`DataError`."""
        try:
            return cls(
                cell=Cell(data["dose"], data["view"]),
                train=Path(data["train_data_path"]),
                test=Path(data["test_data_path"]),
                directory=Path(data["artifact_dir"]),
            )
        except (KeyError, TypeError) as error:
            msg = f"{layout.TRAINING_MANIFEST}: found a job without {error}; expected one that a training wrote"
            raise DataError(msg) from error


@dataclass(frozen=True)
class SkippedView:
    """A view that cannot be trained at a dose, and why."""

    cell: Cell
    reason: str

    def as_dict(self) -> dict[str, Json]:
        """The skip as it stands in both files."""
        return {"dose": self.cell.dose, "view": self.cell.view, "reason": self.reason}


@dataclass
class TrainingManifest:
    """What one call of ``train`` was asked to do, and its results so far.

    Earlier calls' entries about other cells below the same root are kept.
    """

    roots: Roots
    filters: Filters
    dry_run: bool
    jobs: list[dict[str, Json]] = field(default_factory=list)
    skipped: Sequence[SkippedView] = ()

    def write(self) -> tuple[Path, Path]:
        """Write manifest and skip summary, each whole; their paths. The skips in both are the same."""
        moment = timestamp(utc_now())
        jobs = self._with_those_before("jobs", self.jobs)
        views = self._with_those_before("skipped_views", [skip.as_dict() for skip in self.skipped])
        skips: dict[str, Json] = {"skipped_views": [*views], "skipped_count": len(views)}
        manifest: dict[str, Json] = {
            "timestamp": moment,
            "phase_c_root": str(self.roots.measured),
            "phase_d_root": str(self.roots.views),
            "artifact_root": str(self.roots.artifacts),
            "filters": self.filters.as_dict(),
            "dry_run": self.dry_run,
            "jobs": [*jobs],
            "skip_summary_path": layout.SKIP_SUMMARY,
            **skips,
        }
        self.roots.artifacts.mkdir(parents=True, exist_ok=True)
        paths = (self.roots.artifacts / layout.TRAINING_MANIFEST, self.roots.artifacts / layout.SKIP_SUMMARY)
        write_json(paths[0], manifest)
        write_json(paths[1], {"timestamp": moment, **skips})
        return paths

    def _with_those_before(self, member: str, entries: Sequence[dict[str, Json]]) -> list[dict[str, Json]]:
        """*entries*, after the manifest's earlier ones about cells that this call leaves out."""
        path = self.roots.artifacts / layout.TRAINING_MANIFEST
        earlier = read_json(path) if path.is_file() else {}
        before = earlier.get(member) if isinstance(earlier, dict) else None
        mine = {(entry["dose"], entry["view"]) for entry in (*self.jobs, *(skip.as_dict() for skip in self.skipped))}
        kept = [
            entry
            for entry in (before if isinstance(before, list) else [])
            if isinstance(entry, dict) and (entry.get("dose"), entry.get("view")) not in mine
        ]
        return sorted([*kept, *entries], key=_place)


def _place(entry: Mapping[str, Any]) -> tuple[float, int]:
    """Where a job or a skip belongs: dose by dose, and in the order of the views."""
    dose, view = entry.get("dose"), entry.get("view")
    return dose if isinstance(dose, int) else 0, VIEWS.index(view) if view in VIEWS else len(VIEWS)


def measured_doses(root: Path) -> list[int]:
    """The doses in ``run_manifest.json``, or of the directories ``dose_<int>`` that hold measured frames.

    With neither, a :class:`DataError` that says how to make them.
    """
    path = root / layout.RUN_MANIFEST
    if not path.is_file():
        if found := _doses_of_directories(root):
            return found
        msg = f"{path}: found no such file; make it with: extractor-flow dose-overlap generate --output-root {root}"
        raise DataError(msg)
    data = read_json(path)
    doses = [entry.get("dose") for entry in data.values() if isinstance(entry, dict)] if isinstance(data, dict) else []
    whole = [dose for dose in doses if isinstance(dose, int)]
    if not whole or len(whole) != len(doses):
        msg = f"{path}: found doses {doses!r}; expected an object with a whole number as the dose of each entry"
        raise DataError(msg)
    return sorted(whole)


def _doses_of_directories(root: Path) -> list[int]:
    names = [each.name.removeprefix(_DOSE) for each in root.glob(f"{_DOSE}*")]
    doses = [int(name) for name in names if name.isdecimal() and layout.dose_directory(int(name)) == f"{_DOSE}{name}"]
    return sorted(
        dose for dose in doses if any((root / layout.patched(dose, each)).is_file() for each in layout.SPLITS)
    )


def matrix(roots: Roots, doses: Sequence[int]) -> list[CellJob]:
    """All cells, dose by dose; a missing file of measured frames is a :class:`DataError` before anything starts."""
    jobs = [_job(roots, Cell(dose, view)) for dose in doses for view in VIEWS]
    paths = [path for job in jobs if job.cell.view == BASELINE for path in (job.train, job.test)]
    if missing := [path for path in paths if not path.is_file()]:
        how = f"extractor-flow dose-overlap generate --output-root {roots.measured}"
        msg = f"{missing[0]}: found no such file; make it with: {how}"
        raise DataError(msg)
    return jobs


def _job(roots: Roots, cell: Cell) -> CellJob:
    train, test = (roots.data_path(cell, split) for split in layout.SPLITS)
    return CellJob(cell, train, test, roots.artifacts / cell.directory)


def narrowed(jobs: Sequence[CellJob], name: str, wanted: object) -> list[CellJob]:
    """The *jobs* whose ``dose``, ``view`` or ``gridsize`` is *wanted*; :class:`RequestError` if none is."""
    kept = [job for job in jobs if getattr(job.cell, name) == wanted]
    if not kept:
        known = ", ".join(dict.fromkeys(str(getattr(job.cell, name)) for job in jobs))
        msg = f"--{name} {wanted}: matches no job; there are: {known}"
        raise RequestError(msg)
    return kept


def without_data(roots: Roots, jobs: Sequence[CellJob]) -> list[SkippedView]:
    """The views of *jobs* that were rejected or never made, each with its reason."""
    path = roots.views / layout.OVERLAP_MANIFEST
    data = read_json(path) if path.is_file() else {}
    manifest = data if isinstance(data, dict) else {}
    return [
        SkippedView(job.cell, _reason(manifest, job, roots))
        for job in jobs
        if not (job.train.is_file() and job.test.is_file())
    ]


def _reason(manifest: Mapping[str, Any], job: CellJob, roots: Roots) -> str:
    of_dose = manifest.get(layout.dose_directory(job.cell.dose))
    entry = of_dose.get(job.cell.view) if isinstance(of_dose, dict) else None
    if isinstance(entry, dict) and isinstance(reason := entry.get("reason"), str):
        return reason
    missing = job.test if job.train.is_file() else job.train
    options = f"--phase-c-root {roots.measured} --output-root {roots.views}"
    return f"{missing}: found no such file; make it with: extractor-flow dose-overlap overlap {options}"


def trained_jobs(root: Path) -> list[CellJob]:
    """The jobs that the training manifest below *root* says succeeded; none is a :class:`RequestError`."""
    path = root / layout.TRAINING_MANIFEST
    if not path.is_file():
        how = f"extractor-flow dose-overlap train --phase-c-root DIR --artifact-root {root}"
        msg = f"{path}: found no such file; make it with: {how}"
        raise DataError(msg)
    data = read_json(path)
    entries = data.get("jobs") if isinstance(data, dict) else None
    done = [entry for entry in entries or [] if isinstance(entry, dict) and _succeeded(entry)]  # type: ignore[union-attr]
    if not done:
        msg = f"{path}: holds no job that succeeded; train first"
        raise RequestError(msg)
    return [CellJob.from_dict(entry) for entry in done]


def _succeeded(entry: Mapping[str, Json]) -> bool:
    result = entry.get("result")
    return isinstance(result, dict) and result.get("status") == "success"
