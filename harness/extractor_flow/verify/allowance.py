"""How much verifying a run may cost: a fixed amount plus what honest runs of its size need, with a margin.

The size is what the disk really holds, so a file that is nothing but holes allows for nothing.
"""

from __future__ import annotations

import math
import resource
import sys
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from extractor_flow import layout
from extractor_flow.readers.errors import Kind, ReadError
from extractor_flow.study.jobs import MOST_JOBS

if TYPE_CHECKING:
    from extractor_flow.readers.paths import ConfinedDirectory

_MEGABYTE = 1_000_000
_KEY = b'"job_key"'
_CHUNK = _MEGABYTE
_MOST_COUNTED = 256 * _MEGABYTE
# The shortest that a job takes in the request and in the journal: what is shorter tells of no job.
_LEAST = {layout.RUN: 200, layout.JOURNAL: 300}
_DEPTH = 3  # of a job's directory, such as extractors/NAME/seed-1
_TENSORS = (".zip", ".npz", ".safetensors")


@dataclass(frozen=True)
class Allowance:
    """What verifying may cost: seconds of CPU time, bytes of memory and of files read, and files and directories."""

    seconds: int
    memory: int
    read: int
    entries: int

    def __str__(self) -> str:
        return (
            f"{self.seconds} s of CPU time, {self.memory // _MEGABYTE} MB of memory, {self.read // _MEGABYTE} MB read"
        )


class OverBudgetError(Exception):
    """Verifying needs more than its allowance; the message says of what. No check continues after it."""


def allowance_of(files: ConfinedDirectory, *, deep: bool, factor: float) -> Allowance:
    """*factor* times what verifying the run in *files* may cost.

    A job takes up to 2 ms and 35 kB in the smallest flow there is, and more in others; slow machines take three times
    as long: 10 ms and 200 kB. A file takes up to 0.1 s for a model of 60 kB, and what is larger hardly more: 1 s for
    each 100 kB, at most 2 s, and a second for each 64 MB of digests. Models are held in memory, all those of one job at
    a time, in up to four copies. PyTorch takes 1 GB and 5 s before it does anything, and then makes things again.
    """
    least, jobs = smallest(1), _jobs(files)
    entries = math.ceil((least.entries + 100 * jobs) * factor)
    sizes = _sizes(files, entries)
    tensors: Counter[str] = Counter()
    for path, size in sizes.items():
        if path.endswith(_TENSORS):
            tensors["/".join(path.split("/")[:_DEPTH])] += size
    seconds = least.seconds + 0.01 * jobs + sum(map(_seconds, sizes.values()))
    memory = least.memory + 200_000 * jobs + 4 * max(tensors.values(), default=0)
    if deep:
        seconds, memory = 60 + 6 * seconds, 4000 * _MEGABYTE + 2 * memory
    read = least.read + 16 * sum(sizes.values())
    return Allowance(math.ceil(seconds * factor), int(memory * factor), int(read * factor), entries)


def _seconds(size: int) -> float:
    """What a file of *size* bytes allows for."""
    return min(2, size / 100_000) + size / (64 * _MEGABYTE)


def _jobs(files: ConfinedDirectory) -> int:
    """How many jobs the run has: the smaller of the counts in its request and journal; counted without parsing."""
    return min(MOST_JOBS, *(_jobs_in(files, name, least) for name, least in _LEAST.items()))


def _jobs_in(files: ConfinedDirectory, name: str, least: int) -> int:
    count = length = 0
    try:
        with files.open(name) as stream:
            while length < _MOST_COUNTED and (chunk := stream.read(_CHUNK)):
                count += chunk.count(_KEY)
                length += len(chunk)
    except ReadError:
        return 0
    return min(count, length // least)


def _sizes(files: ConfinedDirectory, most: int) -> dict[str, int]:
    """The bytes on the disk of each regular file; of none where the directory cannot be listed."""
    try:
        listing = files.listing(limit=most)
    except ReadError as error:
        if error.kind is Kind.TOO_MANY:
            msg = f"more than {most} files and directories"
            raise OverBudgetError(msg) from error
        return {}
    return listing.files | listing.holes


class Meter:
    """Counts the bytes read from a run, and refuses to read more than the allowance."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._read = 0

    def spend(self, path: str, count: int) -> None:
        """Note that *count* bytes of *path* were read."""
        self._read += count
        if self._read > self._limit:
            msg = f"more than {self._limit // _MEGABYTE} MB read, when {path} was"
            raise OverBudgetError(msg)


def limit_process(allowance: Allowance) -> None:
    """Let the operating system end this process when it takes more CPU time, and refuse it more memory.

    Memory is bounded where the system can do it: on Linux.
    """
    _set(resource.RLIMIT_CORE, 0)
    _set(resource.RLIMIT_CPU, allowance.seconds)
    if bounds_memory():
        # Of what a process holds, a tenth is the interpreter and its libraries, which are not counted.
        _set(resource.RLIMIT_DATA, allowance.memory * 9 // 10)


def bounds_memory() -> bool:
    """Whether this system bounds the memory of a process."""
    return sys.platform == "linux"


def _set(kind: int, wanted: int) -> None:
    """Set the soft limit alone: it is raised again when the size of the run is known."""
    _, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def smallest(factor: float) -> Allowance:
    """*factor* times what may be used for a run without a size."""
    seconds, memory, read, entries = (number * factor for number in (10, 500 * _MEGABYTE, 256 * _MEGABYTE, 100_000))
    return Allowance(math.ceil(seconds), int(memory), int(read), math.ceil(entries))
