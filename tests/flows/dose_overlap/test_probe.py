"""A probe that is known only roughly is refined, wherever the frames lie, and drawn as it was and as it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from extractor_flow.flows.dose_overlap.cli import command
from extractor_flow.flows.dose_overlap.data.dataset import read_data, write_data
from extractor_flow.flows.dose_overlap.data.simulation import SyntheticSettings, simulate, synthetic_base
from extractor_flow.flows.dose_overlap.reconstruction.probe import refine_probe
from extractor_flow.readers.images import read_png

BASE = synthetic_base(SyntheticSettings(object_size=72, frame_size=16, probe_diameter=8, scan_step=4))


def roughly(data):
    """*data* with a probe out of focus and brighter at one side."""
    y, x = np.mgrid[:16, :16] - 7.5
    probe = data.probe_guess * np.exp(0.02j * (x**2 + y**2)) * (1 + x / 80)
    return replace(data, probe_guess=(probe * np.linalg.norm(data.probe_guess) / np.linalg.norm(probe)).astype("c8"))


def distance(one, other):
    """How far probes are apart, of their size, whatever their global phase."""
    overlap = np.vdot(one, other)
    return np.linalg.norm(one * overlap / abs(overlap) - other) / np.linalg.norm(other)


@pytest.mark.parametrize("off", [0, 0.4])
def test_a_refined_probe_is_less_than_half_as_wrong(off):
    moved = np.random.default_rng(0).uniform(-off, off, len(BASE.xcoords))
    scan = simulate(replace(BASE, xcoords=BASE.xcoords + moved), 1e5)
    rough = roughly(scan)

    refined = refine_probe(rough, 10)

    assert distance(refined.probe_guess, scan.probe_guess) < distance(rough.probe_guess, scan.probe_guess) / 2
    assert np.linalg.norm(refined.probe_guess) == pytest.approx(np.linalg.norm(scan.probe_guess), rel=1e-5)


def test_an_import_refines_a_probe_draws_it_and_says_so(tmp_path, capsys):
    write_data(tmp_path / "rough.npz", roughly(simulate(BASE, 1e5)))
    out = tmp_path / "scan.npz"

    assert command.main(["import", str(tmp_path / "rough.npz"), "--output", str(out), "--refine-probe", "5"]) == 0
    assert "object and probe refined: the error in Fourier space was 0.08" in capsys.readouterr().out
    assert distance(read_data(out).probe_guess, BASE.probe_guess) < 0.06
    with (tmp_path / "scan.probe.png").open("rb") as stream:
        assert min(read_png(stream, "probe")[:2]) > 300
