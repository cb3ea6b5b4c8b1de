"""``extractor-flow archive``: a slim copy of a run, fit for git."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from extractor_flow.arguments import at_least

if TYPE_CHECKING:
    import argparse

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
        "--largest", metavar="BYTES", type=at_least(0), help="keep the files of jobs up to this size (default: 65536)"
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
    from extractor_flow.cli.terminal.plain import say
    from extractor_flow.run.archive import LARGEST, archive

    largest = LARGEST if options.largest is None else options.largest
    copy = archive(options.run_directory, options.destination, largest=largest, redact=options.redact)
    for what, sizes in (("kept", copy.kept), ("left out", copy.left_out)):
        say(f"{what}: {len(sizes)} files, {sum(sizes.values()) / 1e6:.1f} MB")
    for what, paths in copy.tells.items():
        others = f" (and {len(paths) - 1} more)" if len(paths) > 1 else ""
        say(f"before you publish it: {paths[0]}{others} reveals {what}")
    if copy.tells and not options.redact:
        say("take out names and secrets with: --redact")
    if copy.redacted:
        say(f"redacted: {', '.join(copy.redacted)}")
    say(f"check it with: extractor-flow verify --archived {options.destination}")
    return 0
