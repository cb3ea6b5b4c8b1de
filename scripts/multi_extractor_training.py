"""Compare feature extractors: ``python scripts/multi_extractor_training.py --config FILE [--run-id ID] ...``.

A thin door to ``extractor-flow run``, kept for the notebooks and cluster scripts that call it.
"""

import sys
from importlib.util import find_spec


def positional(words: list[str]) -> list[str]:
    """*words* with ``--config FILE`` and ``--config=FILE`` turned into the bare FILE."""
    return [word.removeprefix("--config=") for word in words if word != "--config"]


if __name__ == "__main__":
    if find_spec("extractor_flow") is None:
        sys.exit(
            f"{sys.executable} has no extractor_flow. From the checkout: `make setup`, then `. .venv/bin/activate`; "
            "or `pip install '.[train]'`; or `uv run python scripts/multi_extractor_training.py ...`"
        )
    from extractor_flow.cli import main

    sys.exit(main(["run", *positional(sys.argv[1:])]))
