"""Why a job has no result, as a code: what programs ask for, beside the reason, which is for people."""

from __future__ import annotations

import signal
from enum import StrEnum


class Code(StrEnum):
    """Why a job was skipped or failed; part of the contracts, so a code is never reworded."""

    DRY_RUN = "dry-run"  # a rehearsal: nothing was to be trained
    MISSING_CAPABILITY = "missing-capability"  # this machine lacks a device or an ability that the job needs
    MISSING_DATA = "missing-data"  # the shared data cannot be had for this job
    REJECTED = "rejected"  # the job ended, and what it left is not what its flow declares
    RAISED = "raised"  # the flow raised an error
    KILLED = "killed"  # a signal from outside ended its process
    TIME_LIMIT = "time-limit"
    MEMORY_LIMIT = "memory-limit"  # memory ran out: the job's own limit, or the machine's
    INTERRUPTED = "interrupted"  # the user stopped the run while the job, or the preparation of its data, was running
    NOT_STARTED = "not-started"  # the user stopped the run before the job's turn came
    LOST = "lost"  # its process ended and left no result
    HELD = "held"  # another process is at the job
    PREPARE_FAILED = "prepare-failed"  # what the jobs share could not be made


SKIPS = frozenset({Code.DRY_RUN, Code.MISSING_CAPABILITY, Code.MISSING_DATA})
"""The codes of jobs that were skipped; all others are those of failures."""

STOPPED = frozenset({Code.INTERRUPTED, Code.NOT_STARTED})
"""The codes of jobs that a request to stop the run kept from ending."""

SIGNALLED = STOPPED | {Code.KILLED}
"""The codes of failures that a signal explains, which is named beside them."""


def signal_name(number: int) -> str:
    """The name of a signal, the same on every platform: ``SIGTERM``; ``SIG40`` where it has none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"
