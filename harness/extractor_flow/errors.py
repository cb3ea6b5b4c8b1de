"""The errors a user can cause or meet; anything else that escapes is a bug."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class HarnessError(Exception):
    """An error with a message for a person: where, what was found, what would do.

    The command line prints the message without a traceback and exits with ``exit_code``.
    """

    exit_code = 2


class RequestError(HarnessError):
    """The request was wrong (arguments, a filter that matches nothing); nothing was started."""


class CapabilityError(HarnessError):
    """A capability that was required is missing here; nothing was started."""

    exit_code = 1


class ConfigError(HarnessError):
    """A config file cannot be used; ``problems`` holds every complaint, one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class RunDirectoryError(HarnessError):
    """A run directory is missing, is not one, or could not be written to; *exit_code* 2 says that nothing was begun."""

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        self.exit_code = exit_code
        super().__init__(message)


class LeftAlone(HarnessError):  # noqa: N818 - nothing went wrong
    """A closed terminal ended the command, and what it had started goes on elsewhere."""

    exit_code = 129


class DataError(HarnessError):
    """An input data file breaks its contract; the message names the file, the key and what was found."""


class JobError(HarnessError):
    """A job cannot go on, for a reason that a person can act on; recorded without a traceback."""

    exit_code = 1


class ResultError(JobError):
    """What a job left is not what its flow declares; recorded as rejected."""


class Interrupted(BaseException):
    """SIGINT, SIGTERM, SIGHUP or SIGUSR2 reached this process; ``signum`` says which.

    Not an ``Exception``: a training library that catches those must not swallow it.
    """

    def __init__(self, signum: int) -> None:
        self.signum = signum
        super().__init__(f"interrupted by signal {signum}")
