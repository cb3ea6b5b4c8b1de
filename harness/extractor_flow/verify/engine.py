"""The layers of verification, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extractor_flow.errors import RequestError, RunDirectoryError
from extractor_flow.evidence.check import SupportsChecks, SupportsEvidence
from extractor_flow.evidence.findings import Violation, Why, brief
from extractor_flow.evidence.run_context import RunContext
from extractor_flow.readers.errors import Kind, ReadError
from extractor_flow.readers.paths import ConfinedDirectory
from extractor_flow.registry import find_flow
from extractor_flow.render.markdown_layout import page_of
from extractor_flow.render.summary_json import to_json
from extractor_flow.run import rundir
from extractor_flow.study.flow import FLOW_ERRORS, SupportsPrepare
from extractor_flow.verify.checks.archive import Archived
from extractor_flow.verify.checks.documents import CONTRACTS, Loading
from extractor_flow.verify.checks.html import check_figures, check_html, check_static, read_figures
from extractor_flow.verify.checks.job_directories import JobDirectories
from extractor_flow.verify.checks.logs import check_failures, check_run_log
from extractor_flow.verify.checks.markdown import check_page
from extractor_flow.verify.checks.matrix import check_journal, check_request, matrix_of, restudy
from extractor_flow.verify.checks.timeline import check_limits, check_order
from extractor_flow.verify.checks.unrecorded_files import Leftovers
from extractor_flow.verify.checks.views import check_against_views, check_views, latest_records, supported
from extractor_flow.verify.examine import Tally, examine_jobs, examine_run
from extractor_flow.verify.unknown_flow import UninstalledFlow
from extractor_flow.verify.verdict import Unchecked, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from extractor_flow.readers.paths import Listing
    from extractor_flow.study.flow import Flow, SupportsCompare
    from extractor_flow.verify.checks.documents import Documents, Entry
    from extractor_flow.verify.checks.matrix import Matrix
    from extractor_flow.verify.checks.views import Supported

Finding = Violation | Unchecked
_NO_FLOW = "its flow is not installed here, or its config is not one of that flow's"


def verify(run_directory: Path, *, deep: bool = False, archived: bool = False) -> Verdict:
    """Check every claim of the run in *run_directory* against the evidence beside it.

    With *deep*, a flow may use its deep-learning package, which it never lets unpickle. With *archived*, files that the
    run's archive list says were left out count as unchecked, not as missing. :class:`RunDirectoryError` (exit code 2)
    when the directory has no ``run.json``.
    """
    files = ConfinedDirectory(run_directory)
    _require_run(files)
    archive = Archived.read(files)
    found = list(archive.settle(_findings(files, archive, deep=deep), accepted=archived))
    violations = dict.fromkeys(each for each in found if isinstance(each, Violation))
    unchecked = dict.fromkeys(each for each in found if isinstance(each, Unchecked))
    return Verdict(tuple(sorted(violations, key=lambda violation: violation.file)), tuple(unchecked))


def _require_run(files: ConfinedDirectory) -> None:
    # Where something else stands under that name, what it is gets reported.
    if _is_missing(files, rundir.RUN):
        msg = f"{files.root}: not a run directory: it has no {rundir.RUN}"
        raise RunDirectoryError(msg, exit_code=2)


def _is_missing(files: ConfinedDirectory, name: str) -> bool:
    try:
        with files.open(name):
            return False
    except ReadError as error:
        return error.kind == Kind.MISSING


def _unpublished(files: ConfinedDirectory) -> Iterator[Finding]:
    """A run that is under way, or whose process was killed: its published files are absent or of an earlier session."""
    found = f"the run is not published; do: extractor-flow run --resume {files.root}"
    yield Violation(rundir.SUMMARY, "", "tells all that the run's journal holds", found, "unpublished")
    yield Unchecked("everything else", "a run is judged by what it has published", Why.UNPUBLISHED)


def _findings(files: ConfinedDirectory, archive: Archived, *, deep: bool) -> Iterator[Finding]:
    try:
        listing = files.walk()
    except ReadError as error:
        yield Violation.refused(error.where, error)
        yield Unchecked("everything", "the directory cannot be listed")
        return
    yield from (Violation.refused(error.where, error) for error in listing.refused)
    loading = Loading(files)
    if rundir.UNPUBLISHED in listing.files or _is_missing(files, rundir.SUMMARY):
        loading.json(rundir.RUN, CONTRACTS[rundir.RUN])
        yield from loading.found
        yield from _unpublished(files)
        return
    documents = loading.documents()
    yield from loading.found
    if rundir.RUN in documents.json:
        run = _Run(files, listing, documents, deep=deep)
        yield from run.findings(archive)
    else:
        yield Unchecked("everything else", f"{rundir.RUN} cannot be used")


class _Run:
    """A run whose request is known: everything else is compared with it, with the journal, and with the artifacts."""

    def __init__(self, files: ConfinedDirectory, listing: Listing, documents: Documents, *, deep: bool) -> None:
        self._files = files
        self._listing = listing
        self._documents = documents
        self._request: Mapping[str, Any] = documents.json[rundir.RUN]
        self._latest: Mapping[str, Entry] = latest_records(documents.journal, self._request)
        self._deep = deep
        self._tally = Tally()

    def findings(self, archive: Archived) -> Iterator[Finding]:
        yield from check_request(self._request)
        found: list[Violation] = []
        flow = self._flow()
        study = None if flow is None else restudy(self._request, flow, found)
        yield from found
        matrix = matrix_of(self._request, study)
        shared = study is None or isinstance(flow, SupportsPrepare)
        yield from archive.check(self._listing, self._latest.values(), matrix, shared=shared)
        yield from check_journal(self._documents.journal, self._request, matrix)
        manifest = self._documents.json.get(rundir.MANIFEST, {"jobs": ()})
        published = {job["job_key"]: job for job in manifest["jobs"]}
        journal = self._documents.journal
        started = {entry.record.job_key: entry for entry in journal if entry.record.end_time is not None}
        directories = JobDirectories(self._files, self._listing, matrix, published)
        yield from directories.check(self._latest.values(), started)
        yield from check_figures(self._files, self._listing)
        yield from check_failures(self._files, self._latest.values())
        if self._documents.complete:
            yield from self._beside_the_records(matrix, flow)
        if not self._documents.complete:
            yield Unchecked("published files and evidence", f"{rundir.JOURNAL} cannot be read to its end")
        elif flow is None or study is None:
            yield from self._compared_without_flow()
        else:
            yield from self._compared(flow, matrix)

    def _beside_the_records(self, matrix: Matrix, flow: Flow | None) -> Iterator[Finding]:
        """What the whole journal, in its order, is compared with: the clock, the run's log, and the directory."""
        journal = self._documents.journal
        yield from check_order(journal, one_at_a_time=self._request["executor"] == "serial")
        yield from check_limits(journal, matrix)
        yield from check_run_log(self._files, journal)
        leftovers = Leftovers(self._files, self._listing, matrix, journal, flow)
        yield from leftovers.check(tuple(self._latest.values()))

    def _flow(self) -> Flow | None:
        try:
            return find_flow(self._request["flow"])
        except RequestError:
            return None

    def _compared(self, flow: Flow, matrix: Matrix) -> Iterator[Finding]:
        found: list[Violation] = []
        records = [entry.record for entry in self._latest.values()]
        support = supported(records, self._request, flow, found)
        yield from found
        if support is not None:
            yield from check_views(self._documents, support, flow)
            yield from check_against_views(self._latest, self._documents, flow)
            yield from self._pages(flow, support)
        if isinstance(flow, SupportsChecks):
            run = self._context(matrix)
            yield from examine_run(flow.checks(), run, self._tally)
            yield from examine_jobs(flow, run, self._tally)
        elif isinstance(flow, SupportsEvidence):
            yield from self._evidence(flow, matrix)
        else:
            yield Unchecked("metrics and weights", f"the flow {flow.name} has no evidence to check them against")

    def _compared_without_flow(self) -> Iterator[Finding]:
        """What needs no flow: the journal's part of the published JSON, and that the page is a static one."""
        found: list[Violation] = []
        records = [entry.record for entry in self._latest.values()]
        flow = UninstalledFlow(self._documents)
        support = supported(records, self._request, flow, found)
        yield from found
        if support is not None:
            yield from check_views(self._documents, support, flow)
            yield from check_against_views(self._latest, self._documents, flow)
        if rundir.PAGE in self._documents.texts:
            yield from self._page(check_static)
        yield Unchecked("comparison, wording of the published files, and evidence", _NO_FLOW)

    def _pages(self, flow: SupportsCompare, support: Supported) -> Iterator[Finding]:
        data = self._documents.json.get(rundir.SUMMARY) or to_json(support.summary, flow.vocabulary)
        texts = self._documents.texts
        if rundir.MARKDOWN in texts:
            yield from check_page(texts[rundir.MARKDOWN], page_of(data, flow.vocabulary))
        if rundir.PAGE in texts:
            yield from self._page(lambda text, figures: check_html(text, support.summary, flow, self._request, figures))

    def _page(self, check: Callable[[str, Mapping[str, bytes]], Iterator[Finding]]) -> Iterator[Finding]:
        try:
            figures = read_figures(self._files, self._listing)
        except ReadError as error:
            yield Unchecked(rundir.PAGE, f"a figure in it cannot be read: {error}")
            return
        yield from check(self._documents.texts[rundir.PAGE], figures)

    def _evidence(self, flow: SupportsEvidence, matrix: Matrix) -> Iterator[Finding]:
        try:
            yield from flow.evidence(self._context(matrix))
        except FLOW_ERRORS as error:
            what = brief(f"{type(error).__name__}: {error}")
            yield Violation(
                rundir.JOURNAL, "", "holds records that can be compared with the evidence", what, "evidence"
            )

    def _context(self, matrix: Matrix) -> RunContext:
        known = {key: entry for key, entry in self._latest.items() if key in matrix.jobs}
        return RunContext(
            files=self._files,
            records=tuple(entry.record for entry in known.values()),
            settings=self._request["config"],
            parameters={key: matrix.jobs[key].parameters for key in known},
            lines={key: entry.line for key, entry in known.items()},
            deep=self._deep,
        )
