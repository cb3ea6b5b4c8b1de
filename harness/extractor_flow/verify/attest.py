"""Writes a verdict as an in-toto statement, which other tools can sign."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from extractor_flow import __version__
from extractor_flow.binding.statement import statement
from extractor_flow.clock import timestamp, utc_now
from extractor_flow.errors import RequestError
from extractor_flow.files import write_json
from extractor_flow.layout import SUBJECTS
from extractor_flow.run.provenance import DISTRIBUTION
from extractor_flow.verify.request import read_request

if TYPE_CHECKING:
    from pathlib import Path

    from extractor_flow.files import Json
    from extractor_flow.verify.verdict import Verdict


def require_place(file: Path, run_directory: Path | None = None) -> None:
    """Raise :class:`RequestError` unless *file* can be written, outside of the run that it is about."""
    if not file.parent.is_dir() or file.is_dir():
        msg = f"--attest {file}: {'is a directory' if file.is_dir() else f'there is no directory {file.parent}'}"
        raise RequestError(msg)
    if run_directory is not None and run_directory.resolve() in file.resolve().parents:
        msg = f"--attest {file}: is inside the run {run_directory}, whose files are bound; name a file outside it"
        raise RequestError(msg)


def attest(run_directory: Path, verdict: Verdict, file: Path, *, deep: bool = False) -> None:
    """Write the statement of *verdict* on the run, found with or without *deep*, to *file*.

    :class:`RequestError` when the run has no root that it could be about, or *file* cannot be written.
    """
    require_place(file, run_directory)
    if verdict.root is None:
        msg = f"--attest {file}: {run_directory} has no {SUBJECTS} that binds its files; publish it first"
        raise RequestError(msg)
    try:
        write_json(file, statement(read_request(run_directory), verdict.root, _found(verdict, deep=deep), _verifier()))
    except OSError as error:
        msg = f"--attest {file}: cannot be written: {error.strerror or error}"
        raise RequestError(msg) from error


def _found(verdict: Verdict, *, deep: bool) -> dict[str, Json]:
    return {
        "ok": verdict.ok,
        "deep": deep,
        "violations": len(verdict.violations),
        "unchecked": [item.what for item in verdict.unchecked],
        "reproduced": [item.job for item in verdict.reproduced],
    }


def _verifier() -> dict[str, Json]:
    return {
        "time": timestamp(utc_now()),
        "packages": {DISTRIBUTION: __version__},
        "python_version": platform.python_version(),
        "platform": platform.platform(),
    }
