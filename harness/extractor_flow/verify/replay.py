"""Trains one job of a run again, in a directory of its own, and compares what came of it bit for bit.

Unlike the rest of verification this runs what the run names: its flow, and any environment or class in its config.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

from extractor_flow.clock import utc_now
from extractor_flow.contracts import json_path
from extractor_flow.errors import Interrupted, RequestError
from extractor_flow.evidence.findings import Unchecked, Violation, Why, brief
from extractor_flow.executors.local import DEFAULT_START_METHOD, LocalExecutor
from extractor_flow.layout import JOURNAL, RUN
from extractor_flow.readers.paths import ConfinedDirectory
from extractor_flow.registry import find_flow
from extractor_flow.run.hardware import missing_capabilities
from extractor_flow.run.provenance import git_state
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.run.session import Session
from extractor_flow.study.job_contract import REPEATABILITY
from extractor_flow.study.records import Completed, Failed, Skipped
from extractor_flow.verify.environment import environment_differences
from extractor_flow.verify.json_diff import differences
from extractor_flow.verify.subject.documents import load_documents
from extractor_flow.verify.subject.matrix import restudy
from extractor_flow.verify.subject.support import latest_records
from extractor_flow.verify.verdict import Reproduction, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from extractor_flow.executors.events import Stop
    from extractor_flow.run.session import Display
    from extractor_flow.study.flow import Flow, ReportSpec, Study
    from extractor_flow.study.jobs import Job
    from extractor_flow.study.records import JobRecord, Outcome
    from extractor_flow.verify.subject.documents import Entry

REPLAY = "replay"
"""The kind of what a replay finds, and in the place of a check's id, who found it."""
_REQUEST_SAYS = f"that the environment was another is the word of {RUN}"
_RANDOM = "random"


def draw(run_directory: Path, word: str) -> Drawing:
    """The jobs that *word* means: ``random:N`` draws N of those that succeeded, anything else names one.

    The lot is cast here, by the operating system's source of randomness: nobody can know it before the run is fixed.
    :class:`RequestError` when there is nothing to draw.
    """
    kind, colon, count = word.partition(":")
    if kind != _RANDOM or not colon:
        return Drawing((word,))
    _, latest = _read(run_directory)
    done = [entry.record.label for entry in latest.values() if isinstance(entry.record.outcome, Completed)]
    if not count.isdecimal() or int(count) < 1 or not done:
        found = "no job of this run succeeded" if not done else f"{count!r} is not a number of jobs"
        msg = f"--replay {word!r}: {found}; expected {_RANDOM}:N, or the name of a job"
        raise RequestError(msg)
    drawn = tuple(secrets.SystemRandom().sample(done, min(int(count), len(done))))
    return Drawing(drawn, f"drawn to be trained again, of {len(done)} jobs that succeeded: {', '.join(drawn)}")


@dataclass(frozen=True)
class Drawing:
    """The *jobs* to train again, and, where they were drawn by lot, a *note* that says so."""

    jobs: tuple[str, ...]
    note: str | None = None


def replay(run_directory: Path, name: str, make_display: Callable[[ReportSpec], Display], stop: Stop) -> Verdict:
    """Train the job called *name* (or ``NAME seed N``) of the run again, and compare.

    Its metrics, its steps, and the artifacts and details that its flow calls reproducible must be equal bit for bit.
    What differs is a violation where it was trained in an environment like this one. Where ``run.json`` says that it
    was another, it is unchecked (``not-reproduced``), and the differences of the environments say why: whether they are
    to blame, nobody but the run has said. :class:`RequestError` when there is no such job, or nothing to compare with;
    :class:`extractor_flow.errors.Interrupted` when *stop* was requested.
    """
    original = _Original.find(run_directory, name)
    with TemporaryDirectory(prefix="extractor-flow-replay-", ignore_cleanup_errors=True) as place:
        again = _train(original, Path(place), make_display(original.flow.vocabulary), stop)
    if stop.signum is not None:
        raise Interrupted(stop.signum)
    return _judge(original, again, (*_environment(original.request), *_accelerators(original)))


@dataclass(frozen=True)
class _Original:
    """The job as it was trained: its run's request, its flow, the study, the job, and its record in the journal."""

    request: Mapping[str, Any]
    flow: Flow
    study: Study
    job: Job
    entry: Entry
    outcome: Completed

    @classmethod
    def find(cls, run_directory: Path, name: str) -> Self:
        request, latest = _read(run_directory)
        entry = _entry(latest, name)
        if not isinstance(entry.record.outcome, Completed):
            msg = f"--replay {name!r}: the job is {entry.record.status}: {entry.record.outcome.reason}"
            raise RequestError(msg)
        flow = find_flow(request["flow"])
        study, wrong = restudy(request, flow)
        jobs = () if study is None else study.jobs
        job = next((job for job in jobs if job.key == entry.record.job_key), None)
        if study is None or job is None or wrong:
            msg = f"{run_directory / RUN}: does not give the job {name!r} that the journal has; see what verify finds"
            raise RequestError(msg)
        return cls(request, flow, study, job, entry, entry.record.outcome)


def _read(run_directory: Path) -> tuple[Mapping[str, Any], Mapping[str, Entry]]:
    documents = load_documents(ConfinedDirectory(run_directory))
    request = documents.get(RUN)
    if request is None:
        msg = f"{run_directory / RUN}: cannot be used, so no job of it can be trained again; see what verify finds"
        raise RequestError(msg)
    return request, latest_records(documents.journal, request)


def _entry(latest: Mapping[str, Entry], name: str) -> Entry:
    """The one entry that *name* refers to."""
    named = [entry for entry in latest.values() if name in {entry.record.label, entry.record.name}]
    if len(named) == 1:
        return named[0]
    labels = ", ".join(repr(entry.record.label) for entry in named or latest.values())
    problem = "means several jobs" if named else "is no job of this run"
    msg = f"--replay {name!r} {problem}; expected one of {labels}"
    raise RequestError(msg)


def _train(original: _Original, place: Path, display: Display, stop: Stop) -> JobRecord:
    """The record of the job trained again in *place*."""
    run = RunDirectory.create(place, "replay", utc_now())
    run.write_request(original.request)
    executor = LocalExecutor(
        slots=1,
        preload=original.flow.preload,
        start_method=original.study.start_method or DEFAULT_START_METHOD,
    )
    session = Session(run, original.flow, [original.job], display, stop)
    session.train(executor, dry_run=False, lacking=missing_capabilities())
    return run.journal()[-1]


def _judge(original: _Original, again: JobRecord, environment: tuple[str, ...]) -> Verdict:
    label = original.entry.record.label
    match again.outcome:
        case Skipped(reason=reason):
            return Verdict(unchecked=(_not_reproduced(label, f"it cannot be trained here: {reason}"),))
        case Failed(reason=reason):
            found = [_violation(original, "$.status", "success", f"failed: {reason}")]
        case Completed():
            found = list(_differences(original, again.outcome))
    if not found:
        return Verdict(reproduced=(Reproduction(label, _equal(original), environment),))
    if not environment and not _is_unrepeatable(again):
        return Verdict(tuple(found))
    what = "; ".join(f"{each.path}: {each.claim} became {each.found}" for each in found)
    if _is_unrepeatable(again):
        why = f"the result differs: {what}; the job found here, too, that what it measures does not repeat"
        return Verdict(unchecked=(Unchecked(f"replay of {label}", why, Why.NO_REPEAT, REPLAY),))
    why = f"the result differs: {what}; so does the environment ({'; '.join(environment)}), and {_REQUEST_SAYS}"
    return Verdict(unchecked=(_not_reproduced(label, why),))


def _is_unrepeatable(again: JobRecord) -> bool:
    """Whether the job, as it was trained here, says that it cannot be repeated; the run's own word does not count."""
    claim = again.outcome.details.get(REPEATABILITY) if isinstance(again.outcome, Completed) else None
    return isinstance(claim, dict) and claim.get("repeats") is False


def _not_reproduced(label: str, why: str) -> Unchecked:
    return Unchecked(f"replay of {label}", why, Why.NOT_REPRODUCED, REPLAY)


def _differences(original: _Original, again: Completed) -> Iterator[Violation]:
    before = _comparable(original.flow, original.outcome)
    after = _comparable(original.flow, again)
    for steps, wanted, found in differences(before, after):
        yield _violation(original, json_path(steps), brief(wanted), brief(found))


def _comparable(flow: Flow, outcome: Outcome) -> dict[str, Any]:
    """What has to be equal: numbers as JSON has them, and the digests of artifacts."""
    if not isinstance(outcome, Completed):
        return {}
    names = flow.contract.reproducible(outcome.artifacts)
    digests = {name: {"sha256": outcome.artifacts[name].sha256} for name in names}
    declared = flow.contract.details
    details = {name: each for name, each in outcome.details.items() if name in declared and declared[name].reproducible}
    numbers = {"metrics": dict(outcome.metrics), "training_steps": outcome.training_steps}
    return {**numbers, "artifacts": digests, "details": details}


def _equal(original: _Original) -> tuple[str, ...]:
    """What was found equal, as words."""
    same = _comparable(original.flow, original.outcome)
    artifacts = original.outcome.artifacts
    files = [f"{artifacts[name].path} (SHA-256 {artifacts[name].sha256})" for name in same["artifacts"]]
    return (*files, f"{len(same['metrics'])} metrics", f"{same['training_steps']} training steps", *same["details"])


def _violation(original: _Original, path: str, claim: str, found: str) -> Violation:
    return Violation(JOURNAL, f"line {original.entry.line}: {path}", claim, found, REPLAY, REPLAY)


def _environment(request: Mapping[str, Any]) -> Iterator[str]:
    """What of this environment is not as the run's was, or is not known to be, and may change a result."""
    for name, (was, now) in environment_differences(request).items():
        yield f"{name}: {was} there by the run's own word, {now} measured here"
    states = {"there by the run's own word": request.get("git"), "here": git_state(Path.cwd())}
    for where, state in states.items():
        if state is not None and state["dirty"]:
            yield f"uncommitted changes {where}"


def _accelerators(original: _Original) -> Iterator[str]:
    """The device that the job was on by its own record, which a wish for any (``auto``) leaves open, or required."""
    outcome = original.outcome
    device = outcome.details.get("device") if isinstance(outcome, Completed) else None
    for name in sorted({"cuda", "mps"} & {*original.job.requires, str(device).partition(":")[0]}):
        yield f"{name} adds up in no fixed order"
