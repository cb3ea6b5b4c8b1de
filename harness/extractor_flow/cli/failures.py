"""The message and the exit code of a command that ends in an error."""

from __future__ import annotations

import signal
import sys

from extractor_flow.errors import HarnessError, Interrupted
from extractor_flow.files import printable

FAILURES = (HarnessError, KeyboardInterrupt, Interrupted, OSError)
"""The errors that a user can cause; anything else is a bug and shows its traceback."""


def exit_code_of(error: BaseException) -> int:
    """The exit code of a command ended by *error*."""
    match error:
        case HarnessError():
            return error.exit_code
        case Interrupted():
            return 128 + error.signum
        case KeyboardInterrupt():
            return 128 + signal.SIGINT
        case _:
            return 1


def message_of(error: BaseException) -> str:
    """The message of *error*, safe to print on a terminal."""
    match error:
        case HarnessError():
            return printable(str(error))
        case KeyboardInterrupt() | Interrupted():
            return "interrupted"
        case OSError():
            where = f"{error.filename}: " if error.filename else ""
            return printable(f"{where}{error.strerror or error}; is a disk full or read-only?")
        case _:
            return printable(f"{type(error).__name__}: {error}")


def log_to_standard_error() -> None:
    """Show warnings; a command whose *silent* is true logs nothing, and saves what importing loguru takes."""
    from loguru import logger

    logger.remove()
    # What happened to a job is on the display and in run.log already.
    logger.add(
        sys.stderr,
        level="WARNING",
        format="<level>{level.name:<7}</level> {message}",
        filter=lambda record: "job" not in record["extra"],
    )
