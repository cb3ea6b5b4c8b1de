"""A Slurm of our own for tests: one controller and two nodes, all on this machine and its loopback alone."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel", "sinfo")
NODES = ("n1", "n2")
_PATIENCE = 300
_CONFIG = """\
ClusterName=ci
SlurmctldHost=localhost(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={controller}
AuthType=auth/munge
AuthInfo=socket={place}/run/munge.socket
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={place}/state
SlurmdSpoolDir={place}/spool/%n
SlurmctldPidFile={place}/run/slurmctld.pid
SlurmdPidFile={place}/run/slurmd.%n.pid
SlurmctldLogFile={place}/log/slurmctld.log
SlurmdLogFile={place}/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/linux
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=500
MaxArraySize={largest}
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2,sched_min_interval=0
ReturnToService=2
SlurmdTimeout=10
KillWait=5
JobRequeue=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmdParameters=config_overrides
{nodes}
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=REQUEUE GraceTime=0
PartitionName=high Nodes=n1,n2 MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
"""
_NODE = "NodeName={name} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port} CPUs=4 RealMemory=8000 State=UNKNOWN"


def missing() -> str | None:
    """Why there can be no Slurm of our own here; ``None`` where there can."""
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"Slurm is not installed: no {', '.join(absent)} on the PATH (Debian: slurm-wlm, munge)" if absent else None


class PrivateSlurm:
    """The cluster in the directory *place*; its clients find it by ``environment``."""

    def __init__(self, place: Path, *, largest_array: int = 1001) -> None:
        self.place = place
        self.environment = {"SLURM_CONF": str(place / "slurm.conf")}
        for name in ("state", "spool/n1", "spool/n2", "log", "run"):
            (place / name).mkdir(parents=True)
        controller, *ports = _free_ports(3)
        nodes = "\n".join(_NODE.format(name=name, port=port) for name, port in zip(NODES, ports, strict=True))
        self._user = os.getuid()  # any user's: its nodes run this one's jobs alone
        config = _CONFIG.format(place=place, user=self._user, controller=controller, nodes=nodes, largest=largest_array)
        (place / "slurm.conf").write_text(config, encoding="utf-8")
        key = place / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)

    def start(self) -> None:
        """Start every daemon, and wait until both nodes are idle."""
        files = {"key": "munge.key", "socket": "run/munge.socket", "pid": "run/munged.pid", "log": "log/munged.log"}
        options = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log"}
        words = [f"--{option}={self.place / files[name]}" for option, name in options.items()]
        _check(["munged", "--force", *words, f"--seed-file={self.place / 'run/munged.seed'}"], {})
        self.start_controller()
        for name in NODES:
            self.start_node(name)
        self.wait_until(lambda: self.ask("sinfo", "-h", "-N", "-p", "main", "-o", "%T").split() == ["idle"] * 2)

    def start_controller(self) -> None:
        """Start the controller, which goes on with what it had saved."""
        _check(["slurmctld", "-f", self.environment["SLURM_CONF"]], self.environment)

    def start_node(self, name: str) -> None:
        """Start the daemon of the node *name*."""
        _check(["slurmd", "-N", name, "-f", self.environment["SLURM_CONF"]], self.environment)

    def kill(self, daemon: str) -> None:
        """End *daemon*, ``slurmctld`` or ``slurmd.NODE``, as a power cut does."""
        self._signal(daemon, signal.SIGKILL)

    def kill_node(self, name: str) -> None:
        """End the node *name* as a power cut does: its daemon, the keepers of its jobs, and the jobs."""
        self.kill(f"slurmd.{name}")
        jobs = [pid for pid, _ in _processes() if {*self._marks, f"SLURMD_NODENAME={name}"} <= {*_environment(pid)}]
        # The keepers first, or they would tell the controller how their jobs ended.
        keepers = {_parent(pid) for pid in jobs} & {
            pid for pid, words in _processes() if words[0].startswith("slurmstepd")
        }
        for pid in [*keepers, *jobs]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @property
    def _marks(self) -> set[str]:
        """What stands in the environment of each of the cluster's jobs."""
        return {f"{name}={value}" for name, value in self.environment.items()}

    def ask(self, *words: str) -> str:
        """What a client of Slurm prints; nothing where it does not answer."""
        try:
            answer = subprocess.run(
                words, env={**os.environ, **self.environment}, capture_output=True, text=True, timeout=20, check=False
            )
        except subprocess.TimeoutExpired:
            return ""
        return answer.stdout

    def queue(self) -> list[str]:
        """The states of all jobs that have not ended."""
        return self.ask("squeue", "-h", "-r", "-o", "%T").split()

    def wait_until(self, reached) -> None:
        """Return once *reached* says so; fail when it takes longer than any machine should."""
        for _ in range(_PATIENCE * 10):
            if reached():
                return
            threading.Event().wait(0.1)
        told = {path.name: path.read_text(errors="replace")[-2000:] for path in (self.place / "log").iterdir()}
        raise AssertionError(told)

    def wait_until_saved(self) -> None:
        """Return once the controller has saved all that has happened by now; it does so every few seconds."""
        saved = self.place / "state/job_state"
        now = time.time()
        self.wait_until(lambda: saved.exists() and saved.stat().st_mtime > now)

    def stop(self) -> None:
        """End all jobs and every daemon."""
        self.ask("scancel", "--full", "--signal=KILL", f"--user={self._user}")
        for daemon in ("slurmd.n1", "slurmd.n2", "slurmctld", "munged"):
            self._signal(daemon, signal.SIGTERM)
        for pid, _ in _processes():
            if self._marks <= {*_environment(pid)} and pid != os.getpid():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def _signal(self, daemon: str, number: int) -> None:
        with suppress(OSError, ValueError):
            pid = int((self.place / "run" / f"{daemon}.pid").read_text())
            os.kill(pid, number)
            for _ in range(200):
                # One that has ended and that nobody asks for its exit code is still listed.
                if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                    return
                threading.Event().wait(0.05)


@contextmanager
def private_slurm(place: Path, **options: int) -> Iterator[PrivateSlurm]:
    """A cluster in *place*, up for the time of the block."""
    cluster = PrivateSlurm(place, **options)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _check(words: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        words,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, (words, done.stdout, done.stderr)


def _processes() -> Iterator[tuple[int, list[str]]]:
    """Every process by its number, with its command line."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                yield int(entry.name), (entry / "cmdline").read_text(errors="replace").split("\0")


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _environment(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/environ").read_text(errors="replace").split("\0")
    except OSError:
        return []
