"""Write the table of checks in docs/verification.md again: python scripts/write_check_table.py."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

DOCUMENT = Path(__file__).parents[1] / "docs" / "verification.md"
OWNERS = ("core", "extractor_comparison", "dose_overlap")
_TABLE = re.compile(
    r"(<!-- the checks: made by scripts/write_check_table.py -->\n).*?(<!-- end of the checks -->)", re.DOTALL
)


def with_table(text: str) -> str:
    """*text* with the table that the command gives now between its marks."""
    command = [sys.executable, "-P", "-m", "extractor_flow.cli", "checks", *OWNERS, "--format", "markdown"]
    table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return _TABLE.sub(lambda found: f"{found[1]}{table}{found[2]}", text)


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
