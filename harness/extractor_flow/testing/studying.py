"""Conformance of what a flow says before anything is trained: its members, its study, its jobs, its complaints."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from dataclasses import fields
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from extractor_flow import layout
from extractor_flow.config import ConfigDocument
from extractor_flow.contracts import load_schema, violations
from extractor_flow.errors import ConfigError, HarnessError
from extractor_flow.files import dumps, parse_json
from extractor_flow.layout import JOB
from extractor_flow.study.flow import ReportSpec, Study
from extractor_flow.study.job_contract import JobContract, Metric
from extractor_flow.study.jobs import Job
from extractor_flow.testing.findings import CRASHES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.study.flow import Flow
    from extractor_flow.testing.findings import Findings

_ARGUMENTS = {
    "study": ("document", "overrides"),
    "missing_requirement": ("job", "hardware", "missing"),
    "run": ("job", "workspace"),
    "compare": ("records", "settings"),
}
_TAKEN = {
    *(layout.RUN, layout.JOURNAL, layout.SUMMARY, layout.MARKDOWN, layout.MANIFEST, layout.SKIPS),
    *(layout.HISTORICAL, layout.TABLE, layout.PAGE, layout.FIGURES, layout.LATEST),
}
_UNKNOWN = "surplus_key_of_the_conformance_check"
_LINE = 987_654
_PLACE = {"$ref": "common.schema.json#/$defs/job_directory"}
_WORKER_MODES = ("single-thread", "vectorized")


def check_members(flow: Flow, found: Findings) -> None:
    """The members of the protocol are there, with the right types and arguments."""
    name = getattr(flow, "name", None)
    found.require(isinstance(name, str) and name.strip(), "members", f"name is {name!r}; expected a text")
    preload = getattr(flow, "preload", None)
    fits = isinstance(preload, tuple) and all(isinstance(module, str) for module in preload)
    found.require(fits, "members", f"preload is {preload!r}; expected a tuple of module names")
    vocabulary = getattr(flow, "vocabulary", None)
    if isinstance(vocabulary, ReportSpec):
        _check_vocabulary(vocabulary, found)
    else:
        found.add("members", f"vocabulary is {vocabulary!r}; expected a ReportSpec")
    contract = getattr(flow, "contract", None)
    fits = isinstance(contract, JobContract)
    found.require(fits, "members", f"contract is {contract!r}; expected a JobContract")
    for member, arguments in _ARGUMENTS.items():
        _check_method(flow, member, arguments, found)


def _check_vocabulary(vocabulary: ReportSpec, found: Findings) -> None:
    for name in ("title", "subject", "results_key", "results_heading", "headline"):
        text = getattr(vocabulary, name)
        found.require(isinstance(text, str) and text.strip(), "members", f"vocabulary.{name} is {text!r}")
    own = load_schema("training_summary")["properties"].keys() - {"extractor_results"}
    message = f"vocabulary.results_key is {vocabulary.results_key!r}, which the summary has for something else"
    found.require(vocabulary.results_key not in own, "members", message)
    wrong = [key for key, metric in vocabulary.metrics.items() if not isinstance(metric, Metric)]
    found.require(
        not wrong, "members", f"vocabulary.metrics: no extractor_flow.study.job_contract.Metric: {', '.join(wrong)}"
    )


def _check_method(flow: Flow, member: str, arguments: tuple[str, ...], found: Findings) -> None:
    method = getattr(flow, member, None)
    if not found.require(callable(method), "members", f"{member} is {method!r}; expected a method"):
        return
    signature = inspect.signature(method)  # type: ignore[arg-type]
    try:
        signature.bind(*arguments)
    except TypeError as error:
        found.add("members", f"{member}{signature} cannot be called with ({', '.join(arguments)}): {error}")


def check_study(flow: Flow, document: ConfigDocument, found: Findings) -> Study | None:
    """The study of *document*, which is the same each time, also from its own settings and under overrides."""
    data = copy.deepcopy(document.data)
    study = found.attempt("study", "study()", lambda: flow.study(document, {}))
    if not isinstance(study, Study):
        found.require(study is None, "study", f"study() returned {study!r}; expected a Study")
        return None
    found.require(document.data == data, "study", "study() changed the document it was given")
    _check_same(study, "a second time", found, lambda: flow.study(document, {}))
    settings = found.attempt("study", "writing the settings as JSON", lambda: _through_json(study.settings))
    if settings is None:
        return None
    found.require(settings == study.settings, "study", "the settings are not the same after they were written as JSON")
    again = ConfigDocument(document.path, settings, {})
    _check_same(study, "from its own settings", found, lambda: flow.study(again, {}))
    _check_overrides(flow, document, found)
    return study


def _through_json(value: Mapping[str, Any]) -> dict[str, Any]:
    parsed: Any = parse_json(dumps(dict(value)), where="settings")
    return dict(parsed)


def _check_same(study: Study, how: str, found: Findings, call: Any) -> None:  # noqa: ANN401 - returns what a flow does
    other = found.attempt("study", f"study() {how}", call)
    if other is None:
        return
    differing = [each.name for each in fields(Study) if getattr(study, each.name) != getattr(other, each.name, None)]
    found.require(not differing, "study", f"study() {how} gives other {', '.join(differing)}")


def _check_overrides(flow: Flow, document: ConfigDocument, found: Findings) -> None:
    wanted = {"run_id": "another-run", "output_root": "another/root"}
    study = found.attempt("study", f"study() with {wanted}", lambda: flow.study(document, wanted))
    if study is not None:
        given = {"run_id": study.run_id, "output_root": study.output_root}
        found.require(given == wanted, "study", f"study() with the overrides {wanted} gives {given}")
    try:
        seeds = {job.seed for job in flow.study(document, {"seeds": [5]}).jobs}
    except HarnessError:
        return  # a flow may say that it takes no seeds
    except CRASHES as error:
        found.add("study", f"study() with the seeds [5] raised {type(error).__name__}: {error}")
        return
    found.require(seeds <= {5, None}, "study", f"study() with the seeds [5] gives jobs with the seeds {seeds}")


def check_jobs(flow: Flow, study: Study, found: Findings) -> None:
    """The jobs are this flow's, tell themselves apart, and have a place each that nothing else is in."""
    jobs = [job for job in study.jobs if isinstance(job, Job)]
    found.require(len(jobs) == len(study.jobs), "jobs", "not every job is a extractor_flow.study.jobs.Job")
    enough = "a study of one job says nothing about the order of jobs: check a config with two or more"
    found.require(len(jobs) > 1, "jobs", enough)
    for job in jobs:
        for complaint in _complaints(flow, job):
            found.add("jobs", f"{job.label}: {complaint}")
    for what, values in (
        ("key", [job.key for job in jobs]),
        ("directory", [job.directory.casefold() for job in jobs]),
    ):
        twice = sorted({job.label for job, value in zip(jobs, values, strict=True) if values.count(value) > 1})
        found.require(not twice, "jobs", f"share their {what}: {', '.join(twice)}")
    for outer, inner in _nested(jobs):
        found.add("jobs", f"the directory of {inner.label} lies inside that of {outer.label}")


def _complaints(flow: Flow, job: Job) -> Iterator[str]:
    if job.flow != flow.name:
        yield f"its flow is {job.flow!r}; expected {flow.name!r}"
    if violations(job.directory, _PLACE):
        yield f"its directory {job.directory!r} is not a plain relative path"
    if PurePosixPath(job.directory).parts[0] in _TAKEN:
        yield f"its directory {job.directory!r} is where the run keeps something else"
    if job.worker_mode not in _WORKER_MODES:
        yield f"its worker_mode is {job.worker_mode!r}; expected one of {', '.join(_WORKER_MODES)}"
    if not (job.seed is None or (isinstance(job.seed, int) and job.seed >= 0)):
        yield f"its seed is {job.seed!r}; expected none or a whole number"
    if not _survives(job):
        yield "it is not the same after its job.json was written and read: its parameters must be plain JSON"


def _survives(job: Job) -> bool:
    try:
        written: Any = parse_json(dumps(job.to_json()), where=JOB)
        return Job.from_json(written) == job
    except (HarnessError, TypeError, ValueError):
        return False


def _nested(jobs: list[Job]) -> Iterator[tuple[Job, Job]]:
    for outer in jobs:
        inside = f"{outer.directory.casefold()}/"
        yield from ((outer, inner) for inner in jobs if inner.directory.casefold().startswith(inside))


def check_complaints(flow: Flow, document: ConfigDocument, found: Findings) -> None:
    """An unknown key is a ConfigError that names file, line and key; an empty config crashes nothing."""
    _check_unknown(flow, document, (_UNKNOWN,), found)
    if isinstance(document.data.get("run"), Mapping):
        _check_unknown(flow, document, ("run", _UNKNOWN), found)
    try:
        flow.study(ConfigDocument(document.path, {}, {}), {})
    except HarnessError:
        return
    except CRASHES as error:
        found.add("config", f"an empty config raises {type(error).__name__}: {error}; expected a ConfigError")


def _check_unknown(flow: Flow, document: ConfigDocument, path: tuple[str, ...], found: Findings) -> None:
    data: Any = copy.deepcopy(document.data)
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = 1
    place = f"{document.path}:{_LINE}"
    what = f"the unknown key {'.'.join(path)}"
    try:
        flow.study(ConfigDocument(document.path, data, {**document.positions, path: _LINE}), {})
    except ConfigError as error:
        named = place in str(error) and _UNKNOWN in str(error)
        found.require(named, "config", f"{what} is refused without naming {place} and the key: {error}")
    except CRASHES as error:
        found.add("config", f"{what} raises {type(error).__name__}: {error}; expected a ConfigError")
    else:
        found.add("config", f"{what} is accepted; expected a ConfigError that names {place}")
