"""What every run is held to, whatever its flow."""

from __future__ import annotations

from extractor_flow.verify.checks import (
    archive,
    artifacts,
    documents,
    figures,
    html,
    job_directories,
    logs,
    markdown,
    matrix,
    timeline,
    unrecorded_files,
    views,
)

CORE_CHECKS = (
    *documents.CHECKS,
    *matrix.CHECKS,
    *timeline.CHECKS,
    *archive.CHECKS,
    *job_directories.CHECKS,
    *artifacts.CHECKS,
    *logs.CHECKS,
    *unrecorded_files.CHECKS,
    *views.CHECKS,
    *markdown.CHECKS,
    *figures.CHECKS,
    *html.CHECKS,
)
"""All checks of the core, in the order in which they are run."""
