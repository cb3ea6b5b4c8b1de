"""What could be made long without end is read up to a bound, and as fast as it is long."""

from __future__ import annotations

import io
import json
import os
from types import SimpleNamespace

import pytest

from extractor_flow.readers.errors import Kind, ReadError
from extractor_flow.readers.paths import ConfinedDirectory
from extractor_flow.readers.pickle_names import uses_in
from extractor_flow.readers.pickled import table
from extractor_flow.readers.text import read_bytes, read_json
from extractor_flow.render.markdown_layout import Page
from extractor_flow.study.jobs import MOST_JOBS
from extractor_flow.verify.checks.made_again import read_figures
from extractor_flow.verify.checks.markdown import check_page


def refusal(read, *arguments):
    with pytest.raises(ReadError) as caught:
        read(*arguments)
    return caught.value.kind


@pytest.mark.parametrize("read", [table, uses_in], ids=["weights", "names"])
def test_a_pickle_has_no_more_instructions_than_a_model_needs(read):
    assert refusal(read, b"\x80\x02" + b"}" * 600_000, "file") == Kind.TOO_MANY


def test_json_has_no_more_values_than_a_summary_needs():
    assert refusal(read_json, io.BytesIO(b"[0" + b",0" * 10_000_001 + b"]"), "file") == Kind.TOO_MANY


def test_what_is_larger_than_its_limit_is_refused_before_it_is_read():
    stream = io.BytesIO(b"12345")
    stream.seek(1)

    assert (read_bytes(stream, "file", limit=4), stream.read()) == (b"2345", b"")
    stream.seek(0)
    assert refusal(lambda: read_bytes(stream, "file", limit=4)) == Kind.TOO_LARGE


@pytest.mark.parametrize("opener", ["![", "[", "<", "`", "*", "\\\\["])
def test_a_page_that_opens_one_thing_after_the_other_is_refused_before_it_is_parsed(opener):
    (found,) = check_page("# title\n\n" + opener * 100_000, Page("title", (), ()))

    assert (found.path, found.claim) == ("line 3", "is plain text")


def test_figures_are_not_read_beyond_what_all_of_them_may_have(tmp_path):
    (tmp_path / "figures").mkdir()
    for name in ("a", "b"):
        path = tmp_path / "figures" / f"{name}.png"
        path.touch()
        os.truncate(path, 60 << 20)
    spent: list[int] = []
    files = ConfinedDirectory(tmp_path, lambda _, count: spent.append(count))

    kind = refusal(read_figures, SimpleNamespace(files=files, listing=files.walk()))

    assert (kind, sum(spent)) == (Kind.TOO_LARGE, 60 << 20)


def test_a_study_has_no_more_jobs_than_can_be_verified(tmp_path):
    from extractor_flow.config import read_config
    from extractor_flow.errors import ConfigError
    from extractor_flow.registry import find_flow

    extractors = [{"name": f"e{number}", "preset": "mlp_small"} for number in range(MOST_JOBS // 1000 + 1)]
    config = tmp_path / "study.yaml"
    config.write_text(json.dumps({"run": {"seeds": list(range(1000))}, "extractors": extractors}), encoding="utf-8")

    with pytest.raises(ConfigError, match="has 21000 jobs"):
        find_flow("extractor_comparison").study(read_config(config), {})
