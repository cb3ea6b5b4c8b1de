"""Time the solvers on a trained cell's held-out frames: python scripts/measure_dose_speed.py RUN DOSE VIEW.

Prints amplitude PSNR and CPU milliseconds a frame, of the network and for more and more work of each solver.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from extractor_flow.flows.dose_overlap.cli.phases import rows_of_run
from extractor_flow.flows.dose_overlap.data.calibration import Calibration
from extractor_flow.flows.dose_overlap.data.dataset import read_data
from extractor_flow.flows.dose_overlap.layout import BUNDLE, DATA
from extractor_flow.flows.dose_overlap.reconstruction.bundle import read_bundle
from extractor_flow.flows.dose_overlap.reconstruction.device import torch_threads
from extractor_flow.flows.dose_overlap.reconstruction.likelihood import Prior, most_likely
from extractor_flow.flows.dose_overlap.reconstruction.pie import iterate
from extractor_flow.flows.dose_overlap.reconstruction.reconstruct import coverage, reconstruct
from extractor_flow.flows.dose_overlap.reconstruction.scan import Scan
from extractor_flow.flows.dose_overlap.scoring.scores import score
from extractor_flow.flows.dose_overlap.training_config import SolverConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

_MOMENTUM = SolverConfig().momentum


def main(run: Path, dose: int, view: str) -> None:
    """Print the lines; the network is the first seed's."""
    row = next(row for row in rows_of_run(run) if (row.cell.dose, row.cell.view) == (dose, view))
    data = read_data(run / DATA / row.cell.data_path("test"))
    scan, mask = Scan.of(data), coverage(data)
    scale = Calibration.of(data, float(dose)).photon_scale

    def show(name: str, seconds: float, psnr: float | None) -> None:
        print(f"{name:32} {psnr:6.2f} dB {1000 * seconds / data.count:6.2f} ms a frame", flush=True)

    def measured(name: str, solve: Callable[[], Tensor], before: float = 0.0) -> tuple[Tensor, float]:
        begun = time.process_time()
        image = solve()
        seconds = before + time.process_time() - begun
        found = np.asarray(image.reshape(scan.shape).numpy(), dtype=np.complex128)
        show(name, seconds, score(data.object_guess, found, mask).amplitude.psnr)
        return image, seconds

    print(f"{row.cell.name}: its training took {row.seconds['training']:.1f} s; {data.count} frames")
    bundle = read_bundle(min(run.glob(f"dose_{dose}/{view}/**/{BUNDLE}")))
    reconstruct(bundle, data)  # the first time, torch loads what convolutions and Adam need
    measured("network", lambda: torch.from_numpy(reconstruct(bundle, data).image))
    for passes in (2, 5, 10, 15, 30):
        start, spent = measured(f"PIE {passes}", lambda n=passes: iterate(scan, passes=n, momentum=_MOMENTUM))
        for smoothness in (2.0, 3.0, 5.0) if passes in (5, 15) else ():
            for steps in (8, 15, 30, 90):
                prior = Prior(smoothness=smoothness)
                measured(
                    f"PIE {passes}, MAP {steps}, smoothness {smoothness:g}",
                    lambda a=start, p=prior, n=steps: most_likely(scan, a, p, photon_scale=scale, steps=n),
                    spent,
                )


if __name__ == "__main__":
    with torch_threads(1):
        main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
