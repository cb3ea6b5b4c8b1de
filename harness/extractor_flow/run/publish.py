"""Writes a run's published files, from nothing but what is on disk: run.json and the journal.

So the same function ends a run, ends a resumed one, and publishes a run again later.
"""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from extractor_flow import layout
from extractor_flow.errors import RunDirectoryError
from extractor_flow.files import dumps, printable, sync_directory, write_bytes, write_text
from extractor_flow.readers.paths import ConfinedDirectory
from extractor_flow.render import legacy_results, manifest, markdown, summary_csv, summary_json
from extractor_flow.study.flow import FLOW_ERRORS
from extractor_flow.study.records import HardwareProfile
from extractor_flow.study.summary import RunIdentity, summarize

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from extractor_flow.run.rundir import RunDirectory
    from extractor_flow.study.flow import Comparison, Flow, ReportSpec
    from extractor_flow.study.records import JobRecord, RunSummary

DRAWING_SECONDS = 300
"""Drawing takes seconds, of thousands of jobs too; a plotting library that hangs must not hold a run, or a verifier."""
_PROVENANCE = ("command", "config_path", "config_sha256", "git", "packages", "processor", "python_version", "platform")
_WHY_UNPUBLISHED = """\
This run has been begun or resumed, and its published files do not tell all of it yet. `extractor-flow run --resume`
trains what is missing and publishes the run; `extractor-flow report` publishes what its journal holds.
"""


def summary_of(request: Mapping[str, Any], records: Sequence[JobRecord], comparison: Comparison) -> RunSummary:
    """The summary of *records* of the run that *request* asked for, as *comparison* compares them."""
    identity = RunIdentity(
        run_id=request["run_id"],
        flow=request["flow"],
        created_at=request["created_at"],
        output_root=request["output_root"],
        run_directory=request["run_directory"],
        notes=tuple(request["notes"]),
        provenance={name: request[name] for name in _PROVENANCE if name in request},
    )
    return summarize(identity, records, comparison, HardwareProfile.from_json(request["hardware"]))


def published_files(
    summary: RunSummary, request: Mapping[str, Any], vocabulary: ReportSpec, figures: Callable[[], Mapping[str, bytes]]
) -> dict[str, Callable[[], bytes]]:
    """What makes each published file of a run, by name, in the order in which they are written.

    *figures* gives those that the report, the last file, shows. The same arguments make the same bytes.
    """
    texts: dict[str, Callable[[], str]] = {
        layout.SUMMARY: lambda: dumps(summary_json.to_json(summary, vocabulary)),
        layout.MANIFEST: lambda: dumps(
            manifest.training_manifest(summary, selection=request["selection"], dry_run=request["dry_run"])
        ),
        layout.SKIPS: lambda: dumps(manifest.skip_summary(summary)),
        layout.HISTORICAL: lambda: dumps(legacy_results.complete_results(summary, request["config"])),
        layout.MARKDOWN: lambda: markdown.render(summary, vocabulary),
        layout.TABLE: lambda: summary_csv.table(summary),
        layout.PAGE: lambda: _page(summary, request, vocabulary, figures()),
    }
    return {name: partial(_encoded, made) for name, made in texts.items()}


def beside_the_page(summary: RunSummary, vocabulary: ReportSpec) -> dict[str, Callable[[], bytes]]:
    """What makes each file that lies beside the page, by path: its drawings, and a page for each job that failed."""
    from extractor_flow.render.page.charts import charts
    from extractor_flow.render.page.failures import failure_page, has_page, page_path

    drawn = {f"{layout.CHARTS}/{name}": text.encode("utf-8") for name, text in charts(summary, vocabulary).items()}
    failed = [record for record in summary.records if has_page(record)]
    return {
        **{path: partial(bytes, content) for path, content in drawn.items()},
        **{page_path(record): partial(_encoded, partial(failure_page, record, summary)) for record in failed},
    }


def _page(summary: RunSummary, request: Mapping[str, Any], vocabulary: ReportSpec, figures: Mapping[str, bytes]) -> str:
    from extractor_flow.render.page.document import report

    return report(summary, request, vocabulary, figures)


def _encoded(made: Callable[[], str]) -> bytes:
    return made().encode("utf-8")


def read_summary(run: RunDirectory, flow: Flow) -> RunSummary:
    """The summary that the journal of *run* supports; :class:`RunDirectoryError` when the flow cannot compare it."""
    request, records = run.request(), run.records()
    try:
        return summary_of(request, records, flow.compare(records, request["config"]))
    except FLOW_ERRORS as error:
        what = f"the flow {flow.name} cannot compare its records: {type(error).__name__}: {error}"
        advice = f"they are kept; correct the flow, then: extractor-flow report {run.path}"
        msg = f"{run.path / layout.JOURNAL}: {printable(what)}; {advice}"
        raise RunDirectoryError(msg) from error


def withhold(run: RunDirectory) -> None:
    """Mark *run* as unpublished: from here on its published files, if there are any, may be out of date."""
    if not (run.path / layout.UNPUBLISHED).exists():
        write_text(run.path / layout.UNPUBLISHED, _WHY_UNPUBLISHED)


def _release(run: RunDirectory) -> None:
    """Mark *run* as published; one with jobs that have no record yet stays unpublished."""
    recorded = {record.job_key for record in run.journal()}
    if recorded >= {job["job_key"] for job in run.request()["jobs"]}:
        (run.path / layout.UNPUBLISHED).unlink(missing_ok=True)
        sync_directory(run.path)


def publish(run: RunDirectory, flow: Flow) -> RunSummary:
    """Write every published file of *run*, each whole or not at all; the summary they are views of.

    Until the last one is written, the run is marked as unpublished: some may be older than others. The last
    one binds all others, so nothing may be written in the run afterwards.
    """
    summary = read_summary(run, flow)
    withhold(run)
    drawing = _start_drawing(run, flow, summary)

    def figures() -> dict[str, bytes]:
        if drawing is not None:
            _finish_drawing(drawing)
        return run.figures()

    for name, made in published_files(summary, run.request(), flow.vocabulary, figures).items():
        run.publish(name, made())
    publish_beside_the_page(run, summary, flow.vocabulary)
    run.bind()
    _release(run)
    return summary


def publish_beside_the_page(run: RunDirectory, summary: RunSummary, vocabulary: ReportSpec) -> None:
    """Write what lies beside the page, and remove what an earlier state of the journal had there."""
    made = beside_the_page(summary, vocabulary)
    directories = {record.directory for record in summary.records}
    for path in ConfinedDirectory(run.path).walk().files:
        if path not in made and layout.is_beside_the_page(path, directories):
            (run.path / path).unlink()
    for path, content in made.items():
        (run.path / path).parent.mkdir(parents=True, exist_ok=True)
        # Of thousands of failures, syncing each page would take minutes; what a crash loses, `report` makes again.
        write_bytes(run.path / path, content(), durable=False)


def _start_drawing(run: RunDirectory, flow: Flow, summary: RunSummary) -> subprocess.Popen[str] | None:
    """Draw in a process of its own: plotting libraries are heavy, and a crash there must not cost the summary."""
    if not hasattr(flow, "draw") or not summary.aggregate_metrics["completed_runs"]:
        return None
    command = [sys.executable, "-P", "-m", "extractor_flow.run.draw", str(run.path)]
    # In a session of its own: Ctrl-C is not meant for it.
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def _finish_drawing(drawing: subprocess.Popen[str]) -> None:
    from loguru import logger

    try:
        _, complaint = drawing.communicate(timeout=DRAWING_SECONDS)
    except subprocess.TimeoutExpired:
        drawing.kill()
        drawing.communicate()
        complaint = f"gave up after {DRAWING_SECONDS} s"
    if drawing.returncode != 0:
        last = (complaint.strip().splitlines() or ["no message"])[-1]
        logger.bind(reason=last).warning("the figures were not drawn: {}", last)
