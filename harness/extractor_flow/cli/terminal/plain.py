"""Plain lines on a terminal, in a file or a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor_flow.files import printable

if TYPE_CHECKING:
    from rich.console import Console


def say(text: str, console: Console | None = None) -> None:
    """Print *text* as it is, on *console* or standard output, unwrapped and without what a terminal would obey."""
    from rich.console import Console

    (console or Console()).print(printable(text), markup=False, highlight=False, soft_wrap=True)


def say_shortened(text: str, console: Console | None = None) -> None:
    """Print *text* on one line, cut at the edge of a terminal; a file or a pipe gets all of it."""
    from rich.console import Console

    console = console or Console()
    if console.file.isatty():
        console.print(printable(text), markup=False, highlight=False, no_wrap=True, overflow="ellipsis")
    else:
        say(text, console)
