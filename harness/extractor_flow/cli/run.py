"""``extractor-flow run``: train a study for real, or what is missing of one."""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext, redirect_stdout
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from extractor_flow.errors import RequestError

if TYPE_CHECKING:
    from extractor_flow.cli.run_result import Told
    from extractor_flow.executors.events import Executor
    from extractor_flow.run.runner import RunRequest
    from extractor_flow.study.flow import Flow, Study

_GPU = {"cuda", "gpu"}
_DESCRIPTION = """\
Trains every job of CONFIG for real and publishes a summary of what was measured. Ctrl-C stops the jobs, publishes what
is finished and exits with 130; --resume RUN_DIR trains what is missing."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    command = commands.add_parser("run", help="train a study for real", description=_DESCRIPTION)
    add_arguments(command)
    command.set_defaults(handler=handle)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of a run, which scripts may share."""
    command.add_argument("config", metavar="CONFIG", nargs="?", type=Path, help="a YAML file, see configs/scenarios/")
    command.add_argument("--run-id", metavar="ID", help="name of the run (default: the config's)")
    command.add_argument("--output-root", metavar="DIR", help="where run directories go (default: the config's)")
    command.add_argument("--only", metavar="NAME", action="append", default=[], help="train just NAME; * and ? match")
    command.add_argument(
        "--seed", metavar="N", action="append", type=int, default=[], help="seed in place of the config's"
    )
    command.add_argument(
        "--executor", choices=("local", "serial"), default="local", help="one process a job, or this one"
    )
    command.add_argument("--jobs", metavar="N", type=_positive, help="jobs at a time (default: as many as cores)")
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
    from extractor_flow.cli.run_result import telling, write
    from extractor_flow.files import dumps

    with telling(options.result) as told:
        # With --json, the document is all there is on standard output.
        with redirect_stdout(sys.stderr) if options.json else nullcontext():
            exit_code = _run(options, told)
        write(options.result, told.to_json(exit_code))
    if options.json:
        sys.stdout.write(dumps(told.to_json(exit_code)))
    return exit_code


def _run(options: argparse.Namespace, told: Told) -> int:
    from rich.console import Console

    from extractor_flow.cli.terminal.closing import closing_report
    from extractor_flow.cli.terminal.display import SilentDisplay, display_for
    from extractor_flow.cli.terminal.quiet import QuietStream
    from extractor_flow.executors.events import Stop
    from extractor_flow.run.runner import run_flow

    if options.attest is not None:
        from extractor_flow.verify.attest import require_place

        require_place(options.attest)
    console = Console(file=cast("IO[str]", QuietStream(sys.stdout)))
    stop = Stop()
    with stop.listening():
        report = run_flow(
            _request(options),
            partial(_executor, options),
            lambda words: told.listening(SilentDisplay() if options.quiet else display_for(console, words)),
            stop,
        )
        if not options.quiet:
            closing_report(console, report)
    codes = [report.exit_code]
    if options.attest is not None:
        codes.append(_attest(report.run.path, options.attest))
    if options.verify and report.exit_code in (0, 1):
        codes.append(_verify(report.run.path))
    return next((code for code in codes if code), 0)


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
    from extractor_flow.run.runner import RunRequest

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
    )


def _executor(options: argparse.Namespace, flow: Flow, study: Study) -> Executor:
    if options.executor == "serial":
        from extractor_flow.executors.serial import SerialExecutor

        return SerialExecutor()
    from extractor_flow.executors.local import DEFAULT_START_METHOD, LocalExecutor
    from extractor_flow.run.hardware import NvidiaDriver, available_cores, nvidia_driver

    driver = nvidia_driver()
    gpus = tuple(map(str, range(driver.gpu_count))) if isinstance(driver, NvidiaDriver) else ()
    executor = LocalExecutor(
        slots=options.jobs or available_cores(),
        preload=flow.preload,
        start_method=options.start_method or study.start_method or DEFAULT_START_METHOD,
        gpus=gpus if len(gpus) > 1 else (),
    )
    # A server that no job will use would outlive the run, busy with its imports.
    may_have_gpu = isinstance(driver, NvidiaDriver) or sys.platform == "darwin"
    if not options.dry_run and (may_have_gpu or not all(_GPU & set(job.requires) for job in study.jobs)):
        executor.warm_up()
    return executor


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        msg = f"{text!r} is not a whole number of at least 1"
        raise argparse.ArgumentTypeError(msg)
    return number
