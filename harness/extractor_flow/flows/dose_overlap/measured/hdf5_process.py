"""Reads numbers out of a stranger's HDF5 file, in a process of its own: ``python THIS FILE NAMES LIMIT OUT``.

HDF5 is a large library for a rich format. Whatever a file makes it do, it does here, within little memory and time, and
no other file is opened: external links, external storage and virtual datasets are refused.
"""

from __future__ import annotations

import json
import math
import resource
import sys
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

# CXI files lead from one group to another through soft links, a few for a name; more lead nowhere.
_HOPS = 100
_MEMBERS = 10_000
_LISTED, _DEEP = 12, 8
# Beside the numbers and their copy: the library's own caches, and a chunk while it is inflated.
_ROOM = 64 << 20
_SECONDS = 300
_COMPLEX = ("real", "imag")


class _Refused(Exception):  # noqa: N818 - the file is at fault, not the program
    """Why a file is not read; the message is for a person."""


class _File:
    """An open file, in which names are followed step by step: a library that follows them opens other files."""

    def __init__(self, file: h5py.File) -> None:
        self.file = file
        self._hops = 0

    def datasets(self, pattern: str) -> list[h5py.Dataset]:
        """What lies at the path *pattern*, in which ``*`` stands for each member of a group."""
        return [each for each in self._all(self.file, pattern.split("/")) if isinstance(each, h5py.Dataset)]

    def listing(self) -> list[str]:
        """The first datasets with numbers in the file, by path and shape; links are not followed."""
        return list(islice(self._below(self.file, 0), _LISTED))

    def _below(self, group: h5py.Group, depth: int) -> Iterator[str]:
        for name in islice(group, _MEMBERS):
            if group.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
                continue
            each = group[name]
            if isinstance(each, h5py.Group) and depth < _DEEP:
                yield from self._below(each, depth + 1)
            if isinstance(each, h5py.Dataset) and each.shape:
                yield f"{each.name} {each.shape}"

    def _all(self, here: Any, parts: Sequence[str]) -> Iterator[Any]:  # noqa: ANN401 - h5py has no types
        parts = [part for part in parts if part not in {"", "."}]
        if not parts:
            yield here
        elif isinstance(here, h5py.Group):
            names = _numbered(here) if parts[0] == "*" else [parts[0]]
            for name in names:
                for each in self._member(here, name):
                    yield from self._all(each, parts[1:])

    def _member(self, group: h5py.Group, name: str) -> Iterator[Any]:
        links = group.id.links
        if not links.exists(name.encode()):
            return
        kind = links.get_info(name.encode()).type
        if kind == h5py.h5l.TYPE_HARD:
            yield group[name]
            return
        if kind != h5py.h5l.TYPE_SOFT:
            raise _Refused(f"{group.name}: {name} leads out of the file; only the file itself is read")
        self._hops += 1
        if self._hops > _HOPS:
            raise _Refused(f"{group.name}: {name} is a soft link that leads round in a circle")
        target = links.get_val(name.encode()).decode()
        yield from self._all(self.file if target.startswith("/") else group, target.split("/"))


def _numbered(group: h5py.Group) -> list[str]:
    """The members of *group*, by number where they are numbers."""
    names = list(islice(group, _MEMBERS + 1))
    if len(names) > _MEMBERS:
        raise _Refused(f"{group.name}: has more than {_MEMBERS} members")
    return sorted(names, key=lambda name: (not name.isdecimal(), int(name) if name.isdecimal() else 0, name))


def _bytes_of(dataset: h5py.Dataset) -> int:
    """How many bytes the numbers in *dataset* take."""
    if dataset.is_virtual or dataset.external:
        raise _Refused(f"{dataset.name}: keeps its numbers in other files; only the file itself is read")
    fields = dataset.dtype.names
    if dataset.shape is None or not (dataset.dtype.kind in "biufc" or fields == _COMPLEX):
        raise _Refused(f"{dataset.name}: holds {dataset.dtype}; expected numbers")
    return int(math.prod(dataset.shape) * dataset.dtype.itemsize)


def _numbers(dataset: h5py.Dataset) -> NDArray[Any]:
    found = np.asarray(dataset[()])
    return found["real"] + 1j * found["imag"] if found.dtype.names == _COMPLEX else found


def _unit(dataset: h5py.Dataset) -> str | None:
    found = dataset.attrs.get("units")
    text = found.decode(errors="replace") if isinstance(found, bytes) else found
    return text if isinstance(text, str) else None


def _keep_within(size: int) -> None:
    """Let this process take *size* bytes more, where the system can say how many it has (Linux)."""
    with suppress(OSError, ValueError):
        taken = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + size, resource.getrlimit(resource.RLIMIT_AS)[1]))


def read(path: str, names: dict[str, list[str]], limit: int, out: str) -> dict[str, Any]:
    """Write the first of each name's paths that is there to the NPZ file *out*; which it was, and its unit."""
    with h5py.File(path, "r") as file:
        within = _File(file)
        datasets = {name: next(filter(None, map(within.datasets, paths)), []) for name, paths in names.items()}
        size = sum(_bytes_of(each) for found in datasets.values() for each in found)
        if size > limit:
            raise _Refused(f"its arrays would take {size} bytes; at most {limit} are read")
        _keep_within(2 * size + _ROOM)
        arrays = {f"{name}.{i}": _numbers(each) for name, found in datasets.items() for i, each in enumerate(found)}
        np.savez(out, allow_pickle=False, **arrays)
        described = {name: [found[0].name, _unit(found[0]), len(found)] for name, found in datasets.items() if found}
        return {"found": described, "there": within.listing()}


def main(arguments: Sequence[str]) -> dict[str, Any]:
    """What was found, or under ``refused`` why nothing was."""
    path, names, limit, out = arguments
    with suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    _keep_within(_ROOM)
    try:
        return read(path, json.loads(names), int(limit), out)
    except _Refused as refused:
        return {"refused": str(refused)}
    except MemoryError:
        return {"refused": "takes more memory than its numbers need"}
    except Exception as error:  # noqa: BLE001 - the library raises what it likes; a file is no reason for a traceback
        return {"refused": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1:])))
