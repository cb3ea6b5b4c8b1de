"""A config to begin with can be run as it stands."""

from __future__ import annotations

import pytest

from extractor_flow.cli import main
from extractor_flow.config import read_config
from extractor_flow.registry import find_flow

FLOWS = ("extractor_comparison", "dose_overlap")


@pytest.mark.parametrize("name", FLOWS)
def test_it_is_a_study_of_its_flow_and_is_not_written_over(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    first, second = main(["init", name]), main(["init", name, "study.yaml"])

    study = find_flow(name).study(read_config(tmp_path / "study.yaml"), {})
    assert (first, second, len(study.jobs) > 1) == (0, 2, True)
    assert "study.yaml is there already; name another file" in capsys.readouterr().err


def test_a_flow_without_one_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    assert (main(["init", "line_fit"]), list(tmp_path.iterdir())) == (2, [])
    assert "brings no config to begin with" in capsys.readouterr().err
