"""The whole table of lies, and how docs/lies.md shows it."""

from __future__ import annotations

from collections import Counter

from support.lies.kinds import curves, doses, files, policies, records, requests
from support.lies.kinds.kind import Seen, Subject

SUBJECTS = (
    requests.REQUESTS,
    requests.STARTS,
    records.FIGURES,
    records.TIMES,
    records.OUTCOMES,
    records.ATTEMPTS,
    files.FILES,
    files.COPIES,
    policies.SCHEDULES,
    policies.MODELS,
    curves.CURVES,
    policies.SCORES,
    policies.FIGURES,
    doses.DOSES,
)


def as_markdown() -> str:
    """How many lies of each subject are caught by what, and each lie with what catches it first."""
    heads = ("lies about", "kinds", *(seen.value for seen in Seen))
    rows = [heads, ["---"] * len(heads)]
    rows += [(each.name, *_counts(each)) for each in SUBJECTS]
    rows.append(("all of them", *_counts(*SUBJECTS)))
    lines = [_row(row) for row in rows]
    for each in SUBJECTS:
        lines += ["", f"**{each.name[0].upper()}{each.name[1:]}**", "", "| lie | caught by |", "|---|---|"]
        lines += [_row((kind.title, f"`{kind.check}`" if kind.check else kind.seen.value)) for kind in each.kinds]
    return "\n".join(lines) + "\n"


def _counts(*subjects: Subject) -> list[str]:
    found = Counter(kind.seen for subject in subjects for kind in subject.kinds)
    return [str(found.total()), *(str(found[seen]) for seen in Seen)]


def _row(cells: object) -> str:
    return f"| {' | '.join(cells)} |"  # type: ignore[arg-type]
