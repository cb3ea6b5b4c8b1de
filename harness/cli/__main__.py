"""``python -m harness.cli``: the command where its script is not on the PATH."""

import sys

from harness.cli import main

sys.exit(main())
