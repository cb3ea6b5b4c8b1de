"""An output stream whose reader may have gone."""

from __future__ import annotations

import os
from typing import IO, Any


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
