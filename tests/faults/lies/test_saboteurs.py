"""Trainers that cheat are caught by what every user has: verification, and for the most careful ones a replay."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import chdir
from functools import partial

import pytest
from rich.console import Console

from extractor_flow.cli.terminal.display import display_for
from extractor_flow.executors.events import Stop
from extractor_flow.verify import verify
from extractor_flow.verify.replay import replay
from support import ROOT
from support.published import SMALL_WORLD, UNDRAWN, publish_run

pytest.importorskip("stable_baselines3", reason="cheating trainers train, with the extra [train]")

from support.flows.saboteurs import SEEN_BY_EVIDENCE, SEEN_BY_TRAINING_AGAIN, VICTIM

# What they leave is not what the flow declares: the job fails, and nothing is left for verification to catch.
FAILED = {"zeros_as_a_test_mode_writes_them": "rejected", "simulates_a_success": "rejected", "raises": "raised"}
SEEN, UNSEEN = ([cheat.__name__ for cheat in cheats] for cheats in (SEEN_BY_EVIDENCE, SEEN_BY_TRAINING_AGAIN))
PLAYED = "ppo-played-again"
SETTINGS = {
    "run": {
        "run_id": "sabotage",
        "total_timesteps": 64,
        "eval_freq": 32,
        "save_freq": 32,
        "n_eval_episodes": 2,
        "final_eval_episodes": 2,
        "num_envs": 2,
        "seeds": [1],
        "baseline_extractor": "honest",
    },
    "env": {"kwargs": SMALL_WORLD},
    "algorithm": {"n_steps": 16, "batch_size": 16, "n_epochs": 2},
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The place of a package that has the saboteurs be the trainer wherever it comes first."""
    site = tmp_path_factory.mktemp("site")
    information = site / "saboteurs-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: saboteurs\nVersion: 1.0\n", encoding="utf-8")
    (information / "entry_points.txt").write_text(
        "[extractor_flow.flows]\nextractor_comparison = support.flows.saboteurs:flow\n", encoding="utf-8"
    )
    return site


@pytest.fixture(scope="module")
def sabotaged(site, tmp_path_factory):
    """Runs jobs by the saboteurs whom they are named after, side by side with an honest one; nothing is drawn."""

    def publish(*names):
        extractors = [{"name": name, "preset": "mlp_small"} for name in ("honest", *names)]
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(site)
            patch.setenv("PYTHONPATH", UNDRAWN)
            return publish_run(tmp_path_factory.mktemp("sabotage"), {**SETTINGS, "extractors": extractors})

    return publish


@pytest.fixture(scope="module")
def run(sabotaged):
    """A run of the saboteurs that leave evidence."""
    return sabotaged(VICTIM, "raises", *SEEN)


@pytest.fixture(scope="module")
def unseen(sabotaged):
    """A run of the saboteurs whose files agree, which costs less to play again than the whole."""
    return sabotaged(*UNSEEN)


def outcomes(run):
    """How each job ended, by its own word: its name, its status, and the code of a failure."""
    results = json.loads((run / "summary.json").read_text(encoding="utf-8"))["extractor_results"]
    return {(result["config_name"], result["status"], result.get("code")) for result in results}


@pytest.fixture(scope="module")
def accused(run):
    """The names of the jobs that verification holds something against."""
    records = [json.loads(line) for line in (run / "records.jsonl").read_text(encoding="utf-8").splitlines()]
    lines = {f"line {number}:": record["config_name"] for number, record in enumerate(records, 1)}
    places = {f"{record['directory']}/": record["config_name"] for record in records}
    violations = verify(run).violations
    by_file = {name for place, name in places.items() for each in violations if each.file.startswith(place)}
    return by_file | {name for line, name in lines.items() for each in violations if each.path.startswith(line)}


def trained_again(run, name):
    """The violations that honest training of one job adds."""
    with chdir(run.parent):  # in a checkout with changes, those might be why a result differs
        return replay(run, name, partial(display_for, Console(stderr=True)), Stop()).violations


def test_every_saboteur_claims_success_but_those_whose_result_is_rejected(run, unseen):
    successes = {(name, "success", None) for name in ("honest", VICTIM, *SEEN, *UNSEEN) if name not in FAILED}
    assert outcomes(run) | outcomes(unseen) == successes | {(name, "failed", code) for name, code in FAILED.items()}


def test_there_are_enough_saboteurs():
    assert len({*SEEN, *UNSEEN}) >= 12


@pytest.mark.parametrize("cheat", [name for name in SEEN if name not in FAILED])
def test_a_saboteur_is_caught_by_the_evidence(accused, cheat):
    assert cheat in accused


def test_an_honest_job_is_not_accused(accused, unseen):
    assert ("honest" in accused, trained_again(unseen, "honest")) == (False, ())


@pytest.mark.parametrize("cheat", UNSEEN)
def test_a_saboteur_whose_files_agree_is_caught_by_training_again(unseen, cheat):
    assert trained_again(unseen, cheat) != ()


def test_policies_do_not_score_in_the_world_that_their_job_names_what_a_saboteur_of_it_tells(unseen):
    found = verify(unseen, deep=[PLAYED]).violations

    accused = {each.file.split("/")[1] for each in found if each.file.startswith("extractors/")}
    assert (accused, {each.check for each in found}) == ({*UNSEEN}, {PLAYED})


def test_the_tests_that_a_config_is_are_red_for_trainers_that_raise_do_nothing_or_take_another_seed(run, site):
    path = os.pathsep.join([str(site), str(ROOT / "tests"), UNDRAWN])
    options = [f"--flow-run={run}", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "study.yaml", *options],
        cwd=run.parents[1],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    failed = {line.split(" - ")[0] for line in done.stdout.splitlines() if line.startswith("FAILED ")}
    named = {name for name in ("honest", *SEEN) if f"extractors/{name}/" in done.stdout}
    assert (done.returncode, failed) == (
        1,
        {"FAILED study.yaml::evidence", *(f"FAILED study.yaml::job::{name} seed 1" for name in FAILED)},
    ), done.stdout
    assert named & {"honest", "trains_nothing", "trains_another_seed"} == {"trains_nothing", "trains_another_seed"}
