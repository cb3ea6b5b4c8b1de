"""A comparison whose environments are stepped in the job's own process, on the hardware that a marker promises."""

from __future__ import annotations

import pytest

from support.flows.platform_runs import claims

pytestmark = pytest.mark.train


@pytest.mark.cuda
def test_training_on_a_gpu_starts_from_the_weights_that_the_seed_decides_anywhere(place):
    runs = [place.compare(device=device, run_id=device) for device in ("cuda", "cpu")]

    first, second = ([record.outcome.details["untrained_weights_sha256"] for record in run.records()] for run in runs)
    assert first == second


@pytest.mark.spawn
def test_a_spawned_process_trains_like_any_other_and_bears_every_claim_out(place):
    run = place.compare("--start-method", "spawn", device="cpu", worker_mode="single-thread", num_envs=2)

    assert (claims(run), place.starts()) == (("success", "cpu", ()), {"spawn"})
