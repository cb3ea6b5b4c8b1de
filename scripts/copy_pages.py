"""Give the documentation site its copies of CHANGELOG.md and CONTRIBUTING.md: python scripts/copy_pages.py.

They lie at the top of the repository, where people look for them; the site knows only what lies in docs/.
"""

from pathlib import Path

ROOT = Path(__file__).parents[1]

for name in ("CHANGELOG.md", "CONTRIBUTING.md"):
    text = (ROOT / name).read_text(encoding="utf-8")
    (ROOT / "docs" / name.lower()).write_text(text.replace("](docs/", "]("), encoding="utf-8")
