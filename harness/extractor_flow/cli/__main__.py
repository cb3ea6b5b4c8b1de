"""``python -m extractor_flow.cli``: the command where its script is not on the PATH."""

import sys

from extractor_flow.cli import main

sys.exit(main())
