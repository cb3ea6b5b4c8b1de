"""``extractor-flow archive``: a slim copy of a run, fit for git."""

from __future__ import annotations

import argparse
from pathlib import Path

_DESCRIPTION = """\
Copies a published run to DEST without its large files: what people read, the figures and the small evidence are kept,
and archive.json lists the digest and size of every file left out. `extractor-flow verify --archived DEST` checks such a
copy, and lists what it could not check."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    command = commands.add_parser("archive", help="make a slim copy of a run, fit for git", description=_DESCRIPTION)
    command.add_argument("run_directory", metavar="RUN_DIR", type=Path)
    command.add_argument("destination", metavar="DEST", type=Path, help="a directory that does not exist yet")
    command.add_argument(
        "--largest", metavar="BYTES", type=_size, help="keep the files of jobs up to this size (default: 65536)"
    )
    command.add_argument(
        "--redact",
        action="store_true",
        help="replace home directories, names of users and hosts and what looks like a secret; such a copy cannot be "
        "verified in full",
    )
    command.set_defaults(handler=handle)


def handle(options: argparse.Namespace) -> int:
    """Copy, and report what was kept."""
    from rich.console import Console

    from extractor_flow.run.archive import LARGEST, archive

    largest = LARGEST if options.largest is None else options.largest
    copy = archive(options.run_directory, options.destination, largest=largest, redact=options.redact)
    console = Console()
    for what, sizes in (("kept", copy.kept), ("left out", copy.left_out)):
        total = sum(sizes.values()) / 1e6
        console.print(f"{what}: {len(sizes)} files, {total:.1f} MB", markup=False, highlight=False)
    for what, paths in copy.tells.items():
        others = f" (and {len(paths) - 1} more)" if len(paths) > 1 else ""
        warning = f"before you publish it: {paths[0]}{others} reveals {what}"
        console.print(warning, markup=False, highlight=False, soft_wrap=True)
    if copy.tells and not options.redact:
        console.print("take out names and secrets with: --redact", markup=False, highlight=False)
    if copy.redacted:
        console.print(f"redacted: {', '.join(copy.redacted)}", markup=False, highlight=False, soft_wrap=True)
    command = f"extractor-flow verify --archived {options.destination}"
    console.print(f"check it with: {command}", markup=False, highlight=False, soft_wrap=True)
    return 0


def _size(text: str) -> int:
    if not text.isdecimal():
        msg = f"{text!r} is not a number of bytes"
        raise argparse.ArgumentTypeError(msg)
    return int(text)
