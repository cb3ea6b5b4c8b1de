"""Write the tables of results in docs/dose_overlap.md again: python scripts/write_dose_table.py [NAME RUN].

Without words, the table of the study, from the kept sample; else ``study``, ``ablation`` or ``equal_frames`` from
the run directory RUN, which has to hold the reconstructions for the last one.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.cli.phases import rows_of_run
from extractor_flow.flows.dose_overlap.cli.table import Row, summary_table
from extractor_flow.flows.dose_overlap.plan import Cell, dose_text
from extractor_flow.flows.dose_overlap.scoring.names import INPUT, MASK, PIE, REFINED, TRAINED, TRUTH, metric_name
from extractor_flow.flows.dose_overlap.scoring.scores import score
from extractor_flow.readers.arrays import read_npz

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "dose_overlap.md"
SAMPLE = ROOT / "docs" / "samples" / "dose_overlap_study"
_COMPARED = ("constant", INPUT, TRAINED, PIE, REFINED)
_VIEWS = ("dense", "sparse")


def with_table(text: str, name: str = "study", run: Path = SAMPLE) -> str:
    """*text* with the table of *run* between the marks of *name*."""
    made = {"equal_frames": shared_pixels, "ablation": parts}
    table = made.get(name, lambda there: summary_table(rows_of_run(there)))(run)
    marks = rf"(<!-- {name}: made by scripts/write_dose_table.py -->\n).*?(<!-- end of {name} -->)"
    return re.sub(marks, lambda found: f"{found[1]}{table}{found[2]}", text, flags=re.DOTALL)


def shared_pixels(run: Path) -> str:
    """Both views' amplitudes on the pixels that both cover, by dose, means over the seeds."""
    head = ("photons", "view", "shared pixels", *_COMPARED)
    lines = [head, ("---",) * len(head), *_lines(run)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def parts(run: Path) -> str:
    """A line for each variant: amplitude PSNR and CPU seconds of the network and its input, by view."""
    rows = rows_of_run(run)
    views = list(dict.fromkeys(row.cell.view for row in rows))
    head = ("variant", *(f"{view}: {name}" for view in views for name in (INPUT, TRAINED, "training")))
    lines = [head, ("---",) * len(head)]
    for variant in dict.fromkeys(row.cell.variant for row in rows):
        found = [row for view in views for row in rows if (row.cell.view, row.cell.variant) == (view, variant)]
        lines.append((variant, *(text for row in found for text in _of_variant(row))))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _of_variant(row: Row) -> Iterator[str]:
    for method in (INPUT, TRAINED):
        yield f"{row.metrics[metric_name(method, 'amplitude', 'psnr')]:.2f}, {row.seconds[method]:.1f} s"
    yield f"{row.seconds['training']:.0f} s"


def _lines(run: Path) -> Iterator[tuple[str, ...]]:
    for dose in dict.fromkeys(row.cell.dose for row in rows_of_run(run)):
        views = {view: [_arrays(path) for path in _reconstructions(run, Cell(dose, view))] for view in _VIEWS}
        shared = np.logical_and.reduce([arrays[0][MASK] for arrays in views.values()])
        for view, seeds in views.items():
            scores = (_mean(seeds, method, shared) for method in _COMPARED)
            yield dose_text(dose), view, str(int(shared.sum())), *scores


def _reconstructions(run: Path, cell: Cell) -> list[Path]:
    return sorted((run / cell.directory).rglob(layout.RECONSTRUCTIONS))


def _arrays(path: Path) -> Mapping[str, NDArray[np.complex64]]:
    with path.open("rb") as stream:
        return read_npz(stream, str(path))


def _mean(seeds: list[Mapping[str, NDArray[np.complex64]]], method: str, mask: NDArray[np.bool_]) -> str:
    found = [score(arrays[TRUTH], arrays[method], mask).amplitude.psnr for arrays in seeds]
    return f"{fmean(each for each in found if each is not None):.2f}"


if __name__ == "__main__":
    name, run = (sys.argv[1], Path(sys.argv[2])) if sys.argv[1:] else ("study", SAMPLE)
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8"), name, run), encoding="utf-8")
