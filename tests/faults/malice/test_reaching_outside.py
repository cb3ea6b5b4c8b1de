"""A run whose config names files of whoever verifies it, or more data than fit into memory: neither is touched."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from extractor_flow.verify import verify
from support.lies.dose_tampering import relabelled

pytest.importorskip("torch", reason="this run reconstructs, with the extra [dose]")

_WATCHED = """
import json, sys
from pathlib import Path
opened = []
sys.addaudithook(lambda event, details: opened.append(str(details[0])) if event == "open" else None)
from extractor_flow.verify import verify
verify(Path(sys.argv[1]))
print(json.dumps([path for path in opened if "treasure" in path]))
"""


@pytest.fixture(scope="module")
def genuine_run(shared_run):
    return shared_run.some_cells()[1]


@pytest.fixture
def run(genuine_run, tampering_with):
    return tampering_with(genuine_run)


@pytest.mark.parametrize("pinned", [True, False])
def test_a_file_outside_of_the_run_is_not_opened(run, tmp_path, pinned):
    treasure = tmp_path / "treasure.npz"
    treasure.write_bytes(b"secret")
    relabelled(lambda config: config["simulation"].update(base_npz=str(treasure), base_sha256=None))(run)
    with run.json("run.json") as request:
        request["config"]["simulation"]["base_sha256"] = "0" * 64 if pinned else None

    done = subprocess.run([sys.executable, "-c", _WATCHED, run.path], capture_output=True, text=True, check=True)

    assert json.loads(done.stdout.splitlines()[-1]) == []


def test_a_run_that_does_not_pin_the_data_set_it_names_is_a_violation(run):
    with run.json("run.json") as request:
        request["config"]["simulation"].update(base_npz="/nowhere/treasure.npz", base_sha256=None)

    found = [violation.found for violation in verify(run.path).violations if violation.path == "$.config"]

    assert ["base_sha256" in each for each in found] == [True]


def test_a_scan_of_too_many_frames_is_not_measured_again(run):
    relabelled(lambda config: config["simulation"].update(object_size=288, scan_step=1))(run)

    whys = [each.why for each in verify(run.path).unchecked if each.what == "the data"]

    assert [why.partition(" frames")[0].isdecimal() for why in whys] == [True]
