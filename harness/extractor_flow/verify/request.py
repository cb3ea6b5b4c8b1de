"""What a run says it was asked for, if its word can be taken at all: to tell runs apart without judging them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extractor_flow import layout
from extractor_flow.errors import DataError
from extractor_flow.readers.paths import ConfinedDirectory
from extractor_flow.verify.checks.matrix import wrong_request
from extractor_flow.verify.subject.documents import CONTRACTS, read_document

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def read_request(run_directory: Path) -> Mapping[str, Any]:
    """The value of ``run.json``, under its contract; its config has the digest that it names.

    :class:`DataError` if it cannot be read, breaks its contract, or says two things at once.
    """
    request, wrong = read_document(ConfinedDirectory(run_directory), layout.RUN, CONTRACTS[layout.RUN])
    if request is not None:
        wrong = tuple(wrong_request(request))
    if request is None or wrong:
        first = wrong[0]
        where = f"{run_directory / first.file}" + (f": {first.path}" if first.path else "")
        msg = f"{where}: claimed: {first.claim}; found: {first.found}; see `extractor-flow verify {run_directory}`"
        raise DataError(msg)
    return request
