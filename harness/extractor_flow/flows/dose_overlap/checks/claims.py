"""What a completed cell claims, and the files behind it; shared by this flow's checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np

from extractor_flow.evidence.findings import Violation, brief
from extractor_flow.evidence.job_claims import JobClaims
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.data.calibration import Calibration
from extractor_flow.flows.dose_overlap.data.dataset import read_contents
from extractor_flow.flows.dose_overlap.data.validation_split import validation_block
from extractor_flow.flows.dose_overlap.history import EpochRecord
from extractor_flow.flows.dose_overlap.plan import Plan
from extractor_flow.flows.dose_overlap.scoring.names import MASK, METHODS, TRUTH
from extractor_flow.readers.arrays import read_npz
from extractor_flow.readers.errors import Kind, ReadError
from extractor_flow.readers.text import decode, parse, read_json, require_object
from extractor_flow.readers.weights import HEADER_LIMIT, read_weights

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from extractor_flow.evidence.run_context import RunContext
    from extractor_flow.files import Json
    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData
    from extractor_flow.study.records import Completed, JobRecord

    Arrays = Mapping[str, NDArray[Any]]

# An object of 4,096 pixels' side and 5,000 frames of 128 x 128 with the object under each: 0.9 GB.
DATA_LIMIT = 1 << 30
# Further than any object reaches; a frame that is cut out there would take all memory.
_FARTHEST = 1 << 20
_HEADER = "dose_overlap"
_PREFIX = 8
_EPOCH = frozenset(EpochRecord(0, None, 0.0, None).as_dict())


@dataclass(frozen=True)
class Claims(JobClaims):
    """What one completed job claims, what it was to do, and what lies beside it; each file is read once."""

    plan: Plan

    @classmethod
    def of(cls, run: RunContext, record: JobRecord, outcome: Completed) -> Claims:
        """The claims of *record*, whose job is one of the study's."""
        return cls(run, record, outcome, Plan.from_parameters(run.parameters[record.job_key]))

    @property
    def improved(self) -> bool:
        """Whether some epoch is claimed to be better than the untrained network."""
        return self.outcome.metrics.get("best_epoch", 0) > 0

    def wrong(self, name: str, place: str, claim: object, found: object) -> Violation:
        """The violation that *place* in the job's file *name* claims *claim*, and it should be *found*."""
        return Violation(self.path(name), place, brief(claim), brief(found), "evidence")

    def data_path(self, split: str) -> str:
        """The path of the frames of ``train`` or ``test``, relative to the run directory."""
        return f"{layout.DATA}/{self.plan.cell.data_path(split)}"

    def frames(self, split: str) -> PtychographyData:
        """The frames of ``train`` or ``test``."""
        path = self.data_path(split)
        contents = self.run.read(path, read_contents, limit=DATA_LIMIT)
        if problems := contents.problems:
            raise ReadError(Kind.HEADER, path, problems[0])
        data = contents.data(path)
        if max(np.abs(data.xcoords).max(), np.abs(data.ycoords).max()) > _FARTHEST:
            raise ReadError(Kind.HEADER, path, "positions that no object has")
        return data

    def calibration(self) -> Calibration:
        """What the frames that the cell learned from say about brightness."""
        data, config = self.frames("train"), self.plan.training
        return Calibration.of(data.select(np.flatnonzero(~validation_block(data, config))), config.dose)

    def curve(self) -> list[dict[str, Any]]:
        """The learning curve: its epochs, numbered from the untrained network on, each with its losses."""
        return self.run.read(self.path(layout.CURVES), _read_curve)

    def header(self, name: str) -> dict[str, Json]:
        """The settings in a safetensors file of the job."""
        return self.run.read(self.path(name), _read_header)

    def weights(self, name: str, group: str = "") -> Arrays:
        """The tensors of a safetensors file of the job whose names begin with *group*, without it."""
        tensors = self.run.read(self.path(name), read_weights)
        return {key.removeprefix(group): value for key, value in tensors.items() if key.startswith(group)}

    def images(self) -> Arrays:
        """The reconstructions, of the dtypes and shapes that a cell writes."""
        return self.run.read(self.path(layout.RECONSTRUCTIONS), _read_images)


def _read_curve(stream: BinaryIO, where: str) -> list[dict[str, Any]]:
    data = require_object(read_json(stream, where), where)
    curves = data.get("curves")
    if data.keys() != {"curves"} or not isinstance(curves, list) or len(curves) <= 1:
        raise ReadError(Kind.HEADER, where, "is not a curve of at least two points")
    epochs = [cast("dict[str, Any]", require_object(point, where)) for point in curves]
    for number, epoch in enumerate(epochs):
        losses = [epoch.get("validation_loss"), *([epoch.get("train_loss")] if number else [])]
        if epoch.get("epoch") != number or not all(isinstance(loss, int | float) and loss >= 0 for loss in losses):
            raise ReadError(Kind.HEADER, where, f"point {number} is not epoch {number} with its losses")
        if epoch.keys() != _EPOCH:
            raise ReadError(Kind.HEADER, where, f"point {number} has {', '.join(sorted(epoch.keys() ^ _EPOCH))}")
    return epochs


def _read_header(stream: BinaryIO, where: str) -> dict[str, Json]:
    """The settings in a safetensors file of this flow, whose header holds nothing else."""
    length = int.from_bytes(stream.read(_PREFIX), "little")
    if length > HEADER_LIMIT:
        raise ReadError(Kind.HEADER, where, f"a header of {length} bytes")
    header = require_object(parse(decode(stream.read(length), where), where), where)
    metadata = require_object(header.get("__metadata__"), where)
    text = metadata.get(_HEADER)
    if metadata.keys() != {_HEADER} or not isinstance(text, str):
        raise ReadError(Kind.HEADER, where, f"carries {brief(sorted(metadata))}; expected {_HEADER} alone")
    return require_object(parse(text, where), where)


def _read_images(stream: BinaryIO, where: str) -> Arrays:
    arrays = read_npz(stream, where)
    dtypes = dict.fromkeys((TRUTH, *METHODS), "complex64") | {MASK: "bool"}
    if {name: array.dtype.name for name, array in arrays.items()} != dtypes:
        raise ReadError(Kind.HEADER, where, f"holds {brief(sorted(arrays))}; expected {', '.join(sorted(dtypes))}")
    shapes = {array.shape for array in arrays.values()}
    if len(shapes) != 1 or len(shapes.pop()) != 2:  # noqa: PLR2004 - an image
        raise ReadError(Kind.SHAPE, where, "the images are not of one size")
    if infinite := [name for name, array in arrays.items() if not np.isfinite(array).all()]:
        raise ReadError(Kind.NOT_FINITE, where, f"{', '.join(infinite)}: values that are not finite")
    return arrays
