"""Whatever single value of a published file is changed: the contract or the verifier objects."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractor_flow.executors.events import Stop
from extractor_flow.files import dump_line, dumps, parse_json, read_json
from extractor_flow.layout import HISTORICAL, JOURNAL, MANIFEST, SKIPS, SUMMARY
from extractor_flow.request import ExecutorChoice, RunRequest
from extractor_flow.run.runner import run_flow
from extractor_flow.verify import verify

CONFIG = """\
flow: line_fit
run: {{output_root: {root}, steps: 2, seeds: [0, 1]}}
models: [{{name: line}}, {{name: "a | b", fault: raise}}]
"""
VALUES = st.one_of(
    st.sampled_from([None, True, False, 0, -1, -0.5, 2**70, "", " ", "x", "1", "NaN", [], {}, [0], {"a": 0}]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=4),
)


class Silent:
    def opened(self, run, jobs, kept):
        """Nobody watches."""

    def happened(self, event):
        """Nobody watches."""

    def closed(self):
        """Nobody watches."""


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A real run of two models with two seeds; one model fails."""
    root = tmp_path_factory.mktemp("published")
    config = root / "study.yaml"
    config.write_text(CONFIG.format(root=root / "runs"), encoding="utf-8")
    report = run_flow(RunRequest(config, executor=ExecutorChoice("serial")), lambda words: Silent(), Stop())
    assert verify(report.run.path).ok
    return report.run.path


def places(value, path=()):
    """The path of every value inside *value*, its own first."""
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


@st.composite
def corruptions(draw, data):
    """*data* with one value replaced or removed, or one unknown key added."""
    corrupted = copy.deepcopy(data)
    path = draw(st.sampled_from(list(places(data))[1:]))
    parent = corrupted
    for key in path[:-1]:
        parent = parent[key]
    kind = draw(st.sampled_from(["replace", "remove", "add"]))
    if kind == "replace":
        parent[path[-1]] = draw(VALUES)
    elif kind == "remove":
        del parent[path[-1]]
    elif isinstance(parent, dict):
        parent["surplus"] = draw(VALUES)
    else:
        parent.append(draw(VALUES))
    return corrupted


def told(value):
    """*value* as JSON tells it: 1 is 1.0, and true is neither."""
    if isinstance(value, dict):
        return {key: told(member) for key, member in value.items()}
    if isinstance(value, list):
        return [told(item) for item in value]
    return f"{value}" if isinstance(value, bool) else value


def documents(published):
    """The files whose values are all claims: by name, what each says, and how it is written."""
    files = [SUMMARY, MANIFEST, SKIPS, HISTORICAL]
    files += [str(path.relative_to(published)) for path in sorted(published.glob("models/*/seed-0/result.json"))]
    files += [str(path.relative_to(published)) for path in sorted(published.glob("models/*/seed-0/job.json"))]
    return {name: read_json(published / name) for name in files}


@settings(max_examples=20)
@given(data=st.data())
def test_any_single_corruption_of_a_published_file_is_caught_and_the_file_named(published, data):
    originals = documents(published)
    name = data.draw(st.sampled_from(sorted(originals)))
    corrupted = data.draw(corruptions(originals[name]))

    found = found_with(published, name, dumps(corrupted))

    assert told(corrupted) == told(originals[name]) or name in found


@settings(max_examples=10)
@given(data=st.data())
def test_any_single_corruption_of_a_line_of_the_journal_is_caught_and_the_journal_named(published, data):
    lines = (published / JOURNAL).read_text(encoding="utf-8").splitlines()
    number = data.draw(st.integers(0, len(lines) - 1))
    original = parse_json(lines[number], where=JOURNAL)
    corrupted = data.draw(corruptions(original))
    lines[number] = dump_line(corrupted).rstrip("\n")

    found = found_with(published, JOURNAL, "\n".join([*lines, ""]))

    assert told(corrupted) == told(original) or JOURNAL in found


def found_with(published, name, text):
    """The files that verification objects to while the file *name* holds *text*."""
    path = published / name
    before = path.read_bytes()
    path.write_text(text, encoding="utf-8")
    try:
        return {violation.file for violation in verify(published).violations}
    finally:
        path.write_bytes(before)
