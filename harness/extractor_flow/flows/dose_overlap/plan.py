"""The cells of a study and what is done in each, as typed values: a job's parameters, read and written in one place."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from extractor_flow.errors import DataError
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.training_config import TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

BASELINE = "baseline"
VIEWS = (BASELINE, "dense", "sparse")
"""``baseline`` is every frame by itself; the others are frames that are far enough apart, in groups of four."""


@dataclass(frozen=True)
class Cell:
    """One dose (photons a frame) and one view: a row and a column of the study."""

    dose: int
    view: str

    @property
    def gridsize(self) -> int:
        """1 where frames are explained one by one, 2 where in groups of four."""
        return 1 if self.view == BASELINE else 2

    @property
    def name(self) -> str:
        """``dense (dose=1e+03)``."""
        return f"{self.view} (dose={dose_text(self.dose)})"

    @property
    def directory(self) -> str:
        """``dose_1000/dense/gs2``."""
        return f"{layout.dose_directory(self.dose)}/{self.view}/gs{self.gridsize}"

    def data_path(self, split: str) -> str:
        """The file with the cell's frames of ``train`` or ``test``, below the root of its phase's data."""
        if self.view == BASELINE:
            return layout.patched(self.dose, split)
        return layout.view(self.dose, self.view, split)


@dataclass(frozen=True)
class Plan:
    """Everything that decides a cell's result: how its data come to be, how it is trained, what it is compared with.

    ``simulation``, ``overlap`` and ``frames`` are the settings of the data; the last two are absent for the baseline,
    and ``frames`` where a view keeps all frames that are far enough apart.
    """

    cell: Cell
    simulation: Mapping[str, Any]
    overlap: float | None
    frames: int | None
    training: TrainingConfig
    solver_iterations: int

    def to_parameters(self) -> dict[str, Any]:
        """The plan as JSON-able data."""
        return {
            "cell": asdict(self.cell),
            "simulation": dict(self.simulation),
            "overlap": self.overlap,
            "frames": self.frames,
            "training": self.training.as_dict(),
            "solver_iterations": self.solver_iterations,
        }

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """The plan that :meth:`to_parameters` wrote; :class:`DataError` when a member is missing or unknown."""
        try:
            rest = dict(parameters)
            return cls(
                cell=Cell(**rest.pop("cell")),
                training=TrainingConfig.from_dict(rest.pop("training")),
                **rest,
            )
        except (KeyError, TypeError, ValueError) as error:
            msg = f"job.json: parameters are not those of a dose x overlap study: {error!r}"
            raise DataError(msg) from error


def dose_text(dose: float) -> str:
    """*dose* in scientific notation with as few digits as say it exactly: ``1e+03``, ``1.5e+03``."""
    return next(text for digits in range(20) if float(text := f"{dose:.{digits}e}") == dose)
