"""The figures of a study are whole pictures, also of a study with holes; a deep look has them drawn twice alike."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest

from extractor_flow.files import write_bytes
from extractor_flow.flows.dose_overlap.data.dataset import npz_bytes, write_data
from extractor_flow.flows.dose_overlap.figures import draw_cells
from extractor_flow.flows.dose_overlap.figures.curves import draw_learning_curves
from extractor_flow.flows.dose_overlap.figures.pictures import Shown
from extractor_flow.flows.dose_overlap.figures.scan import source_of
from extractor_flow.flows.dose_overlap.plan import Cell
from extractor_flow.flows.dose_overlap.reconstruction.reconstruct import coverage
from extractor_flow.flows.dose_overlap.scoring import cell_metrics
from extractor_flow.flows.dose_overlap.scoring.names import METHODS
from extractor_flow.readers.images import read_png
from support.flows.dose_bench import tiny_scan

CURVES = [
    {"epoch": 0, "validation_loss": 2.0, "amplitude_psnr": 10.0, "amplitude_ssim": None},
    {"epoch": 1, "validation_loss": 0.5, "amplitude_psnr": 20.0, "amplitude_ssim": 0.5},
]


@pytest.fixture
def shown(tmp_path):
    """Three cells of a study of two doses; the sparse view was trained at one of them only."""
    data = tiny_scan()[1]
    images = {name: data.object_guess * np.exp(1j * number) for number, name in enumerate(METHODS)}
    arrays = cell_metrics.stored({**images, cell_metrics.TRUTH: data.object_guess}, coverage(data))
    path = tmp_path / "reconstructions.npz"
    write_bytes(path, npz_bytes(arrays))
    metrics = cell_metrics.measured({**arrays, "constant": np.full_like(data.object_guess, 0.5)})
    cells = [Cell(1000, "baseline"), Cell(1000, "sparse"), Cell(100000, "baseline")]
    write_data(tmp_path / "frames.npz", data)
    return [Shown(cell, metrics, CURVES, path, tmp_path / "frames.npz") for cell in cells]


def drawn(shown, directory):
    directory.mkdir()
    return {name: (directory / name).read_bytes() for name in draw_cells(shown, directory)}


def test_every_figure_is_a_picture(shown, tmp_path):
    figures = drawn(shown, tmp_path / "figures")

    assert {name: min(read_png(BytesIO(data), name)[:2]) > 300 for name, data in figures.items()} == {
        "learning_curves.png": True,
        "quality_over_dose.png": True,
        "images_amplitude.png": True,
        "images_phase.png": True,
        "images_input.png": True,
        "images_iterative.png": True,
        "images_map.png": True,
        "images_error.png": True,
        "rings.png": True,
        "frames.png": True,
        "scan.png": True,
    }


def test_a_legend_of_many_cells_is_not_cut(shown):
    cells = [Cell(dose, "baseline", f"variant-{number}") for dose in (1000, 10**5) for number in range(20)]
    figure = draw_learning_curves([replace(shown[0], cell=cell) for cell in cells])
    figure.canvas.draw()

    (legend,) = figure.legends
    inside, outside = legend.get_window_extent(), figure.bbox
    assert [inside.x0 >= 0, inside.y0 >= 0, inside.x1 <= outside.x1, inside.y1 <= outside.y1] == [True] * 4


def test_without_a_true_object_under_the_frames_there_is_one_panel_of_losses(shown):
    curves = [{"epoch": each["epoch"], "validation_loss": each["validation_loss"]} for each in CURVES]

    assert len(draw_learning_curves([replace(each, curves=curves) for each in shown]).axes) == 1


def test_the_object_of_measured_frames_is_a_reference_and_that_of_simulated_ones_the_truth():
    data = tiny_scan()[1]

    assert [source_of(data), source_of(replace(data, metadata={}))] == ["truth", "reference"]


def test_without_a_finished_cell_there_is_nothing_to_draw(tmp_path):
    assert drawn([], tmp_path / "none") == {}
