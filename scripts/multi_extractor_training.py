"""Compare feature extractors: ``python scripts/multi_extractor_training.py --config FILE [--run-id ID] ...``.

A thin door to ``extractor-flow run``, kept for the notebooks and cluster scripts that call it.
"""

import sys

from extractor_flow.cli import main


def positional(words: list[str]) -> list[str]:
    """*words* with ``--config FILE`` and ``--config=FILE`` turned into the bare FILE."""
    return [word.removeprefix("--config=") for word in words if word != "--config"]


if __name__ == "__main__":
    sys.exit(main(["run", *positional(sys.argv[1:])]))
