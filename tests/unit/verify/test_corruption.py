"""Any change of a single field in any of a run's files is caught, and the file is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractor_flow.files import dump_line, dumps
from extractor_flow.verify import verify
from support.published import lines

MODELS = [{"name": "a"}, {"name": "bad", "fault": "raise"}, {"name": "gone", "requires": ["telescope"]}]
FILES = [
    "run.json",
    "records.jsonl",
    "summary.json",
    "training_manifest.json",
    "skip_summary.json",
    "complete_results.json",
    "models/a/job.json",
    "models/a/result.json",
    "models/bad/job.json",
    "models/bad/result.json",
]
# What a run says of the command and the machine that made it has no second witness on disk.
WITHOUT_WITNESS = {
    "command",
    "config_path",
    "executor",
    "git",
    "hardware",
    "packages",
    "platform",
    "processor",
    "python_version",
}
Steps = tuple[Any, ...]


@pytest.fixture(scope="module")
def genuine_run(shared_run, tmp_path_factory):
    """A copy, for each example changes a file and puts it back."""
    return shutil.copytree(shared_run(lines(*MODELS, seeds=[1, 2])), tmp_path_factory.mktemp("genuine") / "run")


def load(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()] if path.suffix == ".jsonl" else json.loads(text)


def save(path: Path, value: Any) -> None:
    text = "".join(map(dump_line, value)) if path.suffix == ".jsonl" else dumps(value)
    path.write_text(text, encoding="utf-8")


def places(value: Any, steps: Steps = ()) -> list[Steps]:
    """Every member and item of *value*."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, member in inside for place in ((*steps, key), *places(member, (*steps, key)))]


def corrupted(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return f"{value}x"
        case None:
            return 1
        case list():
            return [*value, "x"]
        case _:
            return {**value, "x": "x"}


def change(data: Any, steps: Steps, *, drop: bool) -> None:
    *way, last = steps
    for step in way:
        data = data[step]
    if drop:
        del data[last]
    else:
        data[last] = corrupted(data[last])


def in_seeds(name: str) -> str:
    return name.replace("/job", "/seed-1/job").replace("/result", "/seed-1/result")


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=15)
@given(data=st.data())
def test_a_change_of_one_field_is_caught_in_its_file(genuine_run, name, data):
    file = genuine_run / in_seeds(name)
    genuine = file.read_bytes()
    value = load(file)
    witnessed = [place for place in places(value) if name != "run.json" or place[0] not in WITHOUT_WITNESS]
    steps = data.draw(st.sampled_from(witnessed))
    try:
        change(value, steps, drop=data.draw(st.booleans()))
        save(file, value)
        found = {violation.file for violation in verify(genuine_run).violations}
    finally:
        file.write_bytes(genuine)

    assert in_seeds(name) in found, found
