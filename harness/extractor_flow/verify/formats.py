"""A verdict for people (text), for programs (JSON, contract ``verdict``) and for continuous integration."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from extractor_flow.files import dumps
from extractor_flow.readers.errors import one_line
from extractor_flow.render.escaping import cell, escape_cell
from extractor_flow.study.records import SCHEMA_VERSION
from extractor_flow.verify.verdict import Conclusion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from extractor_flow.files import Json
    from extractor_flow.verify.verdict import Reproduction, Unchecked, Verdict, Violation

_MOST_ROWS = 50  # GitHub takes a megabyte a step
_OTHERS = "run"
"""The JUnit suite of what no check of a layer found: replays, the project's own violations, the whole verdict."""


def as_text(verdict: Verdict, run: str) -> str:
    """Lines for a terminal: each violation under its file, what was not checked, and the verdict in the last line."""
    lines = []
    for file, violations in groupby(verdict.violations, key=lambda violation: violation.file):
        lines.append(file)
        lines.extend(f"  {_sentence(violation)}" for violation in violations)
    if verdict.conclusion is not Conclusion.UNPUBLISHED:
        lines.extend(f"not checked: {_omission(item)}" for item in verdict.unchecked)
    lines.extend(map(_certificate, verdict.reproduced))
    lines.extend(f"note: {note}" for note in verdict.notes)
    lines.extend([] if verdict.root is None else [f"root: {verdict.root}"])
    return "\n".join([*lines, f"{one_line(run)}: {conclude(verdict)}", ""])


def as_json(verdict: Verdict, run: str) -> str:
    """The JSON document of the contract ``verdict``."""
    violations: list[Json] = [dict(asdict(violation)) for violation in verdict.violations]
    unchecked: list[Json] = [dict(asdict(item)) for item in verdict.unchecked]
    reproduced: list[Json] = [
        {"job": item.job, "equal": list(item.equal), "environment": list(item.environment)}
        for item in verdict.reproduced
    ]
    return dumps(
        {
            "schema_version": SCHEMA_VERSION,
            "run": one_line(run),
            **({} if verdict.root is None else {"root": verdict.root}),
            "ok": verdict.ok,
            "conclusion": verdict.conclusion,
            "claims": verdict.claims,
            "checks": [each.check for each in verdict.ran],
            "needs_deep": list(verdict.needs_deep),
            "violations": violations,
            "unchecked": unchecked,
            **({"reproduced": reproduced} if reproduced else {}),
            **({"notes": list(verdict.notes)} if verdict.notes else {}),
        }
    )


def as_junit(verdict: Verdict, run: str) -> str:
    """JUnit XML: a suite for each layer with a test case for each check that looked, and one for the whole run."""
    top = ET.Element("testsuites", name=f"verify {one_line(run)}")
    if verdict.root is not None:
        ET.SubElement(ET.SubElement(top, "properties"), "property", name="root", value=verdict.root)
    suites: dict[str, list[ET.Element]] = defaultdict(list)
    for ran in verdict.ran:
        found = [each for each in verdict.violations if each.check == ran.check]
        omitted = [each for each in verdict.unchecked if each.check == ran.check]
        suites[ran.layer].append(_case(ran.layer, ran.check, found, omitted))
    suites[_OTHERS] = [*_other_cases(verdict), _whole(verdict, run)]
    for name, cases in suites.items():
        failures, skipped = (sum(case.find(tag) is not None for case in cases) for tag in ("failure", "skipped"))
        counts = {"tests": str(len(cases)), "failures": str(failures), "skipped": str(skipped), "errors": "0"}
        ET.SubElement(top, "testsuite", {"name": name, **counts}).extend(cases)
    ET.indent(top)
    return ET.tostring(top, encoding="unicode", xml_declaration=True) + "\n"


def as_github(verdict: Verdict, run: str) -> str:
    """Workflow commands, which GitHub shows beside the files: errors, what was not checked, and the verdict."""
    lines = [
        _annotation("error", f"{run}/{each.file}", each.check or each.kind, _sentence(each))
        for each in verdict.violations
    ]
    lines += [_annotation("warning", run, item.code, _omission(item)) for item in verdict.unchecked]
    level = "error" if verdict.violations else "notice"
    return "\n".join([*lines, _annotation(level, run, "extractor-flow verify", conclude(verdict)), ""])


def as_step_summary(verdict: Verdict, run: str) -> str:
    """Markdown for GitHub's page of a job: the verdict, and a table of what contradicts the run."""
    lines = [f"## {escape_cell(run)}: {escape_cell(conclude(verdict))}", ""]
    if verdict.violations:
        shown = verdict.violations[:_MOST_ROWS]
        lines += ["| file | what was found | check |", "|---|---|---|"]
        lines += [
            f"| {' | '.join(map(cell, (each.file, _sentence(each), each.check or each.kind)))} |" for each in shown
        ]
        lines += ["", *([f"and {more} more", ""] if (more := len(verdict.violations) - len(shown)) else [])]
    return "\n".join([*lines, *([] if verdict.root is None else [f"root: `{verdict.root}`", ""]), ""])


FORMATS: dict[str, Callable[[Verdict, str], str]] = {
    "text": as_text,
    "json": as_json,
    "junit": as_junit,
    "github": as_github,
}


def conclude(verdict: Verdict) -> str:
    """The verdict in one sentence."""
    if verdict.conclusion is Conclusion.UNPUBLISHED:
        return f"{verdict.conclusion}: {'; '.join(item.why for item in verdict.unchecked)}"
    looked = f"{verdict.claims} claims by {len(verdict.ran)} checks" if verdict.ran else "no claims"
    count = f"{len(verdict.violations)} violation{'s' if len(verdict.violations) > 1 else ''}"
    parts = [f"{count} in {looked}" if verdict.violations else looked]
    if verdict.unchecked:
        parts.append(f"{len(verdict.unchecked)} unchecked")
    if verdict.needs_deep:
        more = len(verdict.needs_deep)
        parts.append(f"{more} check{'s' if more > 1 else ''} more with --deep")
    return f"{verdict.conclusion}: {', '.join(parts)}"


def _sentence(violation: Violation) -> str:
    where = f"{violation.path}: " if violation.path else ""
    found_by = f"{violation.check}: " if violation.check else ""
    return f"{where}claimed: {violation.claim}; found: {violation.found} [{found_by}{violation.kind}]"


def _omission(item: Unchecked) -> str:
    return f"{item.what}: {item.why} [{item.code}]"


def _certificate(item: Reproduction) -> str:
    although = f", although the environment differs: {'; '.join(item.environment)}" if item.environment else ""
    return f"reproduced: {item.job}: trained again, equal bit for bit: {', '.join(item.equal)}{although}"


def _other_cases(verdict: Verdict) -> Iterator[ET.Element]:
    """What no check found that looked: by file, by what was not checked, and by job that was trained again."""
    checks = {ran.check for ran in verdict.ran}
    others = [each for each in verdict.violations if each.check not in checks]
    for file, group in groupby(others, key=lambda violation: violation.file):
        yield _case(_OTHERS, file, list(group), [])
    for item in verdict.unchecked:
        if item.check not in checks:
            yield _case(_OTHERS, item.what, [], [item])
    for reproduction in verdict.reproduced:
        yield _case(_OTHERS, f"replay of {reproduction.job}", [], [])


def _case(suite: str, name: str, found: list[Violation], omitted: list[Unchecked]) -> ET.Element:
    """A failure if anything was found; skipped if it could not look at something."""
    case = ET.Element("testcase", classname=f"verify.{suite}", name=name)
    if found:
        text = "\n".join(f"{each.file}: {_sentence(each)}" for each in found)
        ET.SubElement(case, "failure", message=f"{found[0].file}: {_sentence(found[0])}").text = text
    elif omitted:
        ET.SubElement(case, "skipped", message="; ".join(map(_omission, omitted)))
    return case


def _whole(verdict: Verdict, run: str) -> ET.Element:
    case = ET.Element("testcase", classname=f"verify.{_OTHERS}", name=one_line(run))
    if verdict.conclusion is not Conclusion.VERIFIED:
        tag = "failure" if verdict.conclusion is Conclusion.CONTRADICTED else "skipped"
        ET.SubElement(case, tag, message=conclude(verdict))
    return case


def _annotation(level: str, file: str, title: str, text: str) -> str:
    """One workflow command; in its properties, what would end them is spelled out."""
    properties = {"file": one_line(file), "title": title}
    shown = ",".join(f"{key}={_escaped(value, ':,')}" for key, value in properties.items())
    return f"::{level} {shown}::{_escaped(one_line(text))}"


def _escaped(text: str, more: str = "") -> str:
    """*text* as GitHub's workflow commands want it."""
    return "".join(f"%{ord(each):02X}" if each in f"%\r\n{more}" else each for each in text)
