"""``extractor-flow completion``: a script that teaches a shell the commands and options."""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from extractor_flow.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterator

_DESCRIPTION = """\
Prints a completion script. bash: write it to ~/.local/share/bash-completion/completions/extractor-flow; zsh: to a file
_extractor-flow in a folder of $fpath; tcsh: source it."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    command = commands.add_parser("completion", help="a completion script for your shell", description=_DESCRIPTION)
    command.add_argument("shell", metavar="SHELL", choices=("bash", "zsh", "tcsh"), help="bash, zsh or tcsh")
    command.set_defaults(handler=handle)


def handle(options: argparse.Namespace) -> int:
    """Print the script."""
    if find_spec("shtab") is None:
        msg = "completion: shtab writes the scripts, and is not installed here; do: pip install shtab"
        raise RequestError(msg)
    import shtab

    top: argparse.ArgumentParser = options.whole
    for action in _actions(top):
        if action.type is Path:
            vars(action)["complete"] = shtab.DIRECTORY if str(action.metavar).endswith("DIR") else shtab.FILE
    sys.stdout.write(shtab.complete(top, options.shell))
    return 0


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The arguments of *parser* and of all its commands."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no public list, and shtab reads this one
        yield action
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for command in action.choices.values():
                yield from _actions(command)
