"""The check of the run's log, which has a line for each record."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from extractor_flow import layout
from extractor_flow.errors import DataError
from extractor_flow.evidence.check import Layer, Requirement, Scope, check
from extractor_flow.evidence.findings import Violation, brief
from extractor_flow.files import dump_line, parse_json
from extractor_flow.readers.errors import ReadError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from extractor_flow.files import Json
    from extractor_flow.verify.subject.context import RunSubject

_KIND = "inconsistent"
_MOST = 4 * 1024 * 1024  # 20,000 records of some 200 bytes


@check(
    "run-log",
    layer=Layer.CONSISTENCY,
    scope=Scope.RUN,
    reads=(layout.LOG,),
    requires=(Requirement.REQUEST, Requirement.JOURNAL),
)
def run_log(run: RunSubject) -> Iterator[Violation]:
    """Every record that the last 4 MiB of run.log tell of is in the journal.

    Catches: records that were taken out of the journal. Cannot catch: that, if the log lost its lines too.
    """
    recorded = {_line(entry.record.facts) for entry in run.journal}
    try:
        with run.files.open(layout.LOG) as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - _MOST))
            text = stream.read(_MOST).decode("utf-8", errors="replace")
    except ReadError:
        return  # a log may be lost
    for number, line in enumerate(text.split("\n"), 1):
        written = line[line.rfind(' {"') + 1 :]  # inside of a text of JSON a quotation mark has a backslash before it
        if written in recorded:
            continue
        fields = _fields(written)
        if "status" in fields and _line(fields) not in recorded:
            what = f"{layout.LOG} line {number}: {brief(fields)}"
            yield Violation(layout.JOURNAL, "", "has every record that was logged", what, _KIND)


def _line(fields: Mapping[str, Json]) -> str:
    return dump_line(fields).removesuffix("\n")


def _fields(written: str) -> dict[str, Json]:
    """The fields at the end of a line of the log; none where it has lost them."""
    try:
        value = parse_json(written, where=layout.LOG)
    except DataError:
        return {}
    return value if isinstance(value, dict) else {}


CHECKS = (run_log,)
