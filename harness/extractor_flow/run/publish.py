"""Writes a run's published files, from nothing but what is on disk: run.json and the journal.

So the same function ends a run, ends a resumed one, and draws everything again later.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from extractor_flow.errors import RunDirectoryError
from extractor_flow.files import printable
from extractor_flow.render import html, legacy_results, manifest, markdown, summary_json
from extractor_flow.run import rundir
from extractor_flow.study.flow import FLOW_ERRORS
from extractor_flow.study.records import HardwareProfile
from extractor_flow.study.summary import RunIdentity, summarize

if TYPE_CHECKING:
    from extractor_flow.run.rundir import RunDirectory
    from extractor_flow.study.flow import Flow
    from extractor_flow.study.records import RunSummary

_DRAWING_SECONDS = 300


def read_summary(run: RunDirectory, flow: Flow) -> RunSummary:
    """The summary that the journal of *run* supports; :class:`RunDirectoryError` when the flow cannot compare it."""
    request = run.request()
    identity = RunIdentity(
        run_id=request["run_id"],
        flow=request["flow"],
        created_at=request["created_at"],
        output_root=request["output_root"],
        run_directory=request["run_directory"],
        notes=tuple(request["notes"]),
    )
    records = run.records()
    here = HardwareProfile.from_json(request["hardware"])
    try:
        return summarize(identity, records, flow.compare(records, request["config"]), here)
    except FLOW_ERRORS as error:
        what = f"the flow {flow.name} cannot compare its records: {type(error).__name__}: {error}"
        advice = f"they are kept; correct the flow, then: extractor-flow report {run.path}"
        msg = f"{run.path / rundir.JOURNAL}: {printable(what)}; {advice}"
        raise RunDirectoryError(msg) from error


def publish(run: RunDirectory, flow: Flow) -> RunSummary:
    """Write every published file of *run*, each whole or not at all; the summary they are views of.

    Until the last one is there, the run is marked as unpublished: half of them may be from an earlier time.
    """
    summary = read_summary(run, flow)
    run.withhold()
    drawing = _start_drawing(run, flow, summary)
    words = flow.vocabulary
    request = run.request()
    run.publish_json(rundir.SUMMARY, summary_json.to_json(summary, words))
    run.publish_text(rundir.MARKDOWN, markdown.render(summary, words))
    run.publish_json(
        rundir.MANIFEST,
        manifest.training_manifest(
            summary, selection=request["selection"], dry_run=request["dry_run"], skip_summary_path=rundir.SKIPS
        ),
    )
    run.publish_json(rundir.SKIPS, manifest.skip_summary(summary))
    run.publish_json(rundir.HISTORICAL, legacy_results.complete_results(summary, request["config"]))
    if drawing is not None:
        _finish_drawing(drawing)
    run.publish_text(rundir.PAGE, html.report(summary, words, run.figures()))
    run.release()
    return summary


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
        _, complaint = drawing.communicate(timeout=_DRAWING_SECONDS)
    except subprocess.TimeoutExpired:
        drawing.kill()
        drawing.communicate()
        complaint = f"gave up after {_DRAWING_SECONDS} s"
    if drawing.returncode != 0:
        last = (complaint.strip().splitlines() or ["no message"])[-1]
        logger.bind(reason=last).warning("the figures were not drawn: {}", last)
