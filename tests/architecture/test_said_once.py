"""What is stated in one place: the names of files; and what is for people only: reasons."""

from __future__ import annotations

import ast
from pathlib import PurePosixPath

import pytest

from extractor_flow import layout
from support.sources import ROOT, modules, texts

LAYOUT = "harness/extractor_flow/layout.py"
FLOWS = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("harness/extractor_flow/flows/*/layout.py"))
PARSING = {
    "startswith",
    "endswith",
    "partition",
    "rpartition",
    "split",
    "rsplit",
    "splitlines",
    "removeprefix",
    "removesuffix",
    "find",
    "rfind",
    "index",
    "count",
}
MATCHING = {"match", "fullmatch", "search", "findall", "finditer", "sub", "split"}


def names_in(tree):
    """The file names that a layout gives: those of its constants that are texts."""
    values = [node.value for node in tree.body if isinstance(node, ast.Assign)]
    return {value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)}


def written(path, names):
    """Where the module at *path* writes one of *names* out: as a text, or as a part of a path or of a pattern."""
    for line, text in texts(modules()[path]):
        parts = PurePosixPath(text.replace("\\", "")).parts
        if names & {text, *parts}:
            yield f"{path}:{line}: {text}"


def test_every_name_of_a_runs_file_is_written_in_one_module():
    names = names_in(modules()[LAYOUT])
    # The words for folders and links are words of the language, too.
    outside = [path for path in modules() if path != LAYOUT]

    found = [where for path in outside for where in written(path, names - {layout.FIGURES, layout.LATEST})]

    assert (found, {"run.json", "records.jsonl", "job.json"} <= names) == ([], True)


@pytest.mark.parametrize("owner", FLOWS)
def test_every_name_of_a_flows_file_is_written_in_one_module(owner):
    names = {name for name in names_in(modules()[owner]) if "." in name}
    folder = owner.removesuffix("layout.py")

    found = [w for path in modules() if path.startswith(folder) and path != owner for w in written(path, names)]

    assert (found, names != set()) == ([], True)


def is_reason(node):
    """Whether *node* is a reason: an attribute or a variable of that name, or that member of some JSON."""
    match node:
        case ast.Attribute(attr="reason") | ast.Name(id="reason"):
            return True
        case ast.Subscript(slice=ast.Constant(value="reason")):
            return True
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value="reason"), *_]):
            return True
    return False


def readings(tree):
    """The lines in which a reason is compared, matched or taken apart."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=left, ops=ops, comparators=others):
                by_identity = all(isinstance(op, ast.Is | ast.IsNot) for op in ops)
                bad = not by_identity and any(map(is_reason, [left, *others]))
            case ast.Call(func=ast.Attribute(value=value, attr=attr), args=arguments):
                bad = (attr in PARSING and is_reason(value)) or (attr in MATCHING and any(map(is_reason, arguments)))
            case ast.MatchClass(kwd_attrs=attributes, kwd_patterns=patterns):
                asked = dict(zip(attributes, patterns, strict=True)).get("reason")
                bad = asked is not None and not (isinstance(asked, ast.MatchAs) and asked.pattern is None)
            case _:
                bad = False
        if bad:
            yield getattr(node, "lineno", 0) or node.patterns[0].lineno


@pytest.mark.parametrize(
    "source",
    [
        "record.outcome.reason == DRY_RUN",
        "outcome.reason.startswith('needs')",
        "'memory' in record['reason']",
        "re.fullmatch('interrupted by .*', outcome.reason)",
        "signal = reason.rsplit(' ', 1)[-1]",
        "match outcome:\n    case Failed(reason='killed'): pass",
    ],
)
def test_a_reading_of_a_reason_is_seen(source):
    assert len(list(readings(ast.parse(source)))) == 1


@pytest.mark.parametrize("source", ["reason is None", "print(outcome.reason)", "case_of(reason=outcome.reason)"])
def test_showing_a_reason_is_none(source):
    assert list(readings(ast.parse(source))) == []


def test_no_module_compares_matches_or_takes_apart_a_reason():
    found = {path: lines for path, tree in modules().items() if (lines := list(readings(tree)))}

    assert (found, len(modules()) > 100) == ({}, True)
