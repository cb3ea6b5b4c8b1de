"""``extractor-flow run``: train a study for real, or the missing part of one."""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from extractor_flow.arguments import at_least, place
from extractor_flow.errors import RequestError
from extractor_flow.executors.asking import OPTION
from extractor_flow.registry import DEFAULT_EXECUTOR

if TYPE_CHECKING:
    from extractor_flow.cli.run_result import RunResult
    from extractor_flow.request import RunRequest
    from extractor_flow.run.runner import RunReport, SubmitReport
    from extractor_flow.run.session import Display
    from extractor_flow.study.flow import ReportSpec

_DESCRIPTION = """\
Trains every job of CONFIG for real and publishes a summary of what was measured. Ctrl-C stops the jobs, publishes what
is finished and exits with 130; --resume RUN_DIR trains what is missing."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    command = commands.add_parser("run", help="train a study for real", description=_DESCRIPTION)
    add_arguments(command)
    command.set_defaults(handler=handle)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of a run; scripts share them."""
    command.add_argument("config", metavar="CONFIG", nargs="?", type=Path, help="a YAML file, see configs/scenarios/")
    command.add_argument("--run-id", metavar="ID", help="name of the run (default: the config's)")
    command.add_argument(
        "--output-root", metavar="DIR", type=place, help="where run directories go (default: the config's)"
    )
    command.add_argument("--only", metavar="NAME", action="append", default=[], help="train just NAME; * and ? match")
    command.add_argument(
        "--seed", metavar="N", action="append", type=at_least(0), default=[], help="seed in place of the config's"
    )
    command.add_argument(
        "--executor",
        metavar="NAME",
        default=DEFAULT_EXECUTOR,
        help="where jobs run: local (a process each), serial (this process), slurm (a cluster), or what is installed",
    )
    command.add_argument(
        OPTION,
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="a setting in place of the config's, such as partition=gpu (may be repeated)",
    )
    command.add_argument(
        "--wait", action="store_true", help="stay until a queue has run the jobs, and show how they do"
    )
    jobs = "jobs at a time (default: as many as cores, or two a GPU where jobs need CUDA)"
    command.add_argument("--jobs", metavar="N", type=at_least(1), help=jobs)
    command.add_argument("--resume", metavar="RUN_DIR", type=Path, help="go on with this run; CONFIG may be left out")
    command.add_argument("--dry-run", action="store_true", help="record every job as skipped; train nothing")
    command.add_argument(
        "--require",
        metavar="CAPABILITY",
        action="append",
        default=[],
        help="refuse to start (exit 1) without it",
    )
    command.add_argument(
        "--attest", metavar="FILE", type=Path, help="verify the run in the end, and write an in-toto statement of it"
    )
    shown = command.add_mutually_exclusive_group()
    shown.add_argument("-q", "--quiet", action="store_true", help="show nothing but errors")
    shown.add_argument(
        "--json", action="store_true", help="write what came of the run to standard output, as JSON, and nothing else"
    )
    command.add_argument("--result", metavar="FILE", type=Path, help="write what came of the run to FILE, as JSON")
    command.add_argument("--verify", action="store_true", help="verify the run in the end, as `verify RUN_DIR` does")
    command.add_argument(
        "--start-method", choices=("forkserver", "spawn"), help="how job processes start (default: fits the platform)"
    )


def handle(options: argparse.Namespace) -> int:
    """Run, and report."""
    from extractor_flow.cli.run_result import recording, write
    from extractor_flow.files import dumps

    with recording(options.result) as result:
        # With --json, the document is all there is on standard output.
        with redirect_stdout(sys.stderr) if options.json else nullcontext():
            exit_code = _run(options, result)
        write(options.result, result.to_json(exit_code))
    if options.json:
        sys.stdout.write(dumps(result.to_json(exit_code)))
    return exit_code


def _run(options: argparse.Namespace, result: RunResult) -> int:
    from extractor_flow.render.summary_json import to_json
    from extractor_flow.run.runner import SubmitReport

    if options.attest is not None:
        from extractor_flow.verify.attest import require_place

        require_place(options.attest)
    report = _trained(options, result)
    if isinstance(report, SubmitReport):
        result.run = report.run
        return 0
    result.summary = to_json(report.summary, report.flow.vocabulary)
    codes = [report.exit_code]
    if options.attest is not None:
        codes.append(_attest(report.run.path, options.attest))
    if options.verify and report.exit_code in (0, 1):
        codes.append(_verify(report.run.path))
    return next((code for code in codes if code), 0)


def _trained(options: argparse.Namespace, result: RunResult) -> RunReport | SubmitReport:
    """Run the study or submit it to a queue, and report the outcome unless told to be quiet."""
    from rich.console import Console

    from extractor_flow.cli.terminal.closing import show
    from extractor_flow.cli.terminal.display import SilentDisplay, display_for
    from extractor_flow.cli.terminal.plain import QuietStream
    from extractor_flow.executors.events import Stop
    from extractor_flow.run.runner import RunReport, run_flow, submit_flow

    console = Console(file=cast("IO[str]", QuietStream(sys.stdout)))

    def display(words: ReportSpec) -> Display:
        return result.listening(SilentDisplay() if options.quiet else display_for(console, words))

    stop = Stop()
    with stop.listening():
        run = run_flow if options.wait else submit_flow
        report = run(_request(options), display, stop)
        if not options.quiet:
            show(console, report)
        elif isinstance(report, RunReport):
            _name_failures(report)
    return report


def _name_failures(report: RunReport) -> None:
    """Say on standard error which jobs failed and why, a line a reason."""
    from extractor_flow.files import printable
    from extractor_flow.study.summary import failures_of

    for group in failures_of(report.summary.records):
        if group.status == "failed":
            sys.stderr.write(f"failed: {printable(', '.join(group.jobs))}: {printable(group.reason)}\n")


def _verify(run_directory: Path) -> int:
    """The exit code of ``extractor-flow verify RUN_DIR``, which says what it finds."""
    from extractor_flow.cli import verify

    command = argparse.ArgumentParser()
    verify.add_arguments(command)
    return verify.handle(command.parse_args([str(run_directory)]))


def _attest(run_directory: Path, file: Path) -> int:
    """Write the statement of what verification finds; 1 if that is a violation."""
    from extractor_flow.verify import verify
    from extractor_flow.verify.attest import attest
    from extractor_flow.verify.formats import conclude

    verdict = verify(run_directory)
    attest(run_directory, verdict, file)
    sys.stdout.write(f"statement: {file}: {conclude(verdict)}\n")
    return 0 if verdict.ok else 1


def _request(options: argparse.Namespace) -> RunRequest:
    from extractor_flow.request import ExecutorChoice, RunRequest

    if options.config is None and options.resume is None:
        msg = "run: name a CONFIG, or a run directory with --resume"
        raise RequestError(msg)
    given = {"run_id": options.run_id, "output_root": options.output_root, "seeds": options.seed or None}
    return RunRequest(
        config=options.config,
        resume=options.resume,
        overrides={name: value for name, value in given.items() if value is not None},
        only=tuple(options.only),
        dry_run=options.dry_run,
        require=tuple(options.require),
        command=tuple(options.words),
        executor=ExecutorChoice(options.executor, options.jobs, options.start_method, tuple(options.executor_option)),
    )
