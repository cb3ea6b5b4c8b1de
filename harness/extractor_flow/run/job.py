"""Runs the job in a directory, once: what executors on this machine call.

Exit codes: 0 a result stands in the directory (success or skipped), 1 a failure was published, 75 another process holds
the job, 130/143/129/140 the job was interrupted by SIGINT/SIGTERM/SIGHUP/SIGUSR2 and recorded that in its result.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from extractor_flow.clock import timestamp, utc_now
from extractor_flow.errors import HarnessError, Interrupted, ResultError
from extractor_flow.files import printable
from extractor_flow.registry import find_flow
from extractor_flow.run.hardware import probe, with_gpu_in_use
from extractor_flow.run.jobdir import unstarted
from extractor_flow.study.codes import Code, signal_name
from extractor_flow.study.records import Completed, Failed, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path
    from types import FrameType

    from loguru import Record

    from extractor_flow.files import Json
    from extractor_flow.run.jobdir import JobDirectory
    from extractor_flow.study.flow import Flow
    from extractor_flow.study.jobs import Job
    from extractor_flow.study.records import JobRecord

EX_TEMPFAIL = 75
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2)
ONE_THREAD_EACH = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""What tells numerical libraries to take one thread a process, unless the user has said otherwise."""
IMPORTS_SECONDS = 600.0
"""What every job imports takes seconds, from a cluster's busy disk minutes: what takes longer does not end."""
_REASON_LIMIT = 500


class TimeLimitExceeded(BaseException):
    """The job's own time limit ran out."""


def run_job(directory: JobDirectory, *, capture: bool, facts: Mapping[str, Json] | None = None) -> int:
    """Run the job of *directory* and publish its result; the exit code of this module.

    With *capture* Python's output streams go to the log meanwhile; a process of its own has redirected its file
    descriptors already. The note of the attempt has *facts*, too.
    """
    if directory.result() is not None:
        return 0
    with directory.lock() as mine:
        if not mine:
            return EX_TEMPFAIL
        if directory.result() is not None:
            return 0  # another process has finished the job since we looked
        attempt = directory.begin_attempt({"started_at": timestamp(utc_now()), "pid": os.getpid(), **(facts or {})})
        with _log_of(directory, capture=capture):
            record = _attempt(directory, attempt)
            directory.publish(record)
    return _exit_code(record.outcome)


def _attempt(directory: JobDirectory, attempt: int) -> JobRecord:
    job = directory.job
    started, clock = utc_now(), time.monotonic()
    outcome = _outcome(directory, job)
    seconds = time.monotonic() - clock
    # Where the clock was set back meanwhile the end is told by the clock of the start.
    ended = max(utc_now(), started + timedelta(seconds=seconds))
    return replace(
        unstarted(job, outcome),
        start_time=timestamp(started),
        end_time=timestamp(ended),
        duration_seconds=round(seconds, 6),
        hardware=with_gpu_in_use(probe(), sys.modules),
        attempt=attempt,
    )


def _outcome(directory: JobDirectory, job: Job) -> Outcome:
    try:
        with _signals_raise(), _limits(job):
            return _completed(find_flow(job.flow), job, directory)
    except (Interrupted, TimeLimitExceeded, HarnessError, MemoryError) as error:
        failed = _failure(error, job)
    except Exception as error:  # noqa: BLE001 - one raising job must not end the run
        traceback.print_exc()
        sys.stderr.flush()
        failed = _failure(error, job)
    return replace(failed, log_tail=directory.log_tail())


def _failure(error: BaseException, job: Job) -> Failed:
    match error:
        case Interrupted(signum=signum):
            name = signal_name(signum)
            return Failed(Code.INTERRUPTED, f"interrupted by {name}", signal=name)
        case TimeLimitExceeded():
            return Failed(Code.TIME_LIMIT, f"ran longer than its time limit of {job.limits.seconds:g} s")
        case HarnessError():
            code = Code.REJECTED if isinstance(error, ResultError) else Code.RAISED
            return Failed(code, _shorten(str(error)))
        case MemoryError():
            return Failed(Code.MEMORY_LIMIT, f"out of memory: {_shorten(str(error)) or 'MemoryError'}")
        case RuntimeError() if type(error).__name__ == "OutOfMemoryError":  # torch's, which the core does not import
            why = _shorten(f"out of memory on the GPU: {error}")
            return Failed(Code.MEMORY_LIMIT, f"{why}; fewer jobs at a time (--jobs) leave each of them more")
        case _:
            return Failed(Code.RAISED, _shorten(f"{type(error).__name__}: {error}"))


def _completed(flow: Flow, job: Job, directory: JobDirectory) -> Completed:
    product = flow.run(job, directory)
    flow.contract.require(product.metrics, product.artifacts, product.details)
    artifacts = directory.artifacts(product.artifacts)
    try:
        return Completed(dict(product.metrics), artifacts, product.training_steps, dict(product.details))
    except ValueError as error:
        raise ResultError(str(error)) from error


def _shorten(reason: str) -> str:
    text = printable(reason.strip())
    return text if len(text) <= _REASON_LIMIT else text[: _REASON_LIMIT - 1] + "…"


def _exit_code(outcome: Outcome) -> int:
    match outcome:
        case Failed(code=Code.INTERRUPTED, signal=str(name)):
            return 128 + signal.Signals[name].value
        case Failed():
            return 1
        case _:
            return 0


@contextmanager
def _log_of(directory: JobDirectory, *, capture: bool) -> Iterator[None]:
    """Send loguru, and with *capture* Python's output streams, to the job's log."""
    from loguru import logger

    with directory.log_path.open("a", encoding="utf-8", buffering=1) as log:
        sink = logger.add(log, format=_log_line, level="INFO")
        try:
            if capture:
                with redirect_stdout(log), redirect_stderr(log):
                    yield
            else:
                yield
        finally:
            logger.remove(sink)
            sys.stdout.flush()
            sys.stderr.flush()


def _log_line(record: Record) -> str:
    fields = " {extra}" if record["extra"] else ""
    return f"{{time:YYYY-MM-DDTHH:mm:ss!UTC}}Z {{level}} {{message}}{fields}\n{{exception}}"


def heeded(signals: Iterable[signal.Signals]) -> list[signal.Signals]:
    """*signals*, but for SIGHUP where it is ignored: a run that was started by `nohup` outlives its terminal."""
    return [each for each in signals if each != signal.SIGHUP or signal.getsignal(each) != signal.SIG_IGN]


def disregard(signals: Iterable[signal.Signals]) -> None:
    """Ignore *signals*, including those that were blocked when this process started."""
    # Not SIG_IGN, which processes inherit: theirs could not be told from that of `nohup`.
    for each in heeded(signals):
        signal.signal(each, lambda _signum, _frame: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)


@contextmanager
def held(signals: Iterable[signal.Signals]) -> Iterator[None]:
    """Block *signals* inside the block, also in processes started there, until they :func:`disregard` them.

    A process that meets Ctrl-C while its interpreter starts shows a traceback.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _signals_raise() -> Iterator[None]:
    """Inside the block, turn the first of :data:`STOP_SIGNALS` into :class:`Interrupted` in the main thread.

    Later ones are ignored: a clean-up that has begun must not be interrupted a second time.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    armed = True

    def interrupt(signum: int, _frame: FrameType | None) -> None:
        nonlocal armed
        if armed:
            armed = False
            raise Interrupted(signum)

    before = {number: signal.signal(number, interrupt) for number in heeded(STOP_SIGNALS)}
    try:
        yield
    finally:
        armed = False
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _limits(job: Job) -> Iterator[None]:
    """Impose the job's own time and memory limits on this process inside the block."""
    with _time_limit(job.limits.seconds), _memory_limit(job.limits.memory_mb):
        yield


@contextmanager
def _time_limit(seconds: float | None) -> Iterator[None]:
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def expire(_signum: int, _frame: FrameType | None) -> None:
        raise TimeLimitExceeded

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _memory_limit(megabytes: int | None) -> Iterator[None]:
    """Bound the data segment; Linux counts every private writable mapping, other systems may not enforce it."""
    if megabytes is None:
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (megabytes * 1024 * 1024, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def enter(log_path: Path) -> None:
    """Prepare a process that is a job and nothing else: output to the log, signals only while the flow runs.

    Native code's and children's output is redirected too. Outside the flow a stop signal is ignored, so that a result
    is published whole.
    """
    from loguru import logger

    sys.stdout.flush()
    sys.stderr.flush()
    with log_path.open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    logger.remove()
    disregard(STOP_SIGNALS)
