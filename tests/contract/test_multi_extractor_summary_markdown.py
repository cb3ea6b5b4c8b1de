"""The Markdown of one real training of the default comparison's matrix, which the JSON's tests look at, too."""

from __future__ import annotations

import re

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

pytestmark = [pytest.mark.train, pytest.mark.flow("tests/contract/real_run.yaml")]
# The last bits of a reward are the processor's; when a reward was reached, or whether, and who is ahead hang on them.
_MEASURED = re.compile(r"-?\d+\.\d+|(?<= on )\d+(?= of \d+ seed)")
_HANGS_ON_THEM = re.compile(r"\| (Detail|\w*(convergence|efficiency)\w*) \|")
_EVENT_FILE = re.compile(r"(events\.out\.tfevents)\S+")


class MarkdownFile(SingleFileSnapshotExtension):
    """One ``.md`` file a snapshot."""

    _write_mode = WriteMode.TEXT
    file_extension = "md"


def test_its_markdown_reads_like_this_once_what_was_measured_is_masked(flow_markdown, snapshot):
    lines = [line for line in flow_markdown.splitlines() if not _HANGS_ON_THEM.match(line)]
    text = _EVENT_FILE.sub(r"\1.(machine)", _MEASURED.sub("(measured)", "\n".join(lines)))

    assert text == snapshot.use_extension(MarkdownFile)
