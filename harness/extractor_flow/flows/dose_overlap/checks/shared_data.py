"""Checks the data that the cells share, by measuring and thinning them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from extractor_flow.evidence.check import Scope, check
from extractor_flow.evidence.findings import Unchecked, Violation, Why, brief
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.checks.claims import DATA_LIMIT
from extractor_flow.flows.dose_overlap.checks.likeness import ROUNDING, alike, nearly
from extractor_flow.flows.dose_overlap.data.dataset import METADATA_KEY, read_contents, to_arrays
from extractor_flow.flows.dose_overlap.jobs import ANYWHERE, jobs_of
from extractor_flow.flows.dose_overlap.plan import Plan
from extractor_flow.layout import PREPARED, is_hidden
from extractor_flow.readers.errors import Kind
from extractor_flow.readers.text import read_json, require_object
from extractor_flow.study.codes import Code
from extractor_flow.study.records import Completed, Skipped, why_not

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from numpy.typing import NDArray

    from extractor_flow.evidence.run_context import RunContext
    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData
    from extractor_flow.flows.dose_overlap.data.simulation import Base
    from extractor_flow.study.records import JobRecord

    Finding = Violation | Unchecked

_LARGEST = 1024
# In all frames of one dose: at some 44 bytes for each in its stages, 0.7 GB. The largest config here has 3 million.
_MOST_PIXELS = 1 << 24
# The share of pixels whose photon count another machine's rounding may change, by one photon.
_OTHER_COUNTS = 1e-3
_ONE_PHOTON = 1.5


@check("dose-data", scope=Scope.RUN, reads=(PREPARED,), needs=("scipy",))
def study_data(run: RunContext) -> Iterator[Finding]:
    """Every file below data/ is what the settings give: the object measured at every dose, the scans thinned again.

    Catches: frames that were retouched or measured with another dose, object or seed, another thinning, made-up
    numbers behind a view, a file too much or too little. Cannot catch: an object that came from a file outside.
    """
    from extractor_flow.flows.dose_overlap.data.remeasure import manifests_of, measure

    if not run.files.has(PREPARED):
        if any(isinstance(each.outcome, Completed) or _is_about_the_scan(run, each) for each in run.records):
            yield Violation(PREPARED, "", "says that the data were made", "no such file", Kind.MISSING)
        return
    base = yield from _base(run)
    if base is None:
        return
    known = manifests_of(base, run.settings)
    names = set(known)
    for dose in run.settings["design"]["doses"]:
        files, numbers = measure(base, dose, run.settings)
        for name, data in files.items():
            yield from _compare_data(run, f"{layout.DATA}/{name}", data)
        known |= numbers
        names |= files.keys() | numbers.keys()
        run.forget()  # the frames of one dose need not stay while the next one is measured
    for name, expected in known.items():
        yield from _compare_json(run, f"{layout.DATA}/{name}", expected)
    for path in run.files.walk().files:
        folder, _, name = path.partition("/")
        if folder == layout.DATA and name not in names and not is_hidden(name):
            yield Violation(path, "", "belongs to the study's data", "no dose and view has such a file", "evidence")


@check("dose-refusals", scope=Scope.RUN, reads=(PREPARED,), needs=("scipy",))
def refused_views(run: RunContext) -> Iterator[Finding]:
    """A view is refused by the preparation, and its job skipped with the same words, where the scan does not have it.

    Catches: a cell that was left out because its result was bad, a success of an impossible view.
    Cannot catch: a false reason that is not about the scan, such as a device that was missing.
    """
    from extractor_flow.flows.dose_overlap.data.remeasure import refusals_of

    if not run.files.has(PREPARED):
        return
    base = yield from _base(run)
    if base is None:
        return
    views = refusals_of(base, run.settings)
    cells = {job.key: Plan.from_parameters(job.parameters).cell for job in jobs_of(run.settings)}
    expected = {key: why for key, cell in cells.items() if (why := views.get(cell.view)) is not None}
    prepared = require_object(run.read(PREPARED, read_json), PREPARED)
    refused = require_object(prepared.get("refused"), f"{PREPARED}: $.refused")
    codes = {key: require_object(skip, f"{PREPARED}: $.refused").get("code") for key, skip in refused.items()}
    if codes != dict.fromkeys(expected, Code.MISSING_DATA.value):
        yield Violation(PREPARED, "$.refused", brief(refused), f"the scan refuses {brief(expected)}", "evidence")
    for record in run.records:
        found = f"the scan says: {expected.get(record.job_key, 'it has this view')}"
        if isinstance(record.outcome, Completed) and record.job_key in expected:
            yield run.contradicted(record, "status", "success", found)
        if isinstance(record.outcome, Skipped) and _is_about_the_scan(run, record):
            skip = why_not(record.outcome)
            if record.job_key not in expected or record.outcome.code is not Code.MISSING_DATA:
                yield run.contradicted(record, "code", record.outcome.code.value, found)
            elif skip != refused.get(record.job_key):
                yield run.contradicted(record, "reason", skip, f"{PREPARED} has {refused.get(record.job_key)}")


def _is_about_the_scan(run: RunContext, record: JobRecord) -> bool:
    """Whether *record* is a skip that only the scan can explain."""
    if not isinstance(record.outcome, Skipped) or record.outcome.code is Code.DRY_RUN:
        return False
    device = Plan.from_parameters(run.parameters[record.job_key]).training.device
    return record.outcome.code is Code.MISSING_DATA or device in ANYWHERE


def _base(run: RunContext) -> Generator[Finding, None, Base | None]:
    """What was measured: as the settings say, or else as the run's own data say; ``None`` where it is too much."""
    from extractor_flow.flows.dose_overlap.data.generate import base_from
    from extractor_flow.flows.dose_overlap.data.simulation import base_of

    simulation = run.settings["simulation"]
    path = f"{layout.DATA}/{layout.dose_directory(run.settings['design']['doses'][0])}/{layout.RAW}"
    if simulation["base_npz"] is not None:
        what = f"{simulation['base_npz']} is outside of the run, and was not opened"
        yield Unchecked("where the measured object comes from", what)
        base = base_of(run.read(path, read_contents, limit=DATA_LIMIT).data(path))
    elif simulation["object_size"] <= _LARGEST:
        base = base_from(simulation)
    else:
        yield Unchecked("the data", f"an object of more than {_LARGEST} pixels is not measured again", Why.LIMIT)
        yield from _compare_shape(run, path, "objectGuess", (simulation["object_size"],) * 2)
        return None
    if len(base.xcoords) * base.probe_guess.size > _MOST_PIXELS:
        what = f"{len(base.xcoords)} frames of {base.probe_guess.size} pixels are too many to measure again"
        yield Unchecked("the data", what, Why.LIMIT)
        yield from _compare_shape(run, path, "diffraction", (len(base.xcoords), *base.probe_guess.shape))
        return None
    return base


def _compare_shape(run: RunContext, path: str, name: str, expected: tuple[int, ...]) -> Iterator[Violation]:
    """Data too large to measure again must really be that large: settings must not switch a check off."""
    array = run.read(path, read_contents, limit=DATA_LIMIT).arrays.get(name)
    if array is None or array.shape != expected:
        found = "nothing" if array is None else f"the shape {array.shape}"
        yield Violation(path, name, f"has the shape {expected}, which the settings give", found, "evidence")


def _compare_data(run: RunContext, path: str, expected: PtychographyData) -> Iterator[Finding]:
    arrays = to_arrays(expected)
    if not run.files.has(path):
        yield Violation(path, "", "holds what the settings give", "no such file", Kind.MISSING)
        return
    if sum(array.nbytes for array in arrays.values()) > DATA_LIMIT:
        yield Unchecked(path, f"more than {DATA_LIMIT} bytes are not compared")
        return
    stored = run.read(path, read_contents, limit=DATA_LIMIT)
    if stored.members != {*arrays, METADATA_KEY}:
        what = f"expected {', '.join(sorted({*arrays, METADATA_KEY}))}"
        yield Violation(path, "", f"holds {brief(sorted(stored.members))}", what, "evidence")
    for name, wanted in arrays.items():
        found = stored.arrays.get(name)
        if not (_same_counts(found, expected) if name == "diffraction" else nearly(found, wanted)):
            yield Violation(path, name, "is what the settings give", "measured again it differs", "evidence")
    if not alike(dict(stored.metadata), dict(expected.metadata), ROUNDING):
        what = f"the settings give {brief(dict(expected.metadata))}"
        yield Violation(path, METADATA_KEY, brief(dict(stored.metadata)), what, "evidence")


def _same_counts(stored: NDArray[Any] | None, expected: PtychographyData) -> bool:
    """Whether all amplitudes are the expected ones, but for a few that are one photon more or less."""
    wanted = expected.diffraction
    if stored is None or stored.shape != wanted.shape or stored.dtype != wanted.dtype or not np.isfinite(stored).all():
        return False
    differs = ~(np.abs(stored - wanted) <= ROUNDING * np.abs(wanted).max())
    scale = expected.metadata["photon_scale"]
    if not isinstance(scale, int | float) or float(differs.mean()) > _OTHER_COUNTS:
        return False
    one, two = (array[differs].astype(np.float64) ** 2 * scale for array in (stored, wanted))
    return bool((np.abs(one - two) <= _ONE_PHOTON + ROUNDING * two).all())


def _compare_json(run: RunContext, path: str, expected: Mapping[str, Any]) -> Iterator[Violation]:
    if not run.files.has(path):
        yield Violation(path, "", "holds what the settings give", "no such file", Kind.MISSING)
        return
    stored = require_object(run.read(path, read_json), path)
    for name in sorted(stored.keys() | expected.keys()):
        if not alike(stored.get(name), expected.get(name)):
            what = f"the settings give {brief(expected.get(name, 'nothing'))}"
            yield Violation(path, f"$.{name}", brief(stored.get(name, "nothing")), what, "evidence")
