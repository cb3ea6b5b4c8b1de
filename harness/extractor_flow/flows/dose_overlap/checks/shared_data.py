"""Looks at the data that the cells share: measured and thinned once more, they must be what lies in the run."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from extractor_flow.evidence.findings import Unchecked, Violation
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.checks.claims import shielded
from extractor_flow.flows.dose_overlap.checks.data_files import check_folder, check_measurement
from extractor_flow.flows.dose_overlap.checks.stored_data import DataFiles
from extractor_flow.flows.dose_overlap.checks.training_frames import check_measured, check_stored
from extractor_flow.flows.dose_overlap.data.generate import base_from
from extractor_flow.flows.dose_overlap.data.remeasure import measure
from extractor_flow.flows.dose_overlap.data.simulation import base_of
from extractor_flow.flows.dose_overlap.jobs import ANYWHERE
from extractor_flow.flows.dose_overlap.plan import Plan
from extractor_flow.layout import PREPARED
from extractor_flow.readers.errors import Kind, ReadError
from extractor_flow.readers.text import read_json, require_object
from extractor_flow.study.codes import Code
from extractor_flow.study.records import Skipped, why_not

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from extractor_flow.evidence.run_context import RunContext
    from extractor_flow.flows.dose_overlap.checks.claims import Claims, Finding
    from extractor_flow.flows.dose_overlap.data.remeasure import Measured
    from extractor_flow.flows.dose_overlap.data.simulation import Base
    from extractor_flow.flows.dose_overlap.data.views import View
    from extractor_flow.study.records import JobRecord

_LARGEST = 1024
_MOST_PIXELS = 1 << 24
"""In all frames of one dose: at some 44 bytes for each in its stages, 0.7 GB. The largest config here has 3 million."""


def check_data(run: RunContext, jobs: Sequence[Claims]) -> Iterator[Finding]:
    """What the data of *run* contradict, and the records of *jobs* and of skipped ones about them."""
    files = DataFiles(run)
    for job in jobs:
        yield from check_stored(job, files)
    is_prepared = run.files.has(PREPARED)
    if jobs and not is_prepared:
        yield Violation(PREPARED, "", "tells that the data were made", "no such file", Kind.MISSING)
    skips = [record for record in run.records if _is_about_the_scan(run, record)]
    if not (jobs or skips or is_prepared):
        return
    base = yield from _bounded(_base(run, files))
    views: dict[int, Mapping[str, View]] = {}
    if base is not None:
        yield from _Repetition(run, files, base, views).check(jobs, skips, has_data=bool(jobs) or is_prepared)
    if jobs or is_prepared:
        yield from check_folder(run, views)


def _is_about_the_scan(run: RunContext, record: JobRecord) -> bool:
    """Whether *record* is a skip that only the scan can explain."""
    if not isinstance(record.outcome, Skipped) or record.outcome.code is Code.DRY_RUN:
        return False
    device = Plan.from_parameters(run.parameters[record.job_key]).training.device
    return record.outcome.code is Code.MISSING_DATA or device in ANYWHERE


def _bounded(search: Generator[Finding, None, Base | None]) -> Generator[Finding, None, Base | None]:
    """The base that *search* finds, unless its frames are too many to be measured again."""
    base = yield from search
    if base is None or len(base.xcoords) * base.probe_guess.size <= _MOST_PIXELS:
        return base
    what = f"{len(base.xcoords)} frames of {base.probe_guess.size} pixels are too many to measure again"
    yield Unchecked("the data", what)
    return None


def _base(run: RunContext, files: DataFiles) -> Generator[Finding, None, Base | None]:
    """What was measured: as the settings say, or else as the run's own data say."""
    simulation = run.settings["simulation"]
    if simulation["base_npz"] is None:
        if simulation["object_size"] <= _LARGEST:
            return base_from(simulation)
        yield Unchecked("the data", f"an object of more than {_LARGEST} pixels is not measured again")
        return None
    what = f"{simulation['base_npz']} is outside of the run, and was not opened"
    yield Unchecked("where the measured object comes from", what)
    path = f"{layout.DATA}/{layout.dose_directory(run.settings['design']['doses'][0])}/{layout.RAW}"
    try:
        return base_of(files.stored(path).data(path))
    except ReadError as error:
        yield Violation.refused(path, error)
        yield Unchecked("the data", "there is no object to measure again")
    return None


class _Repetition:
    """The study's measurement once more; *views* is filled with what could be had of it, by dose."""

    def __init__(self, run: RunContext, files: DataFiles, base: Base, views: dict[int, Mapping[str, View]]) -> None:
        self._run = run
        self._files = files
        self._base = base
        self._views = views

    def check(self, jobs: Sequence[Claims], skips: Sequence[JobRecord], *, has_data: bool) -> Iterator[Finding]:
        """What the repetition contradicts, dose by dose."""
        of_dose: dict[int, list[Claims]] = defaultdict(list)
        for job in jobs:
            of_dose[job.plan.cell.dose].append(job)
        for dose in self._run.settings["design"]["doses"]:
            path = f"{layout.DATA}/{layout.dose_directory(dose)}/{layout.RAW}"
            yield from shielded(path, self._dose(dose, of_dose[dose], skips, has_data=has_data))

    def _dose(
        self, dose: int, jobs: Sequence[Claims], skips: Sequence[JobRecord], *, has_data: bool
    ) -> Iterator[Finding]:
        measured = measure(self._base, dose, self._run.settings)
        self._views[dose] = measured.views
        if has_data:
            yield from check_measurement(self._files, measured)
        for job in jobs:
            yield from check_measured(job, measured)
        for record in skips:
            yield from self._skip(record, dose, measured)

    def _skip(self, record: JobRecord, dose: int, measured: Measured) -> Iterator[Violation]:
        cell = Plan.from_parameters(self._run.parameters[record.job_key]).cell
        if cell.dose != dose or not isinstance(record.outcome, Skipped):
            return
        refusal, code = measured.refusal(cell.view), record.outcome.code
        if refusal is None or code is not Code.MISSING_DATA:
            found = "the scan has this view" if refusal is None else f"the scan says: {refusal}"
            yield self._run.contradicted(record, "code", code.value, found)
        told = require_object(self._run.read(PREPARED, read_json), PREPARED).get("refused")
        if not isinstance(told, dict) or told.get(record.job_key) != why_not(record.outcome):
            yield self._run.contradicted(record, "reason", why_not(record.outcome), f"{PREPARED} says otherwise")
