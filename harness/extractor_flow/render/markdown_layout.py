"""What stands where in ``summary.md``: the Markdown contract as data, computed from the summary's JSON.

A page is headings and tables of plain texts, not yet escaped; ``None`` is a value that does not exist. The renderer
writes it down, and a verifier may compare it with what a parser finds in a published file.
``contracts/markdown_contract.md`` says the same in words.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from extractor_flow.layout import SUMMARY
from extractor_flow.render.formats import metric_of, number, quantity, seconds
from extractor_flow.study.records import STATUSES, Completed
from extractor_flow.study.statistics import RANGE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from extractor_flow.study.flow import ReportSpec

NO_ROWS = "None."
NOT_RECORDED = "not recorded"
SUCCESS = STATUSES[Completed]

RUN_ID, CREATED_AT, OUTPUT_DIRECTORY = "Run ID", "Created At", "Output Directory"
INTERRUPTED, NOTE = "Interrupted", "Note"
INTERRUPTED_TEXT = "yes; what had not finished is recorded as failed"

VERDICT_HEADING = "Verdict"
HARDWARE_HEADING = "Hardware Overview"
FAILURES_HEADING = "Failures & Skips"
AGGREGATES_HEADING = "Aggregated Metrics"
STATISTICS_HEADING = "Statistics"
REPRODUCIBILITY_HEADING = "Reproducibility"

VERDICT_COLUMNS = ("Part", "Text")
CONCLUSION, DETAIL, LIMIT, WINNER = "Conclusion", "Detail", "Limit", "Winner"
HARDWARE_COLUMNS = ("Platform", "Arch", "GPU Model", "CUDA Version", "Python", "Workers")
RESULT_COLUMNS = ("Status", "Worker Mode", "Duration (s)", "Best Metric", "Notes")
FAILURE_COLUMNS = ("Status", "Code", "Reason")
AGGREGATE_COLUMNS = ("Metric", "Value", "Meaning")
STATISTICS_COLUMNS = ("Metric", "n", "Values", "Centre", "Interval", "P(Improvement)")
ARTIFACT_COLUMNS = ("Artifact", "Path")
SEED_COLUMN = "Seed"
PROBABILITY_DECIMALS = 2

Row = tuple[str | None, ...]


@dataclass(frozen=True)
class Section:
    """One second-level heading: labelled lines, then a table, for which :data:`NO_ROWS` stands if it has no rows."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Page:
    """The whole document: the title, labelled lines, and the sections in their order."""

    title: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]


def page_of(data: Mapping[str, Any], vocabulary: ReportSpec) -> Page:
    """The page for a summary's JSON *data*, which satisfies its contract; equal data give equal pages."""
    results = data[vocabulary.results_key]
    who = _Who(vocabulary.subject, several_seeds=several_seeds(results))
    sections = [
        _verdict(data.get("verdict")),
        _hardware(data["hardware_overview"]),
        _results(results, vocabulary, who),
        _failures(results, who),
        _aggregates(data["aggregate_metrics"], vocabulary),
        _statistics(data.get("statistics", ()), vocabulary, who),
        _reproducibility(results, who, data.get("provenance", {})),
    ]
    return Page(vocabulary.title, _facts(data), tuple(section for section in sections if section is not None))


def several_seeds(results: Sequence[Mapping[str, Any]]) -> bool:
    """Whether *results* differ in their seed, so that a name alone does not tell them apart."""
    return len({result.get("seed") for result in results}) > 1


@dataclass(frozen=True)
class _Who:
    """The leading columns of a table with a row a job."""

    subject: str
    several_seeds: bool

    def columns(self, *others: str) -> tuple[str, ...]:
        return (self.subject, *((SEED_COLUMN,) if self.several_seeds else ()), *others)

    def row(self, result: Mapping[str, Any], *others: str | None) -> Row:
        seed = (_text(result.get("seed")),) if self.several_seeds else ()
        return (result["config_name"], *seed, *others)


def _facts(data: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return (
        (RUN_ID, data["run_id"]),
        (CREATED_AT, data["created_at"]),
        (OUTPUT_DIRECTORY, f"{data['output_root']}/{data['run_directory']}"),
        *(((INTERRUPTED, INTERRUPTED_TEXT),) if data["interrupted"] else ()),
        *((NOTE, note) for note in data.get("notes", ())),
    )


def _hardware(profiles: Sequence[Mapping[str, Any]]) -> Section:
    keys = ("platform", "arch", "gpu_model", "cuda_version", "python_version", "workers")
    rows = tuple(tuple(_text(profile.get(key)) for key in keys) for profile in profiles)
    return Section(HARDWARE_HEADING, HARDWARE_COLUMNS, rows)


def _results(results: Sequence[Mapping[str, Any]], vocabulary: ReportSpec, who: _Who) -> Section:
    rows = tuple(
        who.row(
            result,
            result["status"],
            result["worker_mode"],
            seconds(result["duration_seconds"]) if "duration_seconds" in result else None,
            best_metric(result, vocabulary),
            result_note(result),
        )
        for result in results
    )
    return Section(vocabulary.results_heading, who.columns(*RESULT_COLUMNS), rows)


def best_metric(result: Mapping[str, Any], vocabulary: ReportSpec) -> str | None:
    """The headline metric of one result with its title and unit; ``None`` where it was not measured."""
    value = result.get("metrics", {}).get(vocabulary.headline)
    if value is None:
        return None
    metric = metric_of(vocabulary.headline, vocabulary)
    return f"{metric.title}: {quantity(value, metric)}"


def result_note(result: Mapping[str, Any]) -> str:
    """Why a job has no metrics, or how many steps it trained and, after the first, in which attempt."""
    if result["status"] != SUCCESS:
        return str(result["reason"])
    attempt = "" if result["attempt"] == 1 else f", attempt {result['attempt']}"
    return f"{result['training_steps']} steps{attempt}"


def _failures(results: Sequence[Mapping[str, Any]], who: _Who) -> Section:
    """Jobs that share a code stand together, in the order of the first of them."""
    without = [result for result in results if result["status"] != SUCCESS]
    codes = list(dict.fromkeys(result["code"] for result in without))
    without.sort(key=lambda result: codes.index(result["code"]))
    rows = tuple(who.row(result, result["status"], result["code"], result["reason"]) for result in without)
    return Section(FAILURES_HEADING, who.columns(*FAILURE_COLUMNS), rows)


def _aggregates(aggregates: Mapping[str, float], vocabulary: ReportSpec) -> Section:
    metrics = {key: metric_of(key, vocabulary) for key in sorted(aggregates)}
    rows = tuple((key, quantity(aggregates[key], metric), metric.title) for key, metric in metrics.items())
    return Section(AGGREGATES_HEADING, AGGREGATE_COLUMNS, rows)


def _statistics(entries: Sequence[Mapping[str, Any]], vocabulary: ReportSpec, who: _Who) -> Section | None:
    # Of a single value there is nothing to say that the results do not say.
    if not who.several_seeds and all(entry["n"] == 1 for entry in entries):
        return None
    rows = tuple(statistics_row(entry, vocabulary) for entry in entries)
    return Section(STATISTICS_HEADING, (who.subject, *STATISTICS_COLUMNS), rows)


def statistics_row(entry: Mapping[str, Any], vocabulary: ReportSpec) -> Row:
    """One compared name's values over its seeds: each of them, their number, centre, and interval with its coverage."""
    metric = metric_of(entry["metric"], vocabulary)
    interval = None
    if "low" in entry:
        kind = "range " if entry["interval"] == RANGE else ""
        stated = f" ({entry['coverage']:.0%})" if "coverage" in entry else ""
        interval = f"{kind}{number(entry['low'], metric.decimals)} to {quantity(entry['high'], metric)}{stated}"
    return (
        entry["config_name"],
        metric.title,
        str(entry["n"]),
        ", ".join(number(value, metric.decimals) for value in entry["values"]),
        f"{entry['centre_name']} {quantity(entry['centre'], metric)}",
        interval,
        improvement(entry),
    )


def improvement(entry: Mapping[str, Any]) -> str | None:
    """How often a name's seeds beat those of the one it is compared with, which is named; ``None`` if not compared."""
    if "probability_of_improvement" not in entry:
        return None
    return f"{number(entry['probability_of_improvement'], PROBABILITY_DECIMALS)} over {entry['baseline']}"


def _verdict(verdict: Mapping[str, Any] | None) -> Section | None:
    if verdict is None:
        return None
    winner = ((WINNER, verdict["winner"]),) if "winner" in verdict else ()
    rows = (
        (CONCLUSION, verdict["sentence"]),
        *((DETAIL, detail) for detail in verdict["details"]),
        *((LIMIT, limit) for limit in verdict["limits"]),
    )
    return Section(VERDICT_HEADING, VERDICT_COLUMNS, rows, facts=(("Code", verdict["code"]), *winner))


def provenance_facts(provenance: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Where the run came from: labels and values; nothing where that is not known at all."""
    if not provenance:
        return ()
    state, packages = provenance.get("git"), provenance.get("packages", {})
    dirty = ", with uncommitted changes" if state and state["dirty"] else ""
    return (
        ("Commit", f"{state['commit']}{dirty}" if state else NOT_RECORDED),
        ("Config", provenance.get("config_path", NOT_RECORDED)),
        ("Config Digest", provenance.get("config_sha256", NOT_RECORDED)),
        ("Command", shlex.join(provenance.get("command", ()))),
        ("Processor", provenance.get("processor", NOT_RECORDED)),
        ("Packages", ", ".join(f"{name} {version}" for name, version in sorted(packages.items()))),
    )


def _reproducibility(results: Sequence[Mapping[str, Any]], who: _Who, provenance: Mapping[str, Any]) -> Section:
    rows = tuple(
        who.row(result, name, path) for result in results for name, path in sorted(result.get("artifacts", {}).items())
    )
    return Section(
        REPRODUCIBILITY_HEADING,
        who.columns(*ARTIFACT_COLUMNS),
        rows,
        facts=(("Summary", SUMMARY), *provenance_facts(provenance)),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
