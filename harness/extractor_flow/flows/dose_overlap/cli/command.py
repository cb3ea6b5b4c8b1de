"""``extractor-flow dose-overlap``: the phases of a study one by one, on directories of the caller's; or all in a run.

Exit codes are those of ``extractor-flow``: 0 well, 1 a job failed, 2 the request or its data were wrong.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from extractor_flow.arguments import at_least
from extractor_flow.errors import HarnessError, RequestError
from extractor_flow.files import printable
from extractor_flow.flows.dose_overlap.cli.import_frames import add_acceptance, add_import
from extractor_flow.flows.dose_overlap.cli.numbers import dose, finite, number
from extractor_flow.flows.dose_overlap.cli.train import OPTIONS, train
from extractor_flow.flows.dose_overlap.jobs import EXTRA, FLOW_NAME, PACKAGES
from extractor_flow.flows.dose_overlap.plan import VIEWS
from extractor_flow.flows.dose_overlap.training_config import SolverConfig, TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

_PROG = "extractor-flow dose-overlap"
_DOSES = (1_000, 10_000, 100_000)
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int | list[str]:
    """Run the command; every error a user can cause is one message on standard error and an exit code.

    ``study`` is an alias: it returns the arguments of the ``extractor-flow`` command that it stands for.
    """
    options = parser().parse_args(sys.argv[1:] if arguments is None else list(arguments))
    try:
        _require_packages()
        answer: int | list[str] = options.handler(options)
    except HarnessError as error:
        sys.stderr.write(f"{_PROG}: {printable(str(error))}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write(f"{_PROG}: interrupted\n")
        return _INTERRUPTED
    return answer


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(prog=_PROG, description="Studies reconstruction over photon dose and scan overlap.")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add in (add_import, _add_generate, _add_overlap, _add_train, _add_reconstruct, _add_compare, _add_study):
        add(commands)
    return top


def _require_packages() -> None:
    """Raise :class:`RequestError`, which says what to install, where a package of the flow is missing."""
    if absent := [name for name in PACKAGES if importlib.util.find_spec(name) is None]:
        msg = f"needs {', '.join(absent)}, not installed here; do: pip install '{EXTRA}'"
        raise RequestError(msg)


def _add_generate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from extractor_flow.flows.dose_overlap.config import schema_defaults

    command = commands.add_parser("generate", help="measure an object at every dose, and split the scan")
    command.add_argument("--output-root", metavar="DIR", type=Path, required=True, help="where dose_<int>/ go")
    command.add_argument(
        "--base-npz", metavar="FILE", type=Path, help="measure this data set's object; default: make one"
    )
    command.add_argument(
        "--frames", metavar="FILE", type=Path, help="take the measured frames of this data set, thinned to each dose"
    )
    command.add_argument("--dose", metavar="PHOTONS", type=dose, action="append", help="photons a frame; repeatable")
    add_acceptance(command)
    for name, default in schema_defaults("simulation").items():
        if not name.startswith("base_"):
            option = f"--{name.replace('_', '-')}"
            command.add_argument(
                option, metavar="N", type=number(default), default=default, help="default: %(default)s"
            )
    command.set_defaults(handler=_generate)


def _add_overlap(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from extractor_flow.flows.dose_overlap.config import schema_defaults

    command = commands.add_parser("overlap", help="thin the scans to the dense and the sparse view")
    command.add_argument("--phase-c-root", metavar="DIR", type=Path, required=True, help="what generate wrote")
    command.add_argument("--output-root", metavar="DIR", type=Path, help="default: the phase-c-root")
    for name, default in schema_defaults("design", "overlaps").items():
        command.add_argument(
            f"--{name}", metavar="F", type=finite, default=default, help="overlap (default: %(default)s)"
        )
    command.add_argument(
        "--frames", metavar="N", type=at_least(1), help="keep N frames of each side, those nearest to its middle"
    )
    command.set_defaults(handler=_overlap)


def _add_train(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("train", help="train the network of every dose and view")
    command.add_argument("--phase-c-root", metavar="DIR", type=Path, required=True, help="what generate wrote")
    command.add_argument("--phase-d-root", metavar="DIR", type=Path, help="what overlap wrote (default: phase-c-root)")
    command.add_argument("--artifact-root", metavar="DIR", type=Path, required=True, help="where results go")
    command.add_argument("--dose", metavar="PHOTONS", type=dose, help="only this dose")
    command.add_argument("--view", choices=VIEWS, help="only this view")
    command.add_argument("--gridsize", type=int, choices=(1, 2), help="only this gridsize")
    command.add_argument("--dry-run", action="store_true", help="write the manifest; train nothing")
    add_acceptance(command)
    command.add_argument("--resume", action="store_true", help="go on from the checkpoints that are there")
    command.add_argument("--strict", action="store_true", help="a view without data is an error, not a skip")
    defaults = TrainingConfig(dose=1.0)
    for name in OPTIONS:
        default = getattr(defaults, name)
        option = f"--{name.replace('_', '-')}"
        metavar = "NAME" if isinstance(default, str) else "N"
        command.add_argument(
            option, metavar=metavar, type=number(default), default=default, help="default: %(default)s"
        )
    command.set_defaults(handler=train)


def _add_reconstruct(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("reconstruct", help="reconstruct the held-out frames with every trained network")
    command.add_argument("--artifact-root", metavar="DIR", type=Path, required=True, help="what train wrote")
    command.add_argument("--iterations", metavar="N", type=at_least(1), default=15, help="of the iterative solver")
    command.set_defaults(handler=_reconstruct)


def _add_compare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("compare", help="the table, the curves and the grid of images")
    command.add_argument("--artifact-root", metavar="DIR", type=Path, required=True, help="what reconstruct wrote")
    command.set_defaults(handler=_compare)


def _add_study(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser(
        "study",
        help="all phases in one run directory, verified",
        description="Another name for `extractor-flow run CONFIG --verify`, whose further options it takes.",
    )
    command.add_argument("config", metavar="CONFIG", type=Path, help="a YAML file, see configs/dose_overlap/")
    command.add_argument("rest", metavar="...", nargs=argparse.REMAINDER, help="options of `extractor-flow run`")
    command.set_defaults(handler=_study)


def _generate(options: argparse.Namespace) -> int:
    from extractor_flow.flows.dose_overlap.cli.phases import generate_data, generate_from_frames

    if options.frames is not None:
        return generate_from_frames(options)
    return generate_data(options, sorted(set(options.dose or _DOSES)))


def _overlap(options: argparse.Namespace) -> int:
    from extractor_flow.flows.dose_overlap.cli.phases import thin_data
    from extractor_flow.flows.dose_overlap.data.views import Thinning

    thinnings = {name: Thinning(getattr(options, name), options.frames) for name in ("dense", "sparse")}
    return thin_data(options.phase_c_root, options.output_root, thinnings)


def _reconstruct(options: argparse.Namespace) -> int:
    from extractor_flow.flows.dose_overlap.cli.phases import reconstruct_all

    return reconstruct_all(options.artifact_root, SolverConfig(iterations=options.iterations))


def _compare(options: argparse.Namespace) -> int:
    from extractor_flow.flows.dose_overlap.cli.phases import compare_all

    return compare_all(options.artifact_root)


def _study(options: argparse.Namespace) -> list[str]:
    from extractor_flow.config import read_config

    found = read_config(options.config).data.get("flow")
    if found != FLOW_NAME:
        what = "names no flow" if found is None else f"flow: is {found!r}"
        msg = f"{options.config}: {what}; expected 'flow: {FLOW_NAME}'; any other: extractor-flow run {options.config}"
        raise RequestError(msg)
    return ["run", str(options.config), "--verify", *options.rest]
