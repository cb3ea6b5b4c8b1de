"""What keeps the architecture: layers, light imports, complete packages."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from support import ROOT
from support.sources import imports

HEAVY = ("torch", "stable_baselines3", "gymnasium", "matplotlib", "scipy", "skimage", "tensorboard", "pandas")
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_imports_go_downwards_only():
    answer = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize(
    "module",
    [
        "extractor_flow.cli",
        "extractor_flow.cli.run",
        "extractor_flow.run.runner",
        "extractor_flow.run.publish",
        "extractor_flow.job",
        "extractor_flow.run.job",
        "extractor_flow.executors.local",
        "extractor_flow.flows.extractor_comparison",
        "extractor_flow.verify",
        "extractor_flow.run.hardware",
    ],
)
def test_the_light_modules_load_no_deep_learning_package(module):
    script = f"import sys, {module}; print(sorted(set({HEAVY!r}) & set(sys.modules)))"

    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "[]"


def test_no_modules_import_each_other_in_a_circle_not_even_in_functions():
    TopologicalSorter(imports()).prepare()


def test_every_package_directory_is_in_the_distribution():
    directories = {
        ".".join(path.parent.relative_to(top if top.name == "harness" else ROOT).parts)
        for top in (ROOT / "harness", ROOT / "pytest_extractor_flow")
        for path in top.rglob("*.py")
    }

    assert set(SETTINGS["tool"]["setuptools"]["packages"]) == directories | {"extractor_flow._contracts"}


def test_an_import_of_the_package_finds_the_contracts():
    from importlib.resources import files

    assert files("extractor_flow._contracts").joinpath("run_config.schema.json").is_file()


def test_no_module_is_started_with_the_working_directory_before_the_installed_packages():
    """``python -m`` without ``-P`` takes whatever stands in the user's project under the name of one of ours."""
    sources = [path for package in ("harness", "pytest_extractor_flow") for path in (ROOT / package).rglob("*.py")]
    careless = [path for path in sources if 'sys.executable, "-m"' in path.read_text(encoding="utf-8")]

    assert (careless, len(sources) > 100) == ([], True)


def test_no_folder_holds_more_than_fifteen_modules():
    tops = (ROOT / name for name in ("harness", "pytest_extractor_flow", "tests", "examples"))
    folders = Counter(path.parent.relative_to(ROOT) for top in tops for path in top.rglob("*.py"))

    assert {folder: count for folder, count in folders.items() if count > 15} == {}
