"""What the tests share: imported as ``support``, for ``tests`` is on the import path of every session."""

import os
from pathlib import Path

from extractor_flow.run.job import ONE_THREAD_EACH

ROOT = Path(__file__).parents[2]
"""The checkout."""

# The workers of a session share the cores: libraries with threads of their own would only wait for each other.
for _name in ONE_THREAD_EACH:
    os.environ.setdefault(_name, "1")

# Before any test: pytester forgets the modules that were first imported in one of its tests, and numpy loads only once.
import numpy as np  # noqa: E402, F401
