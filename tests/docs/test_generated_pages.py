"""The generated parts of the documentation are what their scripts make."""

from __future__ import annotations

import re
import runpy

from extractor_flow.evidence.findings import Unchecked, Why
from extractor_flow.verify.verdict import EXIT_CODES, Verdict
from support import ROOT


def test_the_reference_is_up_to_date():
    script = runpy.run_path(str(ROOT / "scripts" / "write_reference.py"))
    made = script["pages"]()
    kept = {name: (script["PAGES"] / name).read_text(encoding="utf-8") for name in made}

    assert kept == made, "run: python scripts/write_reference.py"


def test_the_table_of_what_was_not_checked_has_every_code_and_what_it_makes_of_a_verdict():
    page = (ROOT / "docs" / "verification.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \|.*\| (\d) \|$", page, re.MULTILINE)
    made = {code.value: EXIT_CODES[Verdict(unchecked=(Unchecked("it", "so", code),)).conclusion] for code in Why}
    # What is unreadable is a violation, too; what only --deep looks at is listed apart.
    expected = {**made, Why.UNREADABLE.value: 1}
    del expected[Why.DEEP.value]

    assert {code: int(exit_code) for code, exit_code in rows} == expected
