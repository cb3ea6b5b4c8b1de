"""Installed and unused, the plugin loads nothing but the standard library and pytest."""

import json
import subprocess
import sys

import pytest

HEAVY = {
    "torch",
    "numpy",
    "stable_baselines3",
    "gymnasium",
    "jsonschema",
    "loguru",
    "filelock",
    "hypothesis",
    "syrupy",
    "pydantic",
    "extractor_flow",
    "extractor_flow.run.runner",
    "multiprocessing",
    "ctypes",
}


def test_importing_the_plugin_imports_nothing_heavy():
    code = "import json, sys, pytest_extractor_flow.plugin; print(json.dumps(sorted(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert HEAVY & set(json.loads(answer.stdout)) == set()


@pytest.mark.parametrize("arguments", [(), ("--collect-only",)], ids=["run", "collect"])
def test_a_session_that_does_not_use_the_plugin_imports_nothing_heavy(pytester, arguments):
    pytester.makeconftest(
        "import json, sys\n"
        "from pathlib import Path\n"
        "def pytest_unconfigure():\n"
        "    Path(__file__).with_name('modules.json').write_text(json.dumps(sorted(sys.modules)))\n"
    )
    pytester.makepyfile("def test_it(): pass")

    pytester.runpytest_subprocess("-p", "no:xdist", "-p", "no:rerunfailures", *arguments)

    loaded = set(json.loads((pytester.path / "modules.json").read_text(encoding="utf-8")))
    assert HEAVY & loaded == set()
