"""The figures of a study are whole pictures, also of a study with holes; a deep look has them drawn twice alike."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest

from extractor_flow.files import write_bytes
from extractor_flow.flows.dose_overlap.data.dataset import npz_bytes, write_data
from extractor_flow.flows.dose_overlap.figures import draw_cells, png
from extractor_flow.flows.dose_overlap.figures.curves import draw_learning_curves, draw_quality
from extractor_flow.flows.dose_overlap.figures.pictures import GRIDS, Shown, draw_pictures
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


def test_a_study_with_a_hole_has_every_figure_and_says_what_was_not_trained(shown):
    figures = {"curves": draw_learning_curves(shown), "quality": draw_quality(shown), **draw_pictures(shown)}
    one_grid = "images_amplitude.png"
    for name in figures.keys() - GRIDS.keys():
        figures[name].draw_without_rendering()

    said = {name: [text.get_text() for axes in figures[name].axes for text in axes.texts] for name in GRIDS}
    assert {name for name, texts in said.items() if "not trained" in texts} == {*GRIDS}
    assert figures.keys() == {"curves", "quality", *GRIDS, "rings.png", "frames.png", "scan.png"}
    assert min(read_png(BytesIO(png(figures[one_grid])), one_grid)[:2]) > 300


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
    assert (draw_cells([], tmp_path), [*tmp_path.iterdir()]) == ([], [])
