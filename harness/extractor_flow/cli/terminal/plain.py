"""Plain lines on a terminal, in a file or a pipe, and an output stream whose reader may have gone."""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING, Any

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


class QuietStream:
    """The text stream *stream*, silent from the moment when it cannot be written to any more.

    A run goes on when its reader goes away, as `head` does, when its terminal is closed, or its log's disk is full.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write *text* if the stream still works."""
        try:
            return self._stream.write(text)
        except OSError:
            self._give_up()
            return len(text)

    def flush(self) -> None:
        """Flush if the stream still works."""
        try:
            self._stream.flush()
        except OSError:
            self._give_up()

    def _give_up(self) -> None:
        """What is left in the buffer goes nowhere too, also when the interpreter ends."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the stream has
        return getattr(self._stream, name)
