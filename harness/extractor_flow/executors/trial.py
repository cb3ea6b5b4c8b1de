"""Makes what a study's jobs name once, in a process of its own, before anything is started.

A missing class, or an environment that rejects its arguments, is reported at once, not after the other jobs have been
trained.
"""

from __future__ import annotations

import importlib
import os
import signal
import threading
import time
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from extractor_flow.errors import ConfigError, HarnessError, RequestError
from extractor_flow.executors.local import end_with_the_parent, signal_group, starting
from extractor_flow.files import dump_line
from extractor_flow.registry import find_flow
from extractor_flow.run.job import ONE_THREAD_EACH, STOP_SIGNALS, disregard
from extractor_flow.study.flow import SupportsTrial

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from extractor_flow.executors.events import Stop
    from extractor_flow.executors.local import LocalExecutor
    from extractor_flow.study.flow import Flow
    from extractor_flow.study.jobs import Job

_POLL_SECONDS = 0.2


def require_usable(flow: Flow, jobs: Sequence[Job], executor: LocalExecutor, stop: Stop, *, where: str) -> None:
    """Raise :class:`ConfigError`, each reason once with the names it holds for, if what *jobs* name cannot be made.

    *where* names the config; *executor* says how processes start. Without effect for a flow that has nothing to try.
    """
    if not isinstance(flow, SupportsTrial):
        return
    distinct = list({f"{job.name} {dump_line(dict(job.parameters))}": job for job in jobs}.values())
    reasons: dict[str, list[str]] = {}
    for job, reason in zip(distinct, _answers(flow.name, distinct, executor, stop), strict=False):
        if reason is not None:
            reasons.setdefault(reason, []).append(job.name)
    if reasons:
        raise ConfigError([f"{where}: {', '.join(names)}: {reason}" for reason, names in reasons.items()])


def _answers(flow: str, jobs: Sequence[Job], executor: LocalExecutor, stop: Stop) -> Iterator[str | None]:
    """What is wrong with each of *jobs*, as far as the time reaches; after one that ends its process begins another."""
    if not jobs:
        return
    reader, process = _started(flow, jobs, executor)
    try:
        if not _has_begun(reader, process, stop, executor.imports_seconds):
            return
        deadline = time.monotonic() + executor.trial_seconds
        for tried in range(1, len(jobs) + 1):
            if not _heard(reader, stop, deadline):
                _leave_to_the_jobs(jobs[tried - 1 :], stop, executor.trial_seconds)
                return
            try:
                answer: str | None = reader.recv()
            except EOFError:
                process.join()
                yield f"making it once ended the process: exit code {process.exitcode}"
                break
            yield answer
    finally:
        signal_group(process, signal.SIGKILL)
        process.join()
        reader.close()
    yield from _answers(flow, jobs[tried:], executor, stop)


def _started(flow: str, jobs: Sequence[Job], executor: LocalExecutor) -> tuple[Connection, BaseProcess]:
    context = executor.context()
    reader, writer = context.Pipe(duplex=False)
    process = cast("Any", context).Process(target=_make_each, args=(flow, jobs, writer))
    with starting():
        process.start()
    writer.close()
    return reader, process


def _heard(reader: Connection, stop: Stop, deadline: float) -> bool:
    """Wait for the process's next message, or its end; ``False`` after a request to stop or past the *deadline*."""
    while not reader.poll(_POLL_SECONDS):
        if stop.signum is not None or time.monotonic() > deadline:
            return False
    return True


def _has_begun(reader: Connection, process: BaseProcess, stop: Stop, seconds: float) -> bool:
    """Wait until the process has come to the jobs; ``False`` after a request to stop.

    :class:`RequestError` if it ended before, or takes longer than *seconds*.
    """
    if not _heard(reader, stop, time.monotonic() + seconds):
        if stop.signum is None:
            msg = f"what every job imports first was not imported within {seconds:g} s; an import seems to hang"
            raise RequestError(msg)
        return False
    try:
        reader.recv()
    except EOFError:
        process.join()
        msg = f"no process can be started for a job: the first one ended at once, with exit code {process.exitcode}"
        raise RequestError(msg) from None
    return True


def _leave_to_the_jobs(jobs: Sequence[Job], stop: Stop, seconds: float) -> None:
    """Warn of what was not made within *seconds*, unless the user asked to stop."""
    from loguru import logger

    if stop.signum is None:
        names = ", ".join(dict.fromkeys(job.name for job in jobs))
        message = "not tried out within {:g} s; their jobs will show whether they can be made: {}"
        logger.bind(names=names).warning(message, seconds, names)


def _make_each(flow: str, jobs: Sequence[Job], writer: Connection) -> None:
    """The process: nobody hears what it prints, and a signal to the whole group is its parent's business."""
    os.setsid()
    disregard(STOP_SIGNALS)
    threading.Thread(target=end_with_the_parent, daemon=True).start()
    for name in ONE_THREAD_EACH:
        os.environ.setdefault(name, "1")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    maker: Any = find_flow(flow)
    with suppress(ImportError):  # which the jobs tell
        for name in maker.preload:
            importlib.import_module(name)  # where no server has done it: this is not the simulators' time
    writer.send(None)
    for job in jobs:
        writer.send(_complaint(maker, job))


def _complaint(flow: SupportsTrial, job: Job) -> str | None:
    try:
        flow.make_once(job)
    except HarnessError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - other people's code may raise anything
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {' '.join(str(error).split())} ({last.filename}:{last.lineno})"
    return None
