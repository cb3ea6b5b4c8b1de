"""``extractor-flow init``: a config to begin with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from extractor_flow.errors import RequestError

if TYPE_CHECKING:
    import argparse

_DESCRIPTION = """\
Writes a small config of FLOW whose keys are explained, ready to run. A file that is there already is left alone."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    command = commands.add_parser("init", help="write a config to begin with", description=_DESCRIPTION)
    command.add_argument("flow", metavar="FLOW", help="what the config is for; `extractor-flow flows` lists them")
    command.add_argument("file", metavar="FILE", nargs="?", type=Path, help="where to (default: study.yaml)")
    command.set_defaults(handler=handle)


def handle(options: argparse.Namespace) -> int:
    """Write the flow's starter, unless something is there already."""
    from extractor_flow.cli.terminal.plain import say
    from extractor_flow.files import write_text
    from extractor_flow.registry import find_flow
    from extractor_flow.study.flow import SupportsStarter

    flow = find_flow(options.flow)
    if not isinstance(flow, SupportsStarter):
        msg = f"the flow {options.flow} brings no config to begin with; its documentation shows what it takes"
        raise RequestError(msg)
    file: Path = options.file or Path("study.yaml")
    if file.exists() or file.is_symlink():
        msg = f"{file} is there already; name another file: extractor-flow init {options.flow} FILE"
        raise RequestError(msg)
    if not file.parent.is_dir():
        msg = f"{file}: there is no directory {file.parent}; make it, or name another file"
        raise RequestError(msg)
    write_text(file, flow.starter())
    say(f"wrote {file}")
    say(f"next: extractor-flow run {file} --dry-run")
    return 0
