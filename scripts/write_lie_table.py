"""Write the table in docs/lies.md again: python scripts/write_lie_table.py."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from support.lies.kinds.table import as_markdown  # noqa: E402 - only now can it be found

DOCUMENT = ROOT / "docs" / "lies.md"
_TABLE = re.compile(r"(<!-- the lies: made by scripts/write_lie_table.py -->\n).*", re.DOTALL)


def with_table(text: str) -> str:
    """*text* with the table of lies as it is now after its mark."""
    return _TABLE.sub(lambda found: f"{found[1]}{as_markdown()}", text)


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
