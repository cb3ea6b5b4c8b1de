"""The generated parts of the documentation are what their scripts make."""

from __future__ import annotations

import runpy

from support import ROOT


def test_the_reference_is_up_to_date():
    script = runpy.run_path(str(ROOT / "scripts" / "write_reference.py"))
    made = script["pages"]()
    kept = {name: (script["PAGES"] / name).read_text(encoding="utf-8") for name in made}

    assert kept == made, "run: python scripts/write_reference.py"
