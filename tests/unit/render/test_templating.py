"""Compiled templates, which processes leave for each other."""

from __future__ import annotations

import sys

import pytest

from extractor_flow.render.page import templating


@pytest.mark.parametrize("left", [0, 1, 100, 1000])
def test_a_template_is_compiled_once_and_again_when_what_was_kept_is_torn(tmp_path, monkeypatch, left):
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    _read_a_template()
    (kept,) = tmp_path.rglob("*.templating.*")
    whole = kept.stat()
    _read_a_template()
    assert kept.stat().st_mtime_ns == whole.st_mtime_ns
    kept.write_bytes(kept.read_bytes()[:left])

    _read_a_template()

    assert kept.stat().st_size == whole.st_size


def test_where_nothing_can_be_kept_templates_are_compiled_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "file"))
    (tmp_path / "file").touch()

    assert _read_a_template() == "made.html.jinja"
    assert (tmp_path / "file").read_bytes() == b""


def _read_a_template() -> str | None:
    return templating._templates.__wrapped__().get_template("made.html.jinja").name
