"""Draws the figures of a whole run: ``python -m extractor_flow.run.draw RUN_DIRECTORY``."""

from __future__ import annotations

import sys

from extractor_flow.errors import HarnessError
from extractor_flow.layout import FIGURES
from extractor_flow.readers.paths import own_files
from extractor_flow.registry import find_flow
from extractor_flow.run.publish import read_summary
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.study.flow import SupportsDraw


def main(arguments: list[str]) -> int:
    """Draw into the run's ``figures`` directory; 0, or 1 with a message when the run or its flow cannot be used."""
    try:
        run = RunDirectory.open(arguments[0])
        own_files(run.path, FIGURES)  # a verifier draws beside links to the rest of the run
        flow = find_flow(run.request()["flow"])
        if isinstance(flow, SupportsDraw):
            list(flow.draw(read_summary(run, flow), run.figures_path))
    except (HarnessError, KeyError, IndexError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
