"""The wheel by itself: what it brings works where neither the checkout nor a deep-learning package is in reach."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support import ROOT

LOOK = """
import json, sys
from importlib.metadata import distribution
from importlib.util import find_spec
from extractor_flow.contracts import load_schema, schema_names

named = [f"{point.group}: {point.name} = {point.value}" for point in distribution("pytest-extractor-flow").entry_points]
print(json.dumps({
    "places": [find_spec(name).origin for name in ("extractor_flow", "pytest_extractor_flow.plugin")],
    "contracts": [load_schema(name)["$id"].rpartition("/")[2] for name in schema_names()],
    "entry points": sorted(named),
}))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The wheel, built and installed in a directory of its own, without network and without what it depends on."""
    source, wheels, site = (tmp_path_factory.mktemp(name) for name in ("source", "wheels", "site"))
    # A copy: what an earlier build left in the checkout would come along.
    for name in ("harness", "pytest_extractor_flow", "contracts"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = ("build", "--wheel", "--no-isolation", "--outdir", str(wheels), str(source))
    subprocess.run([sys.executable, "-m", *build], check=True, capture_output=True)
    (wheel,) = wheels.glob("*.whl")
    install = ("install", "--quiet", "--no-deps", "--no-index", "--target", str(site), str(wheel))
    subprocess.run([sys.executable, "-m", "pip", *install], check=True, capture_output=True)
    return site


def inside(site, *words):
    """Python with the installed wheel before everything else, started elsewhere."""
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-P", *words], cwd=site, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_packages_contracts_and_entry_points_are_there(site):
    found = json.loads(inside(site, "-c", LOOK))

    assert [Path(place).is_relative_to(site) for place in found["places"]] == [True, True]
    assert found["contracts"] == sorted(path.name for path in (ROOT / "contracts").glob("*.schema.json"))
    assert found["entry points"] == [
        "console_scripts: extractor-flow = extractor_flow.cli:main",
        "extractor_flow.commands: dose-overlap = extractor_flow.flows.dose_overlap.cli.command:main",
        "extractor_flow.commands: import = extractor_flow.flows.extractor_comparison.zoo.command:main",
        "extractor_flow.executors: local = extractor_flow.executors.local:LocalExecutor",
        "extractor_flow.executors: serial = extractor_flow.executors.serial:SerialExecutor",
        "extractor_flow.executors: slurm = extractor_flow.executors.slurm:SlurmExecutor",
        "extractor_flow.flows: dose_overlap = extractor_flow.flows.dose_overlap:flow",
        "extractor_flow.flows: extractor_comparison = extractor_flow.flows.extractor_comparison:flow",
        "pytest11: extractor_flow = pytest_extractor_flow.plugin",
    ]


def test_a_real_run_is_trained_and_verified_by_what_the_wheel_brings(site, tmp_path):
    config = tmp_path / "study.yaml"
    config.write_text("flow: line_fit\nrun: {steps: 5}\nmodels: [{name: line}]\n", encoding="utf-8")

    inside(site, "-m", "extractor_flow.cli", "run", str(config), "--output-root", str(tmp_path / "runs"))
    said = json.loads(
        inside(site, "-m", "extractor_flow.cli", "verify", str(tmp_path / "runs/latest"), "--format", "json")
    )

    assert (said["ok"], said["violations"]) == (True, [])


def test_nothing_is_installed_beside_the_packages(site):
    names = {entry.name for entry in site.iterdir() if not entry.name.endswith(".dist-info")}

    typed = {entry.parent.name for entry in site.glob("*/py.typed")}
    assert (names, typed) == (
        {"extractor_flow", "pytest_extractor_flow", "bin"},
        {"extractor_flow", "pytest_extractor_flow"},
    )


def test_the_contracts_examples_stay_in_the_repository(site):
    """Pytest reads the list of all files of an installed plugin at every start: what nobody imports costs everybody."""
    shipped = sorted(path.name for path in (site / "extractor_flow/_contracts").iterdir() if path.name != "__pycache__")

    assert shipped == sorted(path.name for path in (ROOT / "contracts").iterdir() if path.is_file())


def test_pytest_has_no_package_of_the_plugin_whose_assertions_it_would_rewrite(site):
    """Loading the plugin through that takes twice the time, in every session of everybody who has it installed."""
    assert not (site / "pytest_extractor_flow/__init__.py").exists()


@pytest.mark.parametrize("way", ["installed", "editable"])
def test_a_project_may_have_a_package_called_harness(site, tmp_path, way):
    """The name of our source root is not the name of our package: neither hides the other, whichever comes first."""
    project = tmp_path / "project"
    (project / "harness").mkdir(parents=True)
    (project / "harness/__init__.py").write_text("MINE = 1\n", encoding="utf-8")
    theirs = tmp_path / "theirs"
    if way == "installed":
        shutil.copytree(project / "harness", theirs / "harness")
    else:
        theirs.mkdir()
        (theirs / "project.pth").write_text(f"{project}\n", encoding="utf-8")
    ask = (
        f"import site; site.addsitedir({str(theirs)!r}); import extractor_flow.cli, harness; "
        "print(harness.MINE, extractor_flow.cli.main([{!r}]))"
    )

    for first in (theirs, site):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (first, site)))}
        done = subprocess.run(
            [sys.executable, "-c", ask.format("flows")],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["1 0"]), done.stderr
