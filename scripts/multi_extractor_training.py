"""Compare feature extractors: ``python scripts/multi_extractor_training.py --config FILE [--run-id ID] ...``.

A thin door to ``extractor-flow run``, kept for the notebooks and cluster scripts that call it.
"""

import sys

from extractor_flow.cli.run import main

if __name__ == "__main__":
    sys.exit(main())
