"""``dose-overlap import``: measured frames of other programs, brought to the contract of a data set."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from extractor_flow.arguments import at_least
from extractor_flow.files import write_bytes
from extractor_flow.flows.dose_overlap.cli.numbers import above_zero
from extractor_flow.flows.dose_overlap.cli.train import say

if TYPE_CHECKING:
    from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData


def add_import(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``import``."""
    from extractor_flow.flows.dose_overlap.measured.consistency import WAYS

    command = commands.add_parser("import", help="bring measured frames to the contract of a data set")
    command.add_argument(
        "files", metavar="FILE", type=Path, nargs="+", help="NPZ or HDF5 files that hold the arrays together"
    )
    command.add_argument("--output", metavar="FILE", type=Path, required=True, help="the NPZ file to write")
    command.add_argument(
        "--photon-scale",
        metavar="S",
        type=above_zero,
        help="photons for each unit of squared amplitude, or for each count (default for counts: 1)",
    )
    command.add_argument(
        "--pixel-size",
        metavar="M",
        type=above_zero,
        help="metres for each pixel of the object, where positions are in metres",
    )
    command.add_argument(
        "--at", metavar="NAME=PATH", type=_place, action="append", default=[], help="where an array lies; repeatable"
    )
    command.add_argument(
        "--read-with",
        metavar="WAY",
        choices=(*WAYS, "nothing"),
        action="append",
        help=f"undo {', '.join(WAYS)} or nothing; default: what fits",
    )
    command.add_argument(
        "--refine-probe",
        metavar="N",
        type=at_least(1),
        default=0,
        help="refine object and probe in N passes, and draw them",
    )
    add_acceptance(command)
    command.set_defaults(handler=_import)


def add_acceptance(command: argparse.ArgumentParser) -> None:
    """Add the option that goes on in spite of what the frames say."""
    command.add_argument(
        "--accept-inconsistent", action="store_true", help="go on where frames do not fit their object; recorded"
    )


def _import(options: argparse.Namespace) -> int:
    """Write what the files hold together as one data set, and say what was changed."""
    from extractor_flow.flows.dose_overlap.data.dataset import write_data
    from extractor_flow.flows.dose_overlap.measured.consistency import WAYS
    from extractor_flow.flows.dose_overlap.measured.importing import import_files
    from extractor_flow.flows.dose_overlap.measured.layouts import ImportRequest

    ways = None if options.read_with is None else tuple(each for each in WAYS if each in options.read_with)
    request = ImportRequest(
        options.photon_scale, options.pixel_size, dict(options.at), ways, accept=options.accept_inconsistent
    )
    refinement = _Refinement(options.refine_probe) if options.refine_probe else None
    data = import_files(options.files, request, refine=refinement)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    write_data(options.output, data)
    say(f"{data.count} frames of {data.frame_size} pixels: {options.output}")
    changes = [str(each) for name in ("casts", "changes") for each in data.metadata[name]]  # type: ignore[union-attr]
    for each in changes or ["nothing was changed"]:
        say(f"  {each}")
    if refinement is not None:
        refinement.draw(options.output.with_suffix(".probe.png"))
    return 0


class _Refinement:
    """Refines a data set's probe, and remembers it for the picture."""

    def __init__(self, passes: int) -> None:
        self.passes = passes

    def __call__(self, data: PtychographyData) -> PtychographyData:
        from extractor_flow.flows.dose_overlap.reconstruction.probe import refine_probe

        refined = refine_probe(data, self.passes)
        self.probes = data.probe_guess, refined.probe_guess
        return refined

    def draw(self, path: Path) -> None:
        """Draw the probe as it was and as it is now."""
        from extractor_flow.flows.dose_overlap.figures import png
        from extractor_flow.flows.dose_overlap.figures.pictures import draw_probes

        write_bytes(path, png(draw_probes(*self.probes)))
        say(f"drawn: {path}")


def _place(text: str) -> tuple[str, str]:
    """``NAME=PATH`` as a pair; else argparse's complaint."""
    from extractor_flow.flows.dose_overlap.measured.layouts import PLACES

    name, _, path = text.partition("=")
    if name not in PLACES or not path:
        msg = f"{text!r} is not NAME=PATH with a NAME among {', '.join(PLACES)}"
        raise argparse.ArgumentTypeError(msg)
    return name, path
