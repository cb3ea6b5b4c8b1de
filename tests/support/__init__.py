"""What the tests share: imported as ``support``, for ``tests`` is on the import path of every session."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The checkout."""
