"""``extractor-flow verify``: whether a run's published files say what the evidence on disk says."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from extractor_flow.binding.witness import Witness
    from extractor_flow.verify import Verdict

_DESCRIPTION = """\
Checks every claim of RUN_DIR's published files: contracts, the Markdown against the JSON, recomputed aggregates, and
the evidence on disk; `extractor-flow checks` lists what is looked at. Nothing there is executed or unpickled. Exit code
0: verified; 1: contradicted; 2: not a run, or a wrong request; 3: nothing is contradicted, but the run is unpublished,
some completed job's evidence could not be judged at all, or a job trained again gave something else."""

_MOST = 1000.0


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    command = commands.add_parser("verify", help="check every claim of a run", description=_DESCRIPTION)
    add_arguments(command)
    command.set_defaults(handler=handle, silent=True)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of a verification, which `run --verify` takes as they are when none is given."""
    command.add_argument("run_directory", metavar="RUN_DIR", type=Path)
    command.add_argument("--deep", action="store_true", help="also load the models with torch, and play them again")
    command.add_argument(
        "--trust",
        metavar="MODULE:NAME",
        type=_target,
        action="append",
        default=[],
        help="with --deep: run this class or environment that the run's config names (may be repeated)",
    )
    command.add_argument(
        "--archived", action="store_true", help="accept a slim copy, of which some files were left out"
    )
    command.add_argument(
        "--replay",
        metavar="NAME",
        help="also train the job NAME (or 'NAME seed N'), or 'random:N' jobs drawn by lot, again and compare bit for "
        "bit; this runs what the run names",
    )
    command.add_argument(
        "--witness",
        metavar="ROOT",
        help="hold the run to its root as it is known from elsewhere: 64 digits, a lane report, or a statement",
    )
    command.add_argument(
        "--attest", metavar="FILE", type=Path, help="write the verdict as an in-toto statement, for you to sign"
    )
    command.add_argument("--strict", action="store_true", help="exit with 1 where it would be 3")
    command.add_argument(
        "--budget",
        metavar="FACTOR",
        type=_factor,
        default=1.0,
        help="let it cost FACTOR times the CPU time, memory and reading that an honest run of this size needs at most",
    )
    command.add_argument("--format", choices=("text", "json", "junit", "github"), default="text", help="how to say it")


def _factor(text: str) -> float:
    with suppress(ValueError):
        if 0 < (factor := float(text)) <= _MOST:
            return factor
    msg = f"{text!r} is not a number above 0 and up to {_MOST:g}"
    raise argparse.ArgumentTypeError(msg)


def _target(text: str) -> str:
    if not all(text.partition(":")):
        msg = f"{text!r} is not MODULE:NAME, as the run's config names it"
        raise argparse.ArgumentTypeError(msg)
    return text


def handle(options: argparse.Namespace) -> int:
    """Verify, and say what was found."""
    from extractor_flow.verify import FORMATS
    from extractor_flow.verify.budget import VerificationRequest, verify_within_budget
    from extractor_flow.verify.formats import as_step_summary
    from extractor_flow.verify.verdict import EXIT_CODES

    witness = None if options.witness is None else _witness(options.witness)
    request = VerificationRequest(
        str(options.run_directory), options.deep, options.archived, witness, options.budget, tuple(options.trust)
    )
    verdict = verify_within_budget(request)
    if options.replay is not None:
        verdict += _replayed(options.run_directory, options.replay)
    if options.attest is not None:
        from extractor_flow.verify.attest import attest

        attest(options.run_directory, verdict, options.attest, deep=options.deep)
    sys.stdout.write(FORMATS[options.format](verdict, str(options.run_directory)).rstrip("\n") + "\n")
    if options.format == "github" and (page := os.environ.get("GITHUB_STEP_SUMMARY")):
        with Path(page).open("a", encoding="utf-8") as file:
            file.write(as_step_summary(verdict, str(options.run_directory)))
    code = EXIT_CODES[verdict.conclusion]
    return min(code, 1) if options.strict else code


def _witness(word: str) -> Witness:
    """The witness that *word* names; a lane's report must be whole, and signed if a key is at hand."""
    from extractor_flow.binding.witness import read_witness
    from extractor_flow.files import parse_json, read_text

    witness, path = read_witness(word), Path(word)
    if path.suffix == ".jsonl":
        first = parse_json(read_text(path).partition("\n")[0], where=word)
        if isinstance(first, dict) and "record" in first:
            from extractor_flow.gate import lane_key, read_report

            read_report(path, lane_key(None))
    return witness


def _replayed(run_directory: Path, word: str) -> Verdict:
    """The verdict of training jobs again; the display goes to standard error, to keep the output a document."""
    from functools import partial

    from rich.console import Console

    from extractor_flow.cli.failures import log_to_standard_error
    from extractor_flow.cli.terminal.display import display_for
    from extractor_flow.executors.events import Stop
    from extractor_flow.verify.replay import draw, replay
    from extractor_flow.verify.verdict import Verdict

    log_to_standard_error()
    drawing = draw(run_directory, word)
    verdict = Verdict(notes=() if drawing.note is None else (drawing.note,))
    stop = Stop()
    with stop.listening():
        for job in drawing.jobs:
            verdict += replay(run_directory, job, partial(display_for, Console(stderr=True)), stop)
    return verdict
