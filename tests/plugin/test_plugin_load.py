"""Installed and unused, the plugin loads a few light modules of its own, and no other at all."""

from __future__ import annotations

import json

OWN = {"", ".declared", ".fixtures", ".plugin", ".shared", ".state"}
REMEMBER = """
import json, sys
from pathlib import Path

def pytest_unconfigure(config):
    Path(__file__).with_name("modules.json").write_text(json.dumps(sorted(sys.modules)))
"""


def test_a_session_that_does_not_use_the_plugin_loads_what_it_would_load_without_it_and_five_modules(
    pytester, cold_session
):
    pytester.makeconftest(REMEMBER)
    pytester.makepyfile("def test_it(): pass")

    def loaded(*options):
        cold_session("-p", "no:rerunfailures", *options)
        return set(json.loads((pytester.path / "modules.json").read_text(encoding="utf-8")))

    assert loaded() - loaded("-p", "no:extractor_flow") == {f"pytest_extractor_flow{name}" for name in OWN}
