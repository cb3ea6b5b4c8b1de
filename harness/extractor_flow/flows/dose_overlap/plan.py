"""The cells of a study and what is done in each, as typed values: a job's parameters, read and written in one place."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from extractor_flow.errors import DataError
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.training_config import SolverConfig, TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extractor_flow.files import Json

BASELINE = "baseline"
VIEWS = (BASELINE, "dense", "sparse")
"""``baseline`` is every frame by itself; the others are frames that are far enough apart, in groups of four."""


@dataclass(frozen=True)
class Cell:
    """One dose (photons a frame) and one view: a row and a column of the study; in an ablation, of one variant."""

    dose: int
    view: str
    variant: str = ""

    @property
    def gridsize(self) -> int:
        """1 where frames are explained one by one, 2 where in groups of four."""
        return 1 if self.view == BASELINE else 2

    @property
    def name(self) -> str:
        """``dense (dose=1e+03)``; of a variant ``dense (dose=1e+03, no-split)``."""
        return f"{self.view} (dose={', '.join([dose_text(self.dose), *self._variants])})"

    @property
    def column(self) -> str:
        """``dense``; of a variant ``dense, no-split``."""
        return ", ".join([self.view, *self._variants])

    @property
    def directory(self) -> str:
        """``dose_1000/dense/gs2``."""
        return self.directory_of(self.gridsize)

    def directory_of(self, gridsize: int) -> str:
        """The directory of a training with another *gridsize* than the view's."""
        return "/".join([layout.dose_directory(self.dose), self.view, f"gs{gridsize}", *self._variants])

    def as_dict(self) -> dict[str, Json]:
        """The fields by name; a cell that is no variant has none."""
        variant: dict[str, Json] = {"variant": self.variant} if self.variant else {}
        return {"dose": self.dose, "view": self.view, **variant}

    @property
    def _variants(self) -> list[str]:
        return [self.variant] if self.variant else []

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
    solver: SolverConfig

    def to_parameters(self) -> dict[str, Any]:
        """The plan as JSON-able data."""
        return {
            "cell": self.cell.as_dict(),
            "simulation": dict(self.simulation),
            "overlap": self.overlap,
            "frames": self.frames,
            "training": self.training.as_dict(),
            "solver": asdict(self.solver),
        }

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """The plan that :meth:`to_parameters` wrote; :class:`DataError` when a member is missing or unknown."""
        try:
            rest = dict(parameters)
            return cls(
                cell=Cell(**rest.pop("cell")),
                training=TrainingConfig.from_dict(rest.pop("training")),
                solver=SolverConfig(**rest.pop("solver")),
                **rest,
            )
        except (KeyError, TypeError, ValueError) as error:
            msg = f"job.json: parameters are not those of a dose x overlap study: {error!r}"
            raise DataError(msg) from error


def dose_text(dose: float) -> str:
    """*dose* in scientific notation with as few digits as say it exactly: ``1e+03``, ``1.5e+03``."""
    return next(text for digits in range(20) if float(text := f"{dose:.{digits}e}") == dose)
