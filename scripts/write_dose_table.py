"""Write the table of results in docs/dose_overlap.md again, from the sample: python scripts/write_dose_table.py."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from extractor_flow.flows.dose_overlap.cli.phases import rows_of_run
from extractor_flow.flows.dose_overlap.cli.table import summary_table

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "dose_overlap.md"
SAMPLE = ROOT / "docs" / "samples" / "dose_overlap_study"
_TABLE = re.compile(
    r"(<!-- the study: made by scripts/write_dose_table.py -->\n).*?(<!-- end of the study -->)", re.DOTALL
)


def with_table(text: str, run: Path = SAMPLE) -> str:
    """*text* with the table of *run* between its marks."""
    table = summary_table(rows_of_run(run))
    return _TABLE.sub(lambda found: f"{found[1]}{table}{found[2]}", text)


if __name__ == "__main__":
    run = Path(sys.argv[1]) if sys.argv[1:] else SAMPLE
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8"), run), encoding="utf-8")
