"""The ``extractor-flow`` command: arguments in, exit code out.

Exit codes: 0 every job succeeded or was skipped for a stated, allowed reason; 1 a job failed, a required capability is
missing, or verification found a violation; 2 the request was wrong and nothing was started; 3 verification found no
violation and could not judge the run either; 129/130/143 interrupted by a hangup, Ctrl-C or SIGTERM, after everything
finished so far was published.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from difflib import get_close_matches
from importlib.util import find_spec
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from extractor_flow import __version__
from extractor_flow.cli.failures import FAILURES, exit_code_of, log_to_standard_error, message_of
from extractor_flow.errors import RequestError
from extractor_flow.registry import installed

if TYPE_CHECKING:
    from collections.abc import Sequence


COMMANDS = "extractor_flow.commands"
"""The entry-point group in which a flow offers commands of its own.

Each is ``main(arguments) -> exit code``; one that is only another name for a command answers with that one's words.
"""


_MODULES = {
    "init": "cli.init",
    "run": "cli.run",
    "list": "cli.listing",
    "status": "cli.listing",
    "verify": "cli.verify",
    "compare": "compare.command",
    "checks": "cli.checks",
    "explain": "cli.checks",
    "archive": "cli.archive",
    "report": "cli.report",
    "gate": "cli.gate",
    "hardware": "cli.inspect",
    "flows": "cli.inspect",
    "extractors": "cli.inspect",
    "schema": "cli.inspect",
    "completion": "cli.completion",
}
"""The commands of this package, each with the module that adds it."""

_EXIT_CODES = (
    "exit codes: 0 all well or skipped; 1 a failure or violation; 2 wrong request; 3 verify could not judge the run; "
    "129/130/143 interrupted"
)


_ANYWHERE = ("gate", "checks", "explain", "flows", "schema", "completion", "--help", "--version")
"""The commands that need no file locks, limits or process groups."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; every error a user can cause is one message on standard error and an exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        return _obey(words)
    except BrokenPipeError:
        # The reader of our output went away, as `head` does; nothing is left to say to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except FAILURES as error:
        sys.stderr.write(f"extractor-flow: {message_of(error)}\n")
        return exit_code_of(error)
    finally:
        if arguments is None:
            # Nothing is left to interrupt but the interpreter's own end, which would show a traceback.
            signal.signal(signal.SIGINT, signal.SIG_IGN)


def _obey(words: list[str]) -> int:
    """Pass everything after the name to a flow's own command; parse all others here."""
    if words and words[0] not in _ANYWHERE and find_spec("fcntl") is None:
        msg = f"{words[0]} needs Linux or macOS; on Windows use it inside WSL. What works here: {', '.join(_ANYWHERE)}"
        raise RequestError(msg)
    # To look for the commands of flows takes as long as most of ours take to begin.
    for entry in () if words[:1] and words[0] in _MODULES else installed(COMMANDS):
        if words[:1] == [entry.name]:
            log_to_standard_error()
            answer: int | list[str] = entry.load()(words[1:])
            return answer if isinstance(answer, int) else _obey(answer)
    # A completion script is made of all commands; any other word needs its own alone.
    top = parser(words[0] if words and words[0] != "completion" else None)
    if not words:
        top.print_help()
        return 2
    options = _parsed(top, words)
    options.words = ["extractor-flow", *words]
    if not options.silent:
        log_to_standard_error()
    return int(options.handler(options))


def _parsed(top: argparse.ArgumentParser, words: list[str]) -> argparse.Namespace:
    """What *words* ask for; a word that no command takes is answered with the usage of the one it was given to."""
    first = words[0]
    known = [*_names_of(top), *_options_of(top)]
    if first not in known and (near := get_close_matches(first, known, n=1)):
        msg = f"there is no {first!r}; did you mean {near[0]!r}?"
        raise RequestError(msg)
    options, unknown = top.parse_known_args(words)
    if unknown:
        near = get_close_matches(unknown[0], _options_of(options.parser), n=1)
        advice = f"; did you mean {near[0]}?" if near else ""
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}{advice}")
    return options


def _options_of(parser: argparse.ArgumentParser) -> list[str]:
    return [option for action in parser._actions for option in action.option_strings]  # noqa: SLF001 - as below


def _names_of(parser: argparse.ArgumentParser) -> list[str]:
    """The names of the commands of *parser*; each is told to remember whose arguments it takes."""
    names = []
    for action in parser._actions:  # noqa: SLF001 - argparse has no public list
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for name, command in action.choices.items():
                command.set_defaults(parser=command)
                _names_of(command)
                names.append(name)
    return names


def parser(only: str | None = None) -> argparse.ArgumentParser:
    """The whole command line, or as much of it as the command *only* of this package needs.

    Each subcommand's module adds itself and sets ``handler``.
    """
    top = argparse.ArgumentParser(
        prog="extractor-flow",
        description="Runs a training comparison for real, and verifies that its summary is true.",
        epilog=_EXIT_CODES,
    )
    top.set_defaults(silent=False)
    top.add_argument("--version", action="version", version=f"extractor-flow {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in [_MODULES[only]] if only in _MODULES else dict.fromkeys(_MODULES.values()):
        resolve_name(f"extractor_flow.{module}").add_to(commands)
    for entry in () if only in _MODULES else installed(COMMANDS):
        commands.add_parser(entry.name, help=f"a flow's own commands: extractor-flow {entry.name} --help")
    top.set_defaults(whole=top)
    return top
