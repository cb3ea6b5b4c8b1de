"""``extractor-flow compare``: several runs of one config, or of configs that differ in named keys."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from extractor_flow.compare.pairs import RunPair
    from extractor_flow.study.statistics import Paired
    from extractor_flow.study.statistics.seeds import Spread

_DESCRIPTION = """\
Compares each further RUN with the first: which jobs are equal bit for bit, which compared names differ in distribution
(seed by seed, by the headline metric), and how long the jobs took. Runs of other configs are refused, unless what
differs is named by --ablate. What the runs say is believed: verify them first."""
_MOST_JOBS = 10


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    command = commands.add_parser(
        "compare", help="compare runs of one config, or an ablation", description=_DESCRIPTION
    )
    command.add_argument("first", metavar="RUN", type=Path, help="what the others are compared with")
    command.add_argument("others", metavar="RUN", type=Path, nargs="+")
    command.add_argument(
        "--ablate",
        metavar="KEY",
        action="append",
        default=[],
        help="the configs differ in KEY on purpose, such as algorithm.learning_rate (may be repeated)",
    )
    command.add_argument("--json", action="store_true", help="for programs: the contract run_comparison")
    command.set_defaults(handler=handle)


def handle(options: argparse.Namespace) -> int:
    """Compare and print what differs; the exit code is 0 however much differs."""
    from extractor_flow.compare.pairs import compare_runs
    from extractor_flow.compare.reading import read_run
    from extractor_flow.compare.settings import require_used
    from extractor_flow.files import dumps
    from extractor_flow.study.records import SCHEMA_VERSION

    first = read_run(options.first)
    pairs = [compare_runs(first, read_run(other), options.ablate) for other in options.others]
    require_used(options.ablate, [pair.settings for pair in pairs])
    if options.json:
        comparisons = [pair.to_json() for pair in pairs]
        output = dumps({"schema_version": SCHEMA_VERSION, "flow": first.flow.name, "comparisons": comparisons})
    else:
        output = "\n\n".join("\n".join(_lines(pair)) for pair in pairs) + "\n"
    sys.stdout.write(output)
    return 0


def _lines(pair: RunPair) -> Iterator[str]:
    from extractor_flow.compare.pairs import Match
    from extractor_flow.evidence.findings import brief
    from extractor_flow.readers.errors import one_line

    yield f"{pair.other.place} against {pair.one.place}"
    for key, (ours, theirs) in pair.settings.items():
        yield f"  config: {one_line(key)} is {one_line(brief(theirs))}, not {one_line(brief(ours))}"
    for name, (before, after) in pair.environment.items():
        yield f"  environment: {one_line(name)} is {one_line(after or 'unknown')}, not {one_line(before or 'unknown')}"
    counts = ", ".join(f"{pair.count(match)} {match.value}" for match in Match if pair.count(match))
    yield f"  jobs: {counts or 'none'}"
    unequal = [job for job in pair.jobs if job.match is not Match.EQUAL]
    for job in unequal[:_MOST_JOBS]:
        what = f": {', '.join(map(one_line, job.differing))}" if job.differing else ""
        yield f"    {one_line(job.label)}: {job.match.value}{what}"
    if len(unequal) > _MOST_JOBS:
        yield f"    and {len(unequal) - _MOST_JOBS} more"
    for name, paired in pair.differences.items():
        yield f"  {one_line(name)}, {pair.metric}: {_difference(paired)}"
    if speeds := pair.speeds:
        spread = f"{speeds[0]:.2f} to {speeds[-1]:.2f}, {len(speeds)} jobs"
        from statistics import median

        yield f"  time: {median(speeds):.2f} times as long (median; {spread})"


def _difference(paired: Paired) -> str:
    seeds = f"{paired.n} seed{'' if paired.n == 1 else 's'}"
    if not any(paired.differences.values()):
        return f"equal on all {seeds}"
    ends = paired.spread
    spread = "" if ends is None else f", {_kind(ends)} {ends.low:+.4g} to {ends.high:+.4g}"
    finding = "can be told apart" if paired.distinct else "cannot be told apart"
    if (chance := paired.replication_probability) is not None:
        finding += f", about {chance:.0%} of repeats would find it again"
    found = f"median difference {paired.median:+.4g} over {seeds}{spread}"
    return f"{found}: {finding if paired.tested else 'too few seeds to tell'}"


def _kind(ends: Spread) -> str:
    """What the two ends are, with the coverage of an interval."""
    return ends.interval if ends.coverage is None else f"{ends.coverage:.0%} interval"
