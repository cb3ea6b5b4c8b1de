"""An in-toto statement about a run: which files, what made them, what was found. Signing is left to others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extractor_flow.layout import SUBJECTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extractor_flow.files import Json

CONTRACT = "attestation"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://extractor-flow.example/attestation/training-run/v1"
_RUN = ("run_id", "run_directory", "flow", "created_at", "command", "config_sha256", "dry_run", "git", "start_sha256")
_ENVIRONMENT = ("packages", "python_version", "platform", "hardware", "processor")


def statement(
    request: Mapping[str, Any], root: str, verdict: Mapping[str, Json], verifier: Mapping[str, Json]
) -> dict[str, Json]:
    """The statement that the run of *request*, bound by *root*, was judged so by *verifier*.

    Its one subject is ``subjects.json``, whose digest is the root. What ran, and in which environment, is what
    ``run.json`` says.
    """
    return {
        "_type": STATEMENT,
        "subject": [{"name": f"{request['run_directory']}/{SUBJECTS}", "digest": {"sha256": root}}],
        "predicateType": PREDICATE,
        "predicate": {
            "run": _members(request, _RUN),
            "environment": _members(request, _ENVIRONMENT),
            "verdict": dict(verdict),
            "verifier": dict(verifier),
        },
    }


def _members(request: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Json]:
    return {name: request[name] for name in names if name in request}
