"""The checks that apply to every run, whatever its flow."""

from __future__ import annotations

from extractor_flow.verify.checks import (
    archive,
    artifacts,
    binding,
    documents,
    job_contract,
    job_directories,
    logs,
    made_again,
    matrix,
    timeline,
    unrecorded_files,
)

CORE_CHECKS = (
    *documents.CHECKS,
    *binding.CHECKS,
    *matrix.CHECKS,
    *timeline.CHECKS,
    *archive.CHECKS,
    *job_directories.CHECKS,
    *artifacts.CHECKS,
    *job_contract.CHECKS,
    *logs.CHECKS,
    *unrecorded_files.CHECKS,
    *made_again.CHECKS,
)
"""All checks of the core, in the order in which they are run."""
