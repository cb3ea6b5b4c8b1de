"""Checks of a run's own files: plain files, strict JSON, each under its contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from extractor_flow import layout
from extractor_flow.evidence.check import Layer, Scope, check
from extractor_flow.evidence.findings import Violation
from extractor_flow.verify.subject.documents import CONTRACTS
from extractor_flow.verify.subject.made import is_as_made

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extractor_flow.verify.subject.context import RunSubject


@check("plain-files", scope=Scope.RUN)
def plain_files(run: RunSubject) -> Iterator[Violation]:
    """Everything beneath the run directory is a regular file with a UTF-8 name, or a directory.

    Catches: links out of the run, devices, FIFOs. Cannot catch: what the files hold.
    """
    for error in run.listing.refused:
        yield Violation.refused(error.where, error)


@check("json-contracts", layer=Layer.SCHEMA, scope=Scope.RUN, reads=(layout.RUN, layout.SUMMARY, layout.MANIFEST))
def json_contracts(run: RunSubject) -> Iterator[Violation]:
    """Each JSON file of the run is strict JSON and satisfies its contract.

    Catches: missing, torn and malformed files, NaN, a key that stands twice. Cannot catch: wrong values of the right
    form.
    """
    for name in (*CONTRACTS, layout.SUMMARY):
        if not is_as_made(run, name):
            yield from run.documents.wrong(name)


@check("journal-lines", layer=Layer.SCHEMA, scope=Scope.RUN, reads=(layout.JOURNAL,))
def journal_lines(run: RunSubject) -> Iterator[Violation]:
    """Each line of the journal is whole, and a record that satisfies its contract.

    Catches: a torn or edited journal whose lines are no records. Cannot catch: lines that were taken out.
    """
    yield from run.documents.wrong_journal


CHECKS = (plain_files, json_contracts, journal_lines)
