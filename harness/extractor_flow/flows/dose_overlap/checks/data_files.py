"""Looks at every file below ``data``: what the study writes there, all of it, and nothing else."""

from __future__ import annotations

import math
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from extractor_flow.evidence.findings import Unchecked, Violation, brief
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.checks.claims import nearly, shielded
from extractor_flow.flows.dose_overlap.checks.stored_data import LIMIT
from extractor_flow.flows.dose_overlap.data.dataset import METADATA_KEY, to_arrays
from extractor_flow.flows.dose_overlap.data.generate import entry_of
from extractor_flow.flows.dose_overlap.data.remeasure import thinnings_of
from extractor_flow.flows.dose_overlap.jobs import jobs_of
from extractor_flow.flows.dose_overlap.plan import BASELINE, Plan
from extractor_flow.layout import PREPARED
from extractor_flow.readers.text import read_json, require_object
from extractor_flow.study.codes import Code

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from extractor_flow.evidence.run_context import RunContext
    from extractor_flow.flows.dose_overlap.checks.claims import Finding
    from extractor_flow.flows.dose_overlap.checks.stored_data import DataFiles
    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData
    from extractor_flow.flows.dose_overlap.data.remeasure import Measured
    from extractor_flow.flows.dose_overlap.data.views import View

    Views = Mapping[int, Mapping[str, View]]

_KINDS = {".npz", ".json"}
_ROUNDING = 1e-4
_OTHER_COUNTS = 1e-3
"""The share of pixels whose photon count another machine's rounding may change, by one photon."""
_ONE_PHOTON = 1.5
_SCALE = "photon_scale"


def check_measurement(files: DataFiles, measured: Measured) -> Iterator[Finding]:
    """What *measured* contradicts in the data files of one dose."""
    for name, due in measured.files.items():
        path = f"{layout.DATA}/{name}"
        if sum(array.nbytes for array in to_arrays(due).values()) > LIMIT:
            yield Unchecked(path, f"more than {LIMIT} bytes are not compared")
        else:
            yield from shielded(path, _check_file(files, path, due))
    for name, numbers in measured.numbers.items():
        path = f"{layout.DATA}/{name}"
        yield from shielded(path, _check_json(files.run, path, numbers))


def check_folder(run: RunContext, views: Views) -> Iterator[Finding]:
    """What the manifests contradict and which files there should not be; *views*, by dose, may be unknown."""
    doses = run.settings["design"]["doses"]
    manifest = f"{layout.DATA}/{layout.RUN_MANIFEST}"
    due = {layout.dose_directory(dose): entry_of(dose) for dose in doses}
    yield from shielded(manifest, _check_json(run, manifest, due))
    if views.keys() == set(doses):
        manifest = f"{layout.DATA}/{layout.OVERLAP_MANIFEST}"
        yield from shielded(manifest, _check_json(run, manifest, _overlap_manifest(views)))
        yield from shielded(PREPARED, _check_prepared(run, views))
    yield from shielded(layout.DATA, _check_listing(run, views))


def _check_file(files: DataFiles, path: str, due: PtychographyData) -> Iterator[Violation]:
    there, arrays = files.stored(path), to_arrays(due)
    expected = {*arrays, METADATA_KEY}
    if there.members != expected:
        what = f"expected {', '.join(sorted(expected))}"
        yield Violation(path, "", f"holds {brief(sorted(there.members))}", what, "evidence")
    for name in sorted(arrays.keys() & there.arrays.keys()):
        found = there.arrays[name]
        is_same = _same_counts(found, due) if name == "diffraction" else nearly(found, arrays[name], _ROUNDING)
        if not is_same:
            yield Violation(path, name, "is what the settings give", "measured again it differs", "evidence")
    if there.metadata is not None and not _alike(dict(there.metadata), dict(due.metadata), _ROUNDING):
        what = f"the settings give {brief(dict(due.metadata))}"
        yield Violation(path, METADATA_KEY, brief(dict(there.metadata)), what, "evidence")


def _same_counts(there: NDArray[Any], due: PtychographyData) -> bool:
    """Whether all amplitudes are the due ones, but for a few that are one photon more or less."""
    wanted = due.diffraction
    if there.shape != wanted.shape or there.dtype != wanted.dtype or not np.isfinite(there).all():
        return False
    differs = ~(np.abs(there - wanted) <= _ROUNDING * np.abs(wanted).max())
    scale = due.metadata[_SCALE]
    if not isinstance(scale, int | float) or float(differs.mean()) > _OTHER_COUNTS:
        return False
    one, two = (array[differs].astype(np.float64) ** 2 * scale for array in (there, wanted))
    return bool((np.abs(one - two) <= _ONE_PHOTON + _ROUNDING * two).all())


def _check_json(run: RunContext, path: str, due: Mapping[str, Any]) -> Iterator[Violation]:
    there = require_object(run.read(path, read_json), path)
    for name in sorted(there.keys() | due.keys()):
        if not _alike(there.get(name), due.get(name), _ROUNDING):
            what = f"the settings give {brief(due.get(name, 'nothing'))}"
            yield Violation(path, f"$.{name}", brief(there.get(name, "nothing")), what, "evidence")


def _alike(there: object, due: object, rounding: float) -> bool:
    """Whether two JSON values are equal, but for the rounding of what is no whole number."""
    if isinstance(due, dict):
        if not isinstance(there, dict) or there.keys() != due.keys():
            return False
        return all(_alike(there[name], value, rounding) for name, value in due.items())
    if isinstance(due, float) and isinstance(there, int | float) and not isinstance(there, bool):
        return math.isclose(there, due, rel_tol=rounding)
    return type(there) is type(due) and there == due


def _overlap_manifest(views: Views) -> dict[str, Any]:
    return {
        layout.dose_directory(dose): {name: view.as_dict() for name, view in of_dose.items()}
        for dose, of_dose in views.items()
        if of_dose
    }


def _check_prepared(run: RunContext, views: Views) -> Iterator[Violation]:
    """The jobs that the preparation refused are those whose view the scan does not have."""
    cells = {job.key: Plan.from_parameters(job.parameters).cell for job in jobs_of(run.settings)}
    due = {
        key: Code.MISSING_DATA.value
        for key, cell in cells.items()
        if cell.view != BASELINE and views[cell.dose][cell.view].refusal is not None
    }
    refused = require_object(run.read(PREPARED, read_json), PREPARED).get("refused")
    told = require_object(refused, f"{PREPARED}: $.refused")
    if {key: require_object(skip, PREPARED).get("code") for key, skip in told.items()} != due:
        yield Violation(PREPARED, "$.refused", brief(refused), f"the scan refuses {brief(due)}", "evidence")


def _check_listing(run: RunContext, views: Views) -> Iterator[Violation]:
    expected = {f"{layout.DATA}/{name}" for name in _expected(run, views)}
    for path in run.files.walk().files:
        pure = PurePosixPath(path)
        is_data = pure.parts[0] == layout.DATA and pure.suffix in _KINDS
        if is_data and path not in expected and not any(part.startswith(".") for part in pure.parts):
            yield Violation(
                path, "", "belongs to the study's data", "no dose and view of it has such a file", "evidence"
            )


def _expected(run: RunContext, views: Views) -> Iterator[str]:
    """The names below ``data``; where *views* are unknown, those of all that could be."""
    yield from (layout.RUN_MANIFEST, layout.OVERLAP_MANIFEST)
    for dose in run.settings["design"]["doses"]:
        for name in (layout.RAW, layout.CANONICAL, layout.PATCHED):
            yield f"{layout.dose_directory(dose)}/{name}"
        yield from (layout.patched(dose, split) for split in layout.SPLITS)
        for name in thinnings_of(run.settings):
            yield layout.metrics_bundle(dose, name)
            yield from (layout.view_metrics(dose, name, split) for split in layout.SPLITS)
            if dose not in views or views[dose][name].refusal is None:
                yield from (layout.view(dose, name, split) for split in layout.SPLITS)
