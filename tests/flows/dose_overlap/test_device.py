"""Where a training computes, and what is said when that place is not there."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from extractor_flow.errors import ConfigError, JobError
from extractor_flow.flows.dose_overlap.reconstruction.bundle import read_bundle
from extractor_flow.flows.dose_overlap.reconstruction.device import device_of
from extractor_flow.flows.dose_overlap.reconstruction.reconstruct import reconstruct
from extractor_flow.flows.dose_overlap.training.loop import train
from support.flows.dose_bench import tiny_config, tiny_scan


def test_auto_is_the_best_device_there_is():
    best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"

    assert device_of("auto").type == best


def test_a_device_that_is_not_here_is_named_with_those_that_are():
    missing = "mps" if not torch.backends.mps.is_available() else "cuda"

    with pytest.raises(JobError, match=rf"device is '{missing}', which torch cannot use here; found .*cpu; set device"):
        device_of(missing)


def test_an_unknown_device_cannot_be_asked_for():
    with pytest.raises(ConfigError, match="device is 'gpu'; expected one of cpu, cuda, mps, auto"):
        tiny_config(device="gpu")


def test_the_device_that_computed_is_recorded(tmp_path):
    assert train(tiny_config(epochs=1, steps_per_epoch=2), tiny_scan()[0], tmp_path).device == "cpu"


@pytest.mark.cuda
def test_a_gpu_learns_as_much_as_a_cpu_and_leaves_a_bundle_that_a_cpu_can_use(tmp_path):
    config, (learned, held_out) = tiny_config(), tiny_scan()
    losses = {}
    for device in ("cpu", "cuda"):
        (tmp_path / device).mkdir()
        losses[device] = train(replace(config, device=device), learned, tmp_path / device).best_validation_loss

    found = reconstruct(read_bundle(tmp_path / "cuda" / "bundle.safetensors"), held_out)

    assert losses["cuda"] == pytest.approx(losses["cpu"], rel=0.05)
    assert torch.isfinite(torch.from_numpy(found.image).abs()).all()
