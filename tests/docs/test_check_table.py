"""The table of checks in the documentation is the one that the command makes."""

from __future__ import annotations

import runpy

from support import ROOT


def test_the_table_of_checks_is_up_to_date():
    script = runpy.run_path(str(ROOT / "scripts" / "write_check_table.py"))
    text = script["DOCUMENT"].read_text(encoding="utf-8")

    assert script["with_table"](text) == text, "run: python scripts/write_check_table.py"
