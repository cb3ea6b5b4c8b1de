"""``extractor-flow hardware | flows | extractors | schema``: what this installation offers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from extractor_flow.cli.terminal.plain import say
from extractor_flow.errors import RequestError

if TYPE_CHECKING:
    import argparse


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommands."""
    hardware = commands.add_parser("hardware", help="what this machine is, and which capabilities it lacks")
    hardware.add_argument("--json", action="store_true", help="for programs")
    hardware.set_defaults(handler=show_hardware)
    commands.add_parser("flows", help="the installed flows").set_defaults(handler=show_flows)
    commands.add_parser("extractors", help="the extractor presets a config may name").set_defaults(
        handler=show_extractors
    )
    schema = commands.add_parser("schema", help="print a data contract")
    schema.add_argument("name", metavar="NAME", nargs="?", help="without it: the names there are")
    schema.set_defaults(handler=show_schema)


def show_hardware(options: argparse.Namespace) -> int:
    """Print the hardware profile and the missing capabilities."""
    from extractor_flow.files import dumps
    from extractor_flow.run.hardware import missing_capabilities, probe

    profile, missing = probe().to_json(), missing_capabilities()
    if options.json:
        sys.stdout.write(dumps({**profile, "missing": missing}))
        return 0
    for key, value in profile.items():
        say(f"{key.replace('_', ' ')}: {value}")
    for capability, reason in missing.items():
        say(f"no {capability}: {reason}")
    return 0


def show_flows(_options: argparse.Namespace) -> int:
    """Print each flow's name and what it is."""
    from extractor_flow.registry import find_flow, flow_names

    for name in flow_names():
        try:
            say(f"{name}: {find_flow(name).vocabulary.title}")
        except RequestError as error:
            say(f"{name}: {error}")
    return 0


def show_extractors(_options: argparse.Namespace) -> int:
    """Print the presets with their parameters."""
    from extractor_flow.registry import DEFAULT_FLOW, find_flow
    from extractor_flow.study.flow import SupportsCatalogue

    flow = find_flow(DEFAULT_FLOW)
    if isinstance(flow, SupportsCatalogue):
        for name, description, parameters in flow.catalogue():
            shown = ", ".join(f"{key}={value}" for key, value in parameters.items())
            say(f"{name}: {description}{f' ({shown})' if shown else ''}")
    return 0


def show_schema(options: argparse.Namespace) -> int:
    """Print one contract, or the names of all."""
    from extractor_flow.contracts import load_schema, schema_names
    from extractor_flow.files import dumps

    if options.name is None:
        for name in schema_names():
            say(name)
        return 0
    sys.stdout.write(dumps(load_schema(options.name)))
    return 0
