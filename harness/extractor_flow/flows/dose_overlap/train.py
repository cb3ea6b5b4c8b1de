"""``python -m extractor_flow.flows.dose_overlap.train`` is ``extractor-flow dose-overlap train``."""

from __future__ import annotations

import sys

from loguru import logger

from extractor_flow.flows.dose_overlap.cli.command import main

if __name__ == "__main__":
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    raise SystemExit(main(["train", *sys.argv[1:]]))
