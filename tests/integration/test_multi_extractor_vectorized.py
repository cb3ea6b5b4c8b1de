"""A comparison whose environments are stepped in worker processes, on the hardware that a marker promises."""

from __future__ import annotations

import json

import pytest

from support.flows.platform_runs import claims

pytestmark = pytest.mark.train


@pytest.mark.cuda
def test_a_gpu_trains_with_vectorized_workers_and_bears_every_claim_out(place):
    run = place.compare("--require", "cuda", device="cuda", worker_mode="vectorized", num_envs=2)

    hardware = json.loads((run.path / "summary.json").read_text(encoding="utf-8"))["hardware_overview"]
    assert claims(run) == ("success", "cuda", ())
    assert [("gpu_model" in profile, "cuda_version" in profile) for profile in hardware] == [(True, True)]


@pytest.mark.macos_spawn
def test_a_mac_spawns_its_processes_and_bears_every_claim_out(place):
    run = place.compare(device="cpu", worker_mode="vectorized", num_envs=2)

    assert (claims(run), place.starts()) == (("success", "cpu", ()), {"spawn"})


@pytest.mark.spawn
def test_a_spawned_worker_trains_like_any_other_and_bears_every_claim_out(place):
    run = place.compare("--start-method", "spawn", device="cpu", worker_mode="vectorized", num_envs=1)

    assert (claims(run), place.starts()) == (("success", "cpu", ()), {"spawn"})
