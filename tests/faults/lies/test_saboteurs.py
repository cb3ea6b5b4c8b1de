"""Trainers that cheat are caught by what every user has: verification, and for the most careful ones a replay."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import yaml

from extractor_flow.cli import main
from extractor_flow.verify import verify
from support import ROOT
from support.calling import call
from support.published import SMALL_WORLD, UNDRAWN, words

pytest.importorskip("stable_baselines3", reason="cheating trainers train, with the extra [train]")

from support.flows.saboteurs import SEEN_BY_EVIDENCE, SEEN_BY_TRAINING_AGAIN, VICTIM

# What they leave is not what the flow declares: the job fails, and nothing is left for verification to catch.
FAILED = {"zeros_as_a_test_mode_writes_them": "rejected", "simulates_a_success": "rejected", "raises": "raised"}
CHEATS = [cheat.__name__ for cheat in (*SEEN_BY_EVIDENCE, *SEEN_BY_TRAINING_AGAIN)]
PLAYED = "ppo-played-again"
NAMES = ["honest", VICTIM, "raises", *CHEATS]
STUDY = {
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
    "extractors": [{"name": name, "preset": "mlp_small"} for name in NAMES],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of which every command thinks that the saboteurs are the trainer, inside the fixture ``sabotaged``."""
    folder = tmp_path_factory.mktemp("sabotage")
    information = folder / "site" / "saboteurs-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: saboteurs\nVersion: 1.0\n", encoding="utf-8")
    (information / "entry_points.txt").write_text(
        "[extractor_flow.flows]\nextractor_comparison = support.flows.saboteurs:flow\n", encoding="utf-8"
    )
    return folder


@pytest.fixture(scope="module")
def sabotaged(folder):
    """The import path on which the saboteurs come first; nothing on it draws."""
    return os.pathsep.join([str(folder / "site"), str(ROOT / "tests"), UNDRAWN])


@pytest.fixture(scope="module")
def run(folder, sabotaged):
    """A run of all saboteurs, side by side with two honest jobs; in a process of its own, in which they come first."""
    (folder / "study.yaml").write_text(yaml.safe_dump(STUDY), encoding="utf-8")
    command = [sys.executable, "-m", "extractor_flow.cli", *words(folder)]
    environment = {**os.environ, "PYTHONPATH": sabotaged, "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True)
    return (folder / "runs" / "latest").resolve(strict=True)


@pytest.fixture(scope="module")
def found(run):
    """What verification holds against each job, by its name."""
    records = [json.loads(line) for line in (run / "records.jsonl").read_text(encoding="utf-8").splitlines()]
    lines = {f"line {number}:": record["config_name"] for number, record in enumerate(records, 1)}
    places = {f"{record['directory']}/": record["config_name"] for record in records}
    against = {name: [] for name in NAMES}
    for violation in verify(run).violations:
        owners = {name for place, name in places.items() if violation.file.startswith(place)}
        owners |= {name for line, name in lines.items() if violation.path.startswith(line)}
        for name in owners:
            against[name].append(violation)
    return against


def trained_again(run, name):
    """The violations that ``verify --replay`` adds."""
    answer = call(main, "verify", run, "--replay", name, "--format", "json", cwd=run.parent)
    return [each for each in json.loads(answer.out)["violations"] if each["kind"] == "replay"]


def test_every_saboteur_claims_success_but_those_whose_result_is_rejected(run):
    told = {
        (result["config_name"], result["status"], result.get("code"))
        for result in json.loads((run / "summary.json").read_text())["extractor_results"]
    }

    successes = {(name, "success", None) for name in NAMES if name not in FAILED}
    assert told == successes | {(name, "failed", code) for name, code in FAILED.items()}


def test_there_are_enough_saboteurs():
    assert len(set(CHEATS)) >= 12


@pytest.mark.parametrize("cheat", [name for each in SEEN_BY_EVIDENCE if (name := each.__name__) not in FAILED])
def test_a_saboteur_is_caught_by_the_evidence(found, cheat):
    assert found[cheat] != []


def test_an_honest_job_is_not_accused(found, run):
    assert (found["honest"], trained_again(run, "honest")) == ([], [])


@pytest.mark.parametrize("cheat", [cheat.__name__ for cheat in SEEN_BY_TRAINING_AGAIN])
def test_a_saboteur_whose_files_agree_is_caught_by_training_again(found, run, cheat):
    assert (found[cheat], trained_again(run, cheat) != []) == ([], True)


@pytest.mark.parametrize("cheat", [cheat.__name__ for cheat in SEEN_BY_TRAINING_AGAIN])
def test_nor_do_its_policies_score_in_the_world_that_it_names_what_it_tells(run, cheat):
    found = [each for each in verify(run, deep=[PLAYED]).violations if each.check == PLAYED]

    accused = {each.file.split("/")[1] for each in found if each.file.startswith("extractors/")}
    assert (cheat in accused, "honest" in accused, VICTIM in accused) == (True, False, False)


def test_the_tests_that_a_config_is_are_red_for_trainers_that_raise_do_nothing_or_take_another_seed(run, sabotaged):
    options = [f"--flow-run={run}", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "study.yaml", *options],
        cwd=run.parents[1],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": sabotaged, "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    failed = {line.split(" - ")[0] for line in done.stdout.splitlines() if line.startswith("FAILED ")}
    accused = {name for name in NAMES if f"extractors/{name}/" in done.stdout}
    assert (done.returncode, failed) == (
        1,
        {"FAILED study.yaml::evidence", *(f"FAILED study.yaml::job::{name} seed 1" for name in FAILED)},
    ), done.stdout
    assert accused & {"honest", "trains_nothing", "trains_another_seed"} == {"trains_nothing", "trains_another_seed"}
