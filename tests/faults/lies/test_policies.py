"""The saved policies are asked what they score: lies that every file tells are caught, and only they."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from functools import cache

import pytest

from extractor_flow.cli import main
from extractor_flow.evidence.findings import Why
from extractor_flow.run import rundir
from extractor_flow.verify import verify
from support.lies.about_models import STUDY
from support.lies.about_policies import LIES, PLAYED, exchanged, one_episode, raised
from support.lies.mutated_runs import one_for_each_check
from support.lies.tampering import Tampering
from support.published import COMPARISON, UNDRAWN, publish_run

pytest.importorskip("stable_baselines3")
pytestmark = pytest.mark.train

UNREPEATABLE = '''
import itertools

import gymnasium
import numpy as np
from gymnasium.envs.classic_control import CartPoleEnv
from gymnasium.wrappers import NormalizeReward, TimeLimit
from stable_baselines3.common.torch_layers import FlattenExtractor

_AGE = itertools.count()


class Older(gymnasium.RewardWrapper):
    """Its rewards shrink with every step that was ever made."""

    def reward(self, reward):
        return reward / (1 + next(_AGE))


class Unseeded(gymnasium.RewardWrapper):
    """Its rewards hang on a generator of their own."""

    def __init__(self, env):
        super().__init__(env)
        self._draw = np.random.default_rng()

    def reward(self, reward):
        return reward + self._draw.normal()


def short():
    return TimeLimit(CartPoleEnv(), 12)


def normalized():
    return NormalizeReward(short())


def older():
    return Older(short())


def unseeded():
    return Unseeded(short())


class Flat(FlattenExtractor):
    """Somebody's own."""
'''
FLAT = {"name": "flat", "preset": "dynamics_no_conv"}
OWN = {"env": {"factory": "unrepeatable:short"}, "extractors": [{"name": "own", "class": "unrepeatable:Flat"}]}


@pytest.fixture(scope="module")
def genuine_run(shared_run):
    return shared_run(STUDY)


@pytest.fixture
def run(genuine_run, tampering_with):
    return tampering_with(genuine_run)


def trained(folder, monkeypatch, changes):
    """A run of one seed with *changes* to the study."""
    (folder / "unrepeatable.py").write_text(UNREPEATABLE, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "unrepeatable", raising=False)
    settings = {**COMPARISON, "extractors": COMPARISON["extractors"][:1], **changes}
    only_one = {"seeds": [1], "baseline_extractor": None}
    return publish_run(folder, {**settings, "run": {**COMPARISON["run"], **only_one, **changes.get("run", {})}})


def rewards_unchecked(verdict):
    return {each.code for each in verdict.unchecked if each.check == "ppo-played-again"}


@pytest.mark.parametrize("lie", one_for_each_check(LIES))
def test_a_lie_that_agrees_in_every_file_is_caught_by_playing_again_alone(run, lie):
    lie.change(run)

    found = verify(run.path, deep=PLAYED).violations

    assert {each.check for each in found} == {*lie.checks} == {*PLAYED}, found
    assert lie.file in {each.file for each in found}, found


@pytest.fixture(scope="module")
def unrepeatable(tmp_path_factory):
    """Gives the run in environments that do not do the same twice, by the name of what makes them."""
    folder = tmp_path_factory.mktemp("unrepeatable")
    with pytest.MonkeyPatch.context() as importable:

        @cache
        def run(factory):
            (folder / factory).mkdir()
            changes = {"env": {"factory": f"unrepeatable:{factory}"}, "extractors": [FLAT]}
            with pytest.MonkeyPatch.context() as undrawn:
                undrawn.setenv("PYTHONPATH", UNDRAWN, prepend=os.pathsep)
                return trained(folder / factory, importable, changes)

        yield run


@pytest.mark.parametrize("factory", ["normalized", "older", "unseeded"])
def test_an_environment_that_does_not_do_the_same_twice_is_told_and_not_accused(unrepeatable, factory):
    verdict = verify(unrepeatable(factory), deep=PLAYED, trust=[f"unrepeatable:{factory}"])

    assert (verdict.violations, rewards_unchecked(verdict)) == ((), {Why.NO_REPEAT})


@pytest.mark.usefixtures("undrawn")
def test_running_normalisation_that_is_not_told_is_caught(unrepeatable, tampering_with):
    name, run = "unrepeatable:normalized", tampering_with(unrepeatable("normalized"))

    with run.lying("extractors/flat") as record:
        record["details"]["repeatability"] = {"repeats": True, "differs": [], "findings": []}

    assert {each.check for each in verify(run.path, deep=True, trust=[name]).violations} == {"ppo-repeatability"}


def test_training_again_where_nothing_repeats_accuses_nobody(unrepeatable, capsys):
    path = unrepeatable("unseeded")
    capsys.readouterr()

    code = main(["verify", str(path), "--replay", "flat", "--format", "json"])

    verdict = json.loads(capsys.readouterr().out)
    codes = {each["code"] for each in verdict["unchecked"] if each["check"] == "replay"}
    notes = " ".join(json.loads((path / "summary.json").read_text("utf-8"))["notes"])
    assert (code, verdict["violations"], codes) == (0, [], {"no-repeat"})
    assert "unrepeatable:unseeded does not repeat" in notes


@pytest.mark.usefixtures("undrawn")
def test_code_that_the_config_names_is_not_run_unless_it_is_trusted(tmp_path, monkeypatch):
    path = trained(tmp_path, monkeypatch, OWN)
    (tmp_path / "unrepeatable.py").write_text("raise SystemExit('it ran')", encoding="utf-8")

    (why,) = [each.why for each in verify(path, deep=PLAYED).unchecked if each.check == "ppo-played-again"]

    assert why.endswith("--trust unrepeatable:Flat --trust unrepeatable:short")


NOT_DRAWN = ["ppo-torch-weights", *PLAYED]


def elsewhere(run, **told):
    """The run says that it was made on another machine."""
    with run.json(rundir.RUN) as request:
        for name, value in told.items():
            request[name] = {**request[name], **value} if isinstance(value, dict) else value
    run.republish()


@pytest.mark.parametrize(("lie", "is_caught"), [(raised(slice(1, None), 3.0), True), (one_episode(1e-7), False)])
def test_another_processor_excuses_last_bits_and_no_more(run, lie, is_caught):
    lie(run)
    elsewhere(run, processor="Another Processor 9000")

    verdict = verify(run.path, deep=PLAYED)

    caught = [each for each in verdict.violations if each.check == "ppo-played-again"]
    assert (bool(caught), rewards_unchecked(verdict)) == (is_caught, set())


def test_other_packages_leave_a_difference_open_and_the_run_unverified(run):
    exchanged("ep_lengths")(run)
    elsewhere(run, packages={"torch": "1.0"})

    verdict = verify(run.path, deep=PLAYED)

    assert (rewards_unchecked(verdict), verdict.conclusion.value) == ({Why.NOT_REPRODUCED}, "inconclusive")


@pytest.fixture(scope="module")
def with_other_kernels(shared_run, tmp_path_factory):
    """Deeply verified where PyTorch has no vector instructions: violations, checks that ran, and what was unpickled."""
    genuine_run = shared_run(COMPARISON)
    run = Tampering(
        shutil.copytree(genuine_run, tmp_path_factory.mktemp("elsewhere") / genuine_run.name, symlinks=True)
    )
    elsewhere(run, processor="Another Processor 9000")
    program = (
        "import sys; found = []\n"
        "sys.addaudithook(lambda name, _: found.append(name) if name.startswith('pickle') else None)\n"
        "import json; from pathlib import Path; from extractor_flow.verify import verify\n"
        f"verdict = verify(Path({str(run.path)!r}), deep={NOT_DRAWN})\n"
        "print(json.dumps([list(map(str, verdict.violations)), [each.check for each in verdict.ran], found]))"
    )
    kernels = {"ATEN_CPU_CAPABILITY": "default", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"}
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, check=True, capture_output=True, text=True, env={**os.environ, **kernels})
    return json.loads(done.stdout)


def test_nothing_is_unpickled(with_other_kernels):
    _, ran, unpickled = with_other_kernels

    assert ({*NOT_DRAWN} <= {*ran}, unpickled) == (True, [])


def test_a_processor_with_other_kernels_is_not_accused(with_other_kernels):
    """Without vector instructions PyTorch adds up in another order: the last bits differ, and the processor's name."""
    violations, _, _ = with_other_kernels

    assert violations == []
