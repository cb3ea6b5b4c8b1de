"""Judges a run: loads it once, calls every check, and sorts what they found."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from extractor_flow import layout
from extractor_flow.errors import RunDirectoryError
from extractor_flow.evidence.check import Requirement, SupportsChecks
from extractor_flow.evidence.findings import BUDGET, Unchecked, Violation, Why
from extractor_flow.readers.errors import Kind, ReadError, one_line
from extractor_flow.study.records import Completed
from extractor_flow.verify.checks import CORE_CHECKS
from extractor_flow.verify.checks.binding import notes, witness_holds
from extractor_flow.verify.checks.documents import json_contracts, plain_files
from extractor_flow.verify.examine import Examination
from extractor_flow.verify.subject.archive_list import read_archive_list
from extractor_flow.verify.subject.context import load_run
from extractor_flow.verify.verdict import Ran, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from extractor_flow.binding.witness import Witness
    from extractor_flow.evidence.findings import Finding
    from extractor_flow.readers.paths import ConfinedDirectory, Listing
    from extractor_flow.verify.subject.context import RunSubject

_OF_FLOW = (Requirement.REQUEST, Requirement.JOURNAL, Requirement.FLOW, Requirement.STUDY)
_PUBLISHED = (
    layout.SUMMARY,
    layout.MARKDOWN,
    layout.MANIFEST,
    layout.SKIPS,
    layout.HISTORICAL,
    layout.TABLE,
    layout.PAGE,
)
_NO_DIRECTORY = {Kind.MISSING: "there is no such directory", Kind.NOT_A_FILE: "it is no directory"}


def verify(
    files: ConfinedDirectory,
    *,
    deep: bool | Collection[str] = False,
    archived: bool = False,
    witness: Witness | None = None,
    trust: Iterable[str] = (),
) -> Verdict:
    """Check every claim of the run in *files* against the evidence beside it.

    With *deep*, or the ids of the deep checks that shall look, a flow may use its deep-learning package, which it never
    lets unpickle, and of the code that the run names no other than *trust* (as ``module:name``). With *archived*, files
    that the run's archive list says were left out count as unchecked, not as missing. With a *witness*, the run must be
    the one that it tells of. :class:`RunDirectoryError` (exit code 2) when the directory is none, or nothing in it is
    of a run.
    """
    try:
        return _judged(files, witness, frozenset(trust), deep=deep, archived=archived)
    except MemoryError:
        # Not for a single check to say: what has filled the memory is still there for the next one.
        return _verdict((Violation(layout.RUN, "", "can be verified in the memory there is", "MemoryError", BUDGET),))


def _judged(
    files: ConfinedDirectory,
    witness: Witness | None,
    trusted: frozenset[str],
    *,
    deep: bool | Collection[str],
    archived: bool,
) -> Verdict:
    try:
        listing = files.listing()
    except ReadError as error:
        if error.where == one_line(str(files.root)):
            raise _no_run(files.root, _NO_DIRECTORY.get(error.kind, error.what)) from error
        refused = Violation.refused(error.where, error)
        return _verdict((refused, Unchecked("everything", "the directory cannot be listed", Why.UNREADABLE)))
    # A link, such as the one to the latest run, makes no run of a directory, unless one of a run's files is a link.
    seen = listing.files.keys() | {error.where for error in listing.refused}
    linked = all(error.kind == Kind.SYMLINK for error in listing.refused)
    if linked and not {layout.RUN, layout.JOURNAL, *_PUBLISHED} & seen:
        raise _no_run(files.root, f"it has no {layout.RUN}")
    archive = read_archive_list(files, accepted=archived)
    run = load_run(files, listing, archive, witness, deep=deep, trusted=trusted)
    examination = Examination(run)
    verdict = _verdict(_examine(run, examination), examination)
    if _is_unpublished(listing):
        return verdict  # a root that is there is of an earlier session
    return replace(verdict, root=run.root, notes=(*_without_results(run), *notes(run)))


def _without_results(run: RunSubject) -> Iterator[str]:
    """Say of a run in which no job completed that its verdict is about no training."""
    known = run.documents.get(layout.RUN) is not None  # else a violation says what is wrong with it
    statuses = Counter(entry.record.status for entry in (run.latest.values() if known else ()))
    if statuses and not statuses["success"]:
        counts = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
        yield f"no job completed ({counts}): what is judged is that nothing else is claimed"


def _no_run(run_directory: Path, found: str) -> RunDirectoryError:
    return RunDirectoryError(f"{run_directory}: not a run directory: {found}", exit_code=2)


def _examine(run: RunSubject, examination: Examination) -> Iterator[Finding]:
    """What all checks find in *run*; of a run that is not published, only what it was asked for is looked at."""
    if _is_unpublished(run.listing):
        yield from examination.core((plain_files, witness_holds))
        yield from (replace(each, check=json_contracts.id) for each in run.documents.wrong(layout.RUN))
        why = f"the run is under way or was interrupted; extractor-flow run --resume {run.files.root} publishes it"
        yield Unchecked("everything", why, Why.UNPUBLISHED)
        return
    yield from examination.core(CORE_CHECKS)
    yield from _of_flow(run, examination)
    yield from run.archive.omissions()
    yield from examination.unmet()


def _is_unpublished(listing: Listing) -> bool:
    """Whether the run says so itself, or has nothing but a request and a journal."""
    return layout.UNPUBLISHED in listing.files or (
        layout.RUN in listing.files and not listing.files.keys() & set(_PUBLISHED)
    )


def _of_flow(run: RunSubject, examination: Examination) -> Iterator[Finding]:
    """What the run's flow measures again."""
    unmet = next((requirement for requirement in _OF_FLOW if requirement in run.unmet), None)
    if unmet is not None:
        examination.blocked[unmet].append("what its flow would measure again")
    elif isinstance(run.flow, SupportsChecks):
        yield from examination.of_flow(run.flow)
    elif any(isinstance(entry.record.outcome, Completed) for entry in run.latest.values()):
        why = f"the flow {run.request['flow']} has no evidence to check them against"
        yield Unchecked("metrics and weights", why, Why.NO_EVIDENCE)


def _verdict(findings: Iterable[Finding], examination: Examination | None = None) -> Verdict:
    """The verdict of *findings*: violations by file, each once; what only ``--deep`` looks at is listed separately."""
    found = tuple(dict.fromkeys(findings))
    violations = sorted((each for each in found if isinstance(each, Violation)), key=lambda violation: violation.file)
    unchecked = [each for each in found if isinstance(each, Unchecked)]
    ran = {} if examination is None else examination.claims
    return Verdict(
        violations=tuple(violations),
        unchecked=tuple(each for each in unchecked if each.code is not Why.DEEP),
        ran=tuple(Ran(check.id, check.layer, count) for check, count in ran.items()),
        needs_deep=tuple(dict.fromkeys(each.check or each.what for each in unchecked if each.code is Why.DEEP)),
    )
