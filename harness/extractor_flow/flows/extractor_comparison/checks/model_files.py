"""Looks for what nobody claims: models beside those of the record, words inside the weights' file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from extractor_flow.evidence.findings import Violation, brief
from extractor_flow.flows.extractor_comparison import layout
from extractor_flow.readers.text import decode, parse, require_object
from extractor_flow.readers.weights import HEADER_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    from extractor_flow.flows.extractor_comparison.checks.examine import Claims

_MODEL = re.compile(rf"(?:{layout.CHECKPOINTS}/rl_model_[0-9]+_steps|best_model/[^/]+)\.zip")


def check_unclaimed(jobs: Sequence[Claims]) -> Iterator[Violation]:
    """The models in the directories of *jobs* that no record claims."""
    directories = {job.record.directory for job in jobs}
    claimed = {artifact.path for job in jobs for artifact in job.outcome.artifacts.values()}
    for path in jobs[0].run.files.walk().files if jobs else ():
        directory, _, name = path.rpartition("/")
        directory, _, folder = directory.rpartition("/")
        if directory in directories and path not in claimed and _MODEL.fullmatch(f"{folder}/{name}"):
            yield Violation(path, "", "is a model of this job", "no record claims it", "evidence")


def check_weights_metadata(job: Claims, path: str) -> Iterator[Violation]:
    """The words inside the weights' file at *path*: a job writes none."""
    words = job.run.read(path, _read_words)
    if words:
        yield Violation(
            path, "__metadata__", brief(sorted(words)), "a job writes no words into its weights", "evidence"
        )


def _read_words(stream: BinaryIO, where: str) -> list[str]:
    """What the header of the safetensors file *stream* says beside its tensors; other readers look at the rest."""
    length = int.from_bytes(stream.read(8), "little")
    header = stream.read(length) if length <= HEADER_LIMIT else b"{}"
    words = require_object(parse(decode(header, where), where), where).get("__metadata__")
    return [f"{key}: {value}" for key, value in words.items()] if isinstance(words, dict) else []
