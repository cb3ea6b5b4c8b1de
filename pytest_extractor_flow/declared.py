"""The plugin's options, ini keys and markers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

MARKERS = {
    "cuda": "needs an NVIDIA GPU that CUDA can use",
    "macos_spawn": "needs macOS and its spawn start method; spawn elsewhere never counts (also: -m macos-spawn)",
    "spawn": "runs the flow under the spawn start method, on any platform",
    "slurm": "needs a Slurm cluster's sbatch",
}


PLACES = ("flow_run", "flow_output", "flow_reference", "lane", "lane_report", "lane_commit", "lane_key", "evidence")
"""The options that name something; given empty, as by an unset variable, each would mean where pytest was started."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and ini keys."""
    group = parser.getgroup("extractor-flow", "verifying real runs")
    group.addoption(
        "--require-hardware",
        action="append",
        default=[],
        metavar="NAME,...",
        help="refuse to start unless this machine has these capabilities, such as cuda,macos_spawn "
        "(also: EXTRACTOR_FLOW_REQUIRE_HARDWARE)",
    )
    group.addoption("--lane", metavar="NAME", help="the name of this lane in its report")
    group.addoption("--lane-report", metavar="FILE", help="write what ran on this lane to FILE, as JSON lines")
    group.addoption(
        "--lane-commit",
        metavar="SHA",
        help="the commit under test, where the tests run without its git checkout",
    )
    group.addoption(
        "--lane-key",
        metavar="FILE",
        help="sign the lane's report with the key in FILE (also: the key itself in EXTRACTOR_FLOW_LANE_KEY)",
    )
    group.addoption("--evidence", metavar="DIR", help="archive what this session ran, with an index, in DIR")
    parser.addini("require_hardware", "capabilities without which nothing is run", type="args", default=[])
    _add_flow_options(parser, group)


def _add_flow_options(parser: pytest.Parser, group: pytest.OptionGroup) -> None:
    """The options and ini keys about runs, which :mod:`pytest_extractor_flow.options` reads."""
    group.addoption(
        "--flow-config",
        action="append",
        default=[],
        metavar="FILE",
        help="the config whose run the flow fixtures give to tests that name none themselves (may be repeated)",
    )
    group.addoption("--flow-run", metavar="DIR", help="check this existing run; nothing is trained")
    group.addoption(
        "--flow-archived",
        action="store_true",
        help="accept that --flow-run is a slim copy, of which some files were left out",
    )
    group.addoption("--flow-output", metavar="DIR", help="keep the run directories there (default: removed at the end)")
    group.addoption(
        "--flow-timeout",
        type=float,
        metavar="SECONDS",
        help="how long a run may train (default: the ini key, or one hour)",
    )
    group.addoption(
        "--flow-reference",
        metavar="DIR",
        help="give each collected config the item reference: its run may not fall behind the run, or slim copy, in DIR",
    )
    parser.addini("flow_reference", "what --flow-reference stands in for, from the root directory", default="")
    parser.addini("flow_config", "the configs that --flow-config stands in for", type="args", default=[])
    parser.addini("flow_files", "configs that are test files, as patterns below the root directory", type="args")
    parser.addini("flow_markers", "the project's own markers that are the plugin's even so, such as cuda", type="args")
    parser.addini("flow_timeout", "how long a run may train, in seconds", default="")


def required_hardware(config: pytest.Config) -> tuple[str, ...]:
    """Everything that the option, the ini key and the environment name between them: a promise made once holds."""
    places = (
        *config.getoption("require_hardware"),
        *config.getini("require_hardware"),
        os.environ.get("EXTRACTOR_FLOW_REQUIRE_HARDWARE", ""),
    )
    names = ",".join(places).replace("-", "_").replace(",", " ").split()
    return tuple(dict.fromkeys(names))
