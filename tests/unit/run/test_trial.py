"""What is tried before a run is begun is waited for, and not for ever."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest
from loguru import logger

from extractor_flow.config import read_config
from extractor_flow.errors import RequestError
from extractor_flow.executors.events import Stop
from extractor_flow.executors.local import LocalExecutor, starting
from extractor_flow.executors.trial import require_usable
from extractor_flow.registry import find_flow

CONFIG = """\
run: {run_id: one, total_timesteps: 64}
extractors: [{name: hangs, class: "hangs:Thing"}, {name: sound, preset: mlp_small}]
"""
HANGS = "import threading\n\nthreading.Event().wait()\n"


@pytest.fixture
def trial(tmp_path, monkeypatch):
    """What is said of a config whose first class is in a module that never ends to be imported."""
    if find_spec("stable_baselines3") is None:
        pytest.skip("needs stable_baselines3")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hangs.py").write_text(HANGS, encoding="utf-8")
    (tmp_path / "study.yaml").write_text(CONFIG, encoding="utf-8")
    flow = find_flow("extractor_comparison")
    study = flow.study(read_config(tmp_path / "study.yaml"), {})

    def try_with(**patience):
        require_usable(flow, study.jobs, LocalExecutor(1, **patience), Stop(), where="study.yaml")

    return try_with


@pytest.mark.whole
def test_what_is_not_made_in_time_is_named_and_left_to_the_jobs(trial):
    told = []
    sink = logger.add(told.append, level="WARNING", format="{message}")
    try:
        trial(trial_seconds=0.0)
    finally:
        logger.remove(sink)

    assert told == ["not tried out within 0 s; their jobs will show whether they can be made: hangs, sound\n"]


def test_a_run_is_refused_where_what_every_job_imports_does_not_end(trial):
    with pytest.raises(RequestError, match="what every job imports first was not imported within 0 s"):
        trial(start_method="spawn", preload=("hangs",), imports_seconds=0.0)


def test_the_server_of_forks_ends_only_where_its_imports_do_not():
    code = (
        "from signal import ITIMER_REAL, getitimer\n"
        "import extractor_flow.executors.forkserver_preload\nbegun = getitimer(ITIMER_REAL)[0]\n"
        "import extractor_flow.executors.forkserver_ready\nprint(begun > 500, getitimer(ITIMER_REAL)[0])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "True 0.0\n"


def test_an_error_of_a_starting_process_is_told_as_it_is():
    why = "can't start new thread"

    with pytest.raises(RequestError) as told, starting():
        raise RuntimeError(why)

    assert str(told.value) == f"no process can be started for a job: {why}"
