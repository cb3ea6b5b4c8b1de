"""The arrays that are wanted of a stranger's HDF5 file, such as CXI, ptyd and ptyr."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from extractor_flow.errors import DataError
from extractor_flow.flows.dose_overlap.data.dataset import SIZE_LIMIT
from extractor_flow.flows.dose_overlap.measured.layouts import Found
from extractor_flow.readers.arrays import read_npz
from extractor_flow.readers.errors import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_EXTRA = "pytest-extractor-flow[hdf5]"
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
# A file may begin with a block of somebody else's: MATLAB's is of 512 bytes.
_STARTS = (0, 512, 1024, 2048)
# Run as a file, so that nothing else has to be imported there.
_READER = Path(__file__).with_name("hdf5_process.py")


def is_hdf5(path: Path) -> bool:
    """Whether the file *path* begins as HDF5 files do."""
    with path.open("rb") as stream:
        head = stream.read(_STARTS[-1] + len(_SIGNATURE))
    return any(head[start:].startswith(_SIGNATURE) for start in _STARTS)


def read_hdf5(path: Path, names: Mapping[str, Sequence[str]]) -> tuple[dict[str, Found], list[str]]:
    """The first of each name's paths that is in the file, and the first datasets that there are, for messages.

    Pieces of one name are joined. The file is opened in a process of its own, which opens no other file and takes no
    more memory than the numbers need; whatever goes wrong there is a :class:`DataError` of one line.
    """
    if importlib.util.find_spec("h5py") is None:
        msg = f"{path}: is HDF5, and needs h5py, not installed here; do: pip install '{_EXTRA}'"
        raise DataError(msg)
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "arrays.npz"
        answer = _read_apart(path, names, out)
        if "refused" in answer:
            msg = f"{one_line(str(path))}: {one_line(answer['refused'])}"
            raise DataError(msg)
        with out.open("rb") as stream:
            arrays = read_npz(stream, str(path), limit=2 * SIZE_LIMIT)
    found = {
        name: Found(_joined([arrays[f"{name}.{i}"] for i in range(pieces)], f"{path}: {place}"), place, unit)
        for name, (place, unit, pieces) in answer["found"].items()
    }
    return found, answer["there"]


def _read_apart(path: Path, names: Mapping[str, Sequence[str]], out: Path) -> dict[str, Any]:
    arguments = [str(path), json.dumps(dict(names)), str(SIZE_LIMIT), str(out)]
    done = subprocess.run([sys.executable, "-P", str(_READER), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        return {"refused": f"the process that read it ended with {done.returncode}; expected a sound HDF5 file"}
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _joined(pieces: Sequence[np.ndarray[Any, Any]], where: str) -> np.ndarray[Any, Any]:
    try:
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
    except ValueError as error:
        msg = f"{one_line(where)}: its pieces have the shapes {[each.shape for each in pieces]}; expected alike ones"
        raise DataError(msg) from error
