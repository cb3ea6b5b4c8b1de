"""One isolated process per job on this machine: a job that is killed takes nothing else with it.

On Linux each process is forked from a warm server that has imported the flow's heavy modules once; elsewhere, and where
asked, each is spawned cold.
"""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from extractor_flow.errors import HarnessError, RequestError
from extractor_flow.executors.asking import NO_SETTINGS
from extractor_flow.executors.events import Event, Finished, Progressed, Started, Stop
from extractor_flow.executors.lost_process import Stopwatch, conclude
from extractor_flow.executors.socket_paths import keep_socket_paths_short
from extractor_flow.readers.errors import one_line
from extractor_flow.run.hardware import NvidiaDriver, available_cores, nvidia_driver, visible_gpus
from extractor_flow.run.job import IMPORTS_SECONDS, ONE_THREAD_EACH, STOP_SIGNALS, enter, held, run_job
from extractor_flow.run.jobdir import JobDirectory
from extractor_flow.study.codes import Code, signal_name
from extractor_flow.study.records import Failed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from multiprocessing.context import BaseContext
    from multiprocessing.process import BaseProcess

    from extractor_flow.executors.asking import ExecutorRequest
    from extractor_flow.study.flow import Study
    from extractor_flow.study.records import JobRecord

# Forking a process that has used Objective-C or Metal is unsafe: macOS spawns.
DEFAULT_START_METHOD = "forkserver" if sys.platform == "linux" else "spawn"
_WARM_SERVER = "extractor_flow.executors.forkserver_preload"
# What each job would import anew, which takes longer than all else that a trivial one does; the command by its name.
_FOR_EVERY_JOB = ("loguru", "filelock", "extractor_flow.cli")
_SERVER_IS_WARM = "extractor_flow.executors.forkserver_ready"
_GPU = {"cuda", "gpu"}
_JOBS_A_GPU = 2  # one computes while the other prepares; more of them run out of memory rather than ahead
_POLL_SECONDS = 0.2
_TIME_LIMIT_GRACE = 5.0


def slots_for(study: Study, gpus: int) -> int:
    """One job per core; if jobs require CUDA, two per GPU, which share its memory."""
    need_a_gpu = any("cuda" in job.requires for job in study.jobs)
    return min(available_cores(), _JOBS_A_GPU * gpus) if gpus and need_a_gpu else available_cores()


@dataclass
class _Running:
    """A job's process, and the cause to record when it ends."""

    directory: JobDirectory
    process: BaseProcess
    slot: int
    watch: Stopwatch
    deadline: float | None
    note: Mapping[str, Any] | None = None
    cause: Failed | None = None
    kill_at: float | None = None


@dataclass
class LocalExecutor:
    """Runs up to ``slots`` jobs at a time, the heaviest first.

    ``preload`` names modules for the warm server; ``start_method`` is ``forkserver`` or ``spawn``; ``gpus`` lists CUDA
    device indices to share out over the slots; ``grace`` is how long an interrupted job may take to say so.
    ``imports_seconds`` and ``trial_seconds`` are how long, before a run, it is waited for what every job imports, and
    then for what the config names to be made once.
    """

    slots: int
    preload: tuple[str, ...] = ()
    start_method: str = DEFAULT_START_METHOD
    gpus: tuple[str, ...] = ()
    grace: float = 10.0
    imports_seconds: float = IMPORTS_SECONDS
    trial_seconds: float = 120.0  # a simulator may take longer to start; its jobs tell then what is wrong with it
    name: str = field(default="local", init=False)
    remote: bool = field(default=False, init=False)
    schema: ClassVar[Mapping[str, Any]] = NO_SETTINGS

    @classmethod
    def made_for(cls, request: ExecutorRequest) -> Self:
        """One slot per core unless *request* says otherwise; the server is warm before the first job."""
        driver = nvidia_driver()
        gpus = visible_gpus(driver) if isinstance(driver, NvidiaDriver) else ()
        executor = cls(
            slots=request.jobs or slots_for(request.study, len(gpus)),
            preload=(*request.flow.preload, type(request.flow).__module__),
            start_method=request.start_method or request.study.start_method or DEFAULT_START_METHOD,
            gpus=gpus if len(gpus) > 1 else (),
        )
        # A server that no job will use would outlive the run, busy with its imports.
        may_have_gpu = isinstance(driver, NvidiaDriver) or sys.platform == "darwin"
        if not request.dry_run and (may_have_gpu or not all(_GPU & set(job.requires) for job in request.study.jobs)):
            executor.warm_up()
        return executor

    def warm_up(self) -> None:
        """Start the warm server now, while other work goes on; no effect under ``spawn``."""
        self.context()
        if self.start_method == "forkserver":
            from multiprocessing import forkserver

            with starting():
                forkserver.ensure_running()

    def execute(self, directories: Sequence[JobDirectory], stop: Stop) -> Iterator[Event]:
        """Run the jobs, each in a process and process group of its own."""
        waiting = deque(sorted(directories, key=lambda directory: -directory.job.weight))
        running: list[_Running] = []
        try:
            while running or (waiting and stop.signum is None):
                while waiting and stop.signum is None and len(running) < self.slots:
                    running.append(self._start(waiting.popleft(), running))
                    yield Started(running[-1].directory.job)
                self._enforce(running, stop)
                connection.wait([entry.process.sentinel for entry in running], timeout=_POLL_SECONDS)
                for entry in [entry for entry in running if not entry.process.is_alive()]:
                    running.remove(entry)
                    yield Finished(entry.directory.job, _record(entry))
                yield from _news(running)
        finally:
            for entry in running:
                signal_group(entry.process, signal.SIGKILL)
                entry.process.join()

    def context(self) -> BaseContext:
        """What processes start from: with the warm server, which has no effect once another one runs."""
        context = multiprocessing.get_context(self.start_method)
        if self.start_method == "forkserver":
            keep_socket_paths_short()
            context.set_forkserver_preload([_WARM_SERVER, __name__, *_FOR_EVERY_JOB, *self.preload, _SERVER_IS_WARM])
        return context

    def _start(self, directory: JobDirectory, running: list[_Running]) -> _Running:
        slot = next(number for number in range(self.slots) if all(entry.slot != number for entry in running))
        environment = {"CUDA_VISIBLE_DEVICES": self.gpus[slot % len(self.gpus)]} if self.gpus else {}
        make = cast("Any", self.context()).Process
        process = make(target=_be_the_job, args=(str(directory.path), environment), name=directory.path.name)
        watch = Stopwatch(directory)
        with starting():
            process.start()
        seconds = directory.job.limits.seconds
        deadline = None if seconds is None else time.monotonic() + seconds + _TIME_LIMIT_GRACE
        return _Running(directory, process, slot, watch, deadline)

    def _enforce(self, running: list[_Running], stop: Stop) -> None:
        """Interrupt jobs after a request to stop; kill those past a deadline or that do not react."""
        now = time.monotonic()
        for entry in running:
            if stop.signum is not None and entry.kill_at is None:
                name = signal_name(stop.signum)
                entry.cause = Failed(Code.INTERRUPTED, f"interrupted by {name}; killed, as it went on", signal=name)
                entry.kill_at = now + self.grace
                _signal_leader(entry.process, stop.signum)
            late = entry.deadline is not None and now >= entry.deadline
            if late and entry.cause is None:
                seconds = entry.directory.job.limits.seconds
                entry.cause = Failed(Code.TIME_LIMIT, f"ran longer than its time limit of {seconds:g} s; killed")
            deaf = entry.kill_at is not None and (now >= entry.kill_at or stop.urgent)
            if late or deaf:
                signal_group(entry.process, signal.SIGKILL)


@contextmanager
def starting() -> Iterator[None]:
    """Block stop signals while a process starts: Ctrl-C reaches the whole group, and a child that is not ready.

    ``OSError`` where the warm server has ended; :class:`RequestError` where multiprocessing refuses, as it does in a
    process that is itself only being started.
    """
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # started in here, it would lift the hold
    with held(STOP_SIGNALS):
        try:
            yield
        except EOFError as error:
            why = f"the server from which jobs are forked has ended; its imports may take {IMPORTS_SECONDS:g} s"
            raise OSError(errno.ECHILD, why) from error
        except RuntimeError as error:
            if not getattr(multiprocessing.current_process(), "_inheriting", False):
                msg = f"no process can be started for a job: {error}"
                raise RequestError(one_line(msg)) from error
            msg = "each process of a job imports the script that started it"
            raise RequestError(f'{msg}; a run is started below: if __name__ == "__main__":') from error


def _be_the_job(directory: str, environment: Mapping[str, str]) -> None:
    """The job's process: its own group, output to its log, ended with the process that asked for it."""
    os.setsid()
    os.environ.update(environment)
    for name in ONE_THREAD_EACH:
        os.environ.setdefault(name, "1")
    try:
        job_directory = JobDirectory.open(Path(directory))
        enter(job_directory.log_path)
    except (HarnessError, OSError):
        os._exit(1)  # the directory is gone, and with it the log: who asked for the job tells
    threading.Thread(target=end_with_the_parent, daemon=True).start()
    code = run_job(job_directory, capture=False)
    # Leave without waiting for the libraries' own threads; everything that counts is on the disk.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def end_with_the_parent() -> None:
    """Wait for the process that asked for this one to end, then kill this one's process group."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os.killpg(0, signal.SIGKILL)


def _record(entry: _Running) -> JobRecord:
    entry.process.join()
    # Workers that the job may have left behind.
    signal_group(entry.process, signal.SIGKILL)
    return conclude(entry.directory, entry.watch, exit_code=entry.process.exitcode, cause=entry.cause)


def _news(running: Sequence[_Running]) -> Iterator[Progressed]:
    for entry in running:
        note = entry.directory.read_progress()
        if note is not None and note != entry.note:
            entry.note = note
            yield Progressed(entry.directory.job, note)


def _signal_leader(process: BaseProcess, number: int) -> None:
    if process.pid is not None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)


def signal_group(process: BaseProcess, number: int) -> None:
    """Signal the job's process group, or the process alone before it has made its group."""
    if process.pid is None:
        return
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        if process.is_alive():
            _signal_leader(process, number)
