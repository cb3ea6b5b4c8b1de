"""A verdict for people (text), for programs (JSON, contract ``verdict``) and for continuous integration (JUnit XML)."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from extractor_flow.files import dumps
from extractor_flow.readers.errors import one_line
from extractor_flow.study.records import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from extractor_flow.files import Json
    from extractor_flow.verify.verdict import Reproduction, Unchecked, Verdict, Violation


def as_text(verdict: Verdict, run: str) -> str:
    """Lines for a terminal: each violation under its file, what was not checked, and the verdict in the last line."""
    lines = []
    for file, violations in groupby(verdict.violations, key=lambda violation: violation.file):
        lines.append(file)
        lines.extend(f"  {_sentence(violation)}" for violation in violations)
    lines.extend(f"not checked: {item.what}: {item.why}" for item in verdict.unchecked)
    lines.extend(map(_certificate, verdict.reproduced))
    lines.extend(f"note: {note}" for note in verdict.notes)
    lines.extend([] if verdict.root is None else [f"root: {verdict.root}"])
    return "\n".join([*lines, f"{one_line(run)}: {_conclusion(verdict)}", ""])


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
            "violations": violations,
            "unchecked": unchecked,
            **({"reproduced": reproduced} if reproduced else {}),
            **({"notes": list(verdict.notes)} if verdict.notes else {}),
        }
    )


def as_junit(verdict: Verdict, run: str) -> str:
    """JUnit XML: a test case for each file with violations, one for each thing unchecked, and one for the whole run."""
    cases = [*_failing(verdict), *map(_skipped, verdict.unchecked), *map(_passed, verdict.reproduced)]
    cases.append(_whole(verdict, run))
    files = len({violation.file for violation in verdict.violations})
    counts = f'tests="{len(cases)}" failures="{files + (not verdict.ok)}" skipped="{len(verdict.unchecked)}" errors="0"'
    suite = f"<testsuite name={quoteattr(f'verify {one_line(run)}')} {counts}>"
    head = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", suite, *_properties(verdict)]
    return "\n".join([*head, *cases, "</testsuite>", "</testsuites>", ""])


FORMATS: dict[str, Callable[[Verdict, str], str]] = {"text": as_text, "json": as_json, "junit": as_junit}


def _properties(verdict: Verdict) -> Iterator[str]:
    if verdict.root is not None:
        yield f'<properties><property name="root" value={quoteattr(verdict.root)}/></properties>'


def _sentence(violation: Violation) -> str:
    where = f"{violation.path}: " if violation.path else ""
    return f"{where}claimed: {violation.claim}; found: {violation.found} [{violation.kind}]"


def _certificate(item: Reproduction) -> str:
    although = f", although the environment differs: {'; '.join(item.environment)}" if item.environment else ""
    return f"reproduced: {item.job}: trained again, equal bit for bit: {', '.join(item.equal)}{although}"


def _conclusion(verdict: Verdict) -> str:
    rest = f", {len(verdict.unchecked)} not checked" if verdict.unchecked else ""
    return f"verified{rest}" if verdict.ok else f"violations: {len(verdict.violations)}{rest}"


def _failing(verdict: Verdict) -> Iterator[str]:
    for file, group in groupby(verdict.violations, key=lambda violation: violation.file):
        found = list(group)
        text = escape("\n".join(map(_sentence, found)))
        failure = f"<failure message={quoteattr(_sentence(found[0]))}>{text}</failure>"
        yield f'<testcase classname="verify" name={quoteattr(file)}>{failure}</testcase>'


def _skipped(item: Unchecked) -> str:
    skipped = f"<skipped message={quoteattr(item.why)}/>"
    return f'<testcase classname="verify" name={quoteattr(item.what)}>{skipped}</testcase>'


def _passed(item: Reproduction) -> str:
    return f'<testcase classname="verify" name={quoteattr(f"replay of {item.job}")}/>'


def _whole(verdict: Verdict, run: str) -> str:
    failure = "" if verdict.ok else f"<failure message={quoteattr(_conclusion(verdict))}/>"
    return f'<testcase classname="verify" name={quoteattr(one_line(run))}>{failure}</testcase>'
