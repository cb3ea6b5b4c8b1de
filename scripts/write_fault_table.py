"""Write the table in docs/faults.md again, from what `make faults` left: scripts/write_fault_table.py ROWS."""

from __future__ import annotations

import re
import sys
from pathlib import Path

DOCUMENT = Path(__file__).parents[1] / "docs" / "faults.md"
_TABLE = re.compile(r"(<!-- the faults: made by scripts/write_fault_table.py -->\n).*", re.DOTALL)
_HEAD = "| what was done | moments | problems |\n|---|---|---|\n"


def with_table(text: str, rows: str) -> str:
    """*text* with a table of *rows* after its mark."""
    return _TABLE.sub(lambda found: f"{found[1]}{_HEAD}{rows}", text)


if __name__ == "__main__":
    lines = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines(keepends=True)
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8"), "".join(sorted(lines))), encoding="utf-8")
