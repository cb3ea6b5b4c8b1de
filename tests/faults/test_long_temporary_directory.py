"""Where TMPDIR is longer than a socket's path may be, everything runs as elsewhere, and cleans up after itself."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def long_temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / ("d" * 100)
    directory.mkdir()
    monkeypatch.setenv("TMPDIR", str(directory))
    return directory


def test_jobs_start_from_the_fork_server(workbench, long_temporary):
    config = workbench.config({"name": "line"}, {"name": "curve"})

    answer = workbench.run("run", config, "--start-method", "forkserver")

    assert (answer.code, [record.status for record in workbench.latest().records()]) == (0, ["success"] * 2), answer.err
    assert list(long_temporary.iterdir()) == []


@pytest.mark.train
@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("executor", ["local", pytest.param("serial", marks=pytest.mark.whole)])
def test_environments_have_workers_of_their_own(workbench, long_temporary, executor):
    config = workbench.path / "comparison.yaml"
    config.write_text(
        "run: {total_timesteps: 32, eval_freq: 32, n_eval_episodes: 1, worker_mode: vectorized, num_envs: 2,\n"
        "  final_eval_episodes: 1, seed: 1}\n"
        "algorithm: {n_steps: 16, n_epochs: 1}\n"
        "env: {kwargs: {rays: 16, walls: 1, pedestrians: 1, arena_size: 6.0, max_steps: 20}}\n"
        "extractors: [{name: mlp, preset: mlp_small}]\n",
        encoding="utf-8",
    )

    answer = workbench.run("run", config, "--executor", executor, "--output-root", workbench.path / "runs")

    assert (answer.code, [record.status for record in workbench.latest().records()]) == (0, ["success"]), answer.err
