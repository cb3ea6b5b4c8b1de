"""Checks that the run is still the one that was published: every byte of it, and every line of its journal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from extractor_flow import layout
from extractor_flow.binding import chain
from extractor_flow.binding.starts import read_starts
from extractor_flow.binding.subjects import CONTRACT, LIMIT, is_bound, render, root_of
from extractor_flow.evidence.check import Requirement, Scope, check
from extractor_flow.evidence.findings import Unchecked, Violation, Why, brief
from extractor_flow.layout import STARTS, SUBJECTS
from extractor_flow.readers.errors import Kind, ReadError
from extractor_flow.readers.paths import ConfinedDirectory
from extractor_flow.readers.text import read_bytes
from extractor_flow.study.records import Artifact
from extractor_flow.verify.checks.artifacts import REWRITTEN, is_rewritten
from extractor_flow.verify.subject.documents import read_document
from extractor_flow.verify.versions import author, is_of_this_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from extractor_flow.binding.starts import Start
    from extractor_flow.evidence.findings import Finding
    from extractor_flow.verify.subject.context import RunSubject

_KIND = "unbound"
_CHAIN = "chain"
_DIGEST = re.compile(rb'"sha256": "([0-9a-f]{64})"')
_MOST_NAMED = 5  # of runs that are gone: enough to look for them


@check("subjects", scope=Scope.RUN, reads=(SUBJECTS,))
def subjects(run: RunSubject) -> Iterator[Finding]:
    """Every file of the run is as subjects.json lists it, and every file is listed.

    Catches: any file that was changed, added or taken away after the run was published. Cannot catch: a list that was
    made again afterwards, which has another root: compare that with one known from elsewhere (``--witness``).
    """
    request = run.documents.get(layout.RUN)
    if SUBJECTS not in run.listing.files and request is not None and not is_of_this_version(request):
        yield Unchecked("that no file was changed since it was published", author(request), Why.OTHER_VERSION)
        return
    with run.files.open(SUBJECTS, limit=LIMIT) as stream:
        content = read_bytes(stream, SUBJECTS, limit=LIMIT).replace(b"\r\n", b"\n")
    listed = _as_made(run, content)
    if listed is None:
        data, wrong = read_document(run.files, SUBJECTS, CONTRACT)
        listed = None if data is None else {each["path"]: Artifact(**each) for each in data["files"]}
        yield from wrong
    if listed is not None:
        yield from _compared(run, listed)


def _as_made(run: RunSubject, content: bytes) -> dict[str, Artifact] | None:
    """The files that *content* lists, by path, if it is, but for digests, what is made of those that are there.

    Then it need not be parsed, nor compared with its contract, which takes long for a long list.
    """
    listed = _with_digests(run, _DIGEST.findall(content))
    return {each.path: each for each in listed} if render(listed) == content else None


def _with_digests(run: RunSubject, digests: list[bytes]) -> list[Artifact]:
    """The files that are there with *digests*, if those are as many; of 50,000 files, neither list stays in memory."""
    present = sorted((path, size) for path, size in run.listing.files.items() if is_bound(path))
    if len(digests) != len(present):
        return []
    return [Artifact(path, digest.decode(), size) for (path, size), digest in zip(present, digests, strict=True)]


def _compared(run: RunSubject, listed: Mapping[str, Artifact]) -> Iterator[Finding]:
    present = {path: size for path, size in run.listing.files.items() if is_bound(path)}
    for path in sorted(present.keys() - listed.keys()):
        yield Violation(path, "", f"is listed in {SUBJECTS}", "it is not: it was added afterwards", _KIND)
    for path, subject in listed.items():
        if path in present:
            yield from _same(run, subject, present[path])
        elif path not in run.archive.left_out:
            yield Violation.refused(path, ReadError(Kind.MISSING, path, "no such file"))
    for path, left_out in run.archive.left_out.items():
        bound = listed.get(path)
        if bound is None or left_out != bound.to_json():
            what = f"{SUBJECTS} has " + ("no such file" if bound is None else str(bound.to_json()))
            yield Violation(layout.ARCHIVE, f"left_out: {path}", str(dict(left_out)), what, _KIND)


def _same(run: RunSubject, subject: Artifact, size: int) -> Iterator[Finding]:
    if size != subject.size_bytes:
        if is_rewritten(run.files, subject):
            yield REWRITTEN
        else:
            yield Violation(subject.path, "", f"has {subject.size_bytes} bytes", f"{size} bytes", "size")
    elif (digest := run.files.sha256(subject.path)) != subject.sha256:
        yield Violation(subject.path, "", f"has the SHA-256 {subject.sha256}", digest, "digest")


@check(
    "journal-chain",
    scope=Scope.RUN,
    reads=(layout.JOURNAL, layout.RUN),
    requires=(Requirement.REQUEST, Requirement.JOURNAL),
)
def journal_chain(run: RunSubject) -> Iterator[Finding]:
    """Each line of the journal carries the SHA-256 of the line before it, the first one that of run.json.

    Catches: records that were taken out, put in, exchanged or rewritten, and a request that was changed after the run
    had begun. Cannot catch: a chain that was made again from there to its end.
    """
    if run.archive.accepted and run.archive.redacted & {layout.JOURNAL, layout.RUN}:
        yield Unchecked(f"that {layout.JOURNAL} has all its lines", "names or secrets were replaced", Why.REDACTED)
        return
    with run.files.open(layout.RUN, limit=LIMIT) as stream:
        before = root_of(read_bytes(stream, layout.RUN, limit=LIMIT))
    for entry in run.journal:
        if entry.previous is None and not is_of_this_version(run.request):
            yield Unchecked(f"that {layout.JOURNAL} has all its lines", author(run.request), Why.OTHER_VERSION)
        elif entry.previous != before:
            carried = "nothing" if entry.previous is None else entry.previous
            place = f"line {entry.line}: $.{chain.PREVIOUS}"
            yield Violation(layout.JOURNAL, place, carried, f"what it continues has the SHA-256 {before}", _CHAIN)
        before = entry.sha256


@check("run-starts", scope=Scope.RUN, reads=(layout.RUN,), requires=(Requirement.REQUEST,))
def run_starts(run: RunSubject) -> Iterator[Violation]:
    """The list of starts beside the run is whole, and has this run's start as run.json knows it.

    Catches: a start that was taken out of the list or changed, and so a discarded run; settings, command or commit that
    were told otherwise after the start. Cannot catch: a list that is gone, as beside a copy, or whose end was cut off;
    one that was made again with every run.json.
    """
    request = {**run.request, "commit": (run.request.get("git") or {}).get("commit")}
    for start in _starts(run) or ():
        if start.run_directory == run.request["run_directory"] and not start.resumed:
            for name, noted in {**start.facts, "start_sha256": start.sha256}.items():
                if request.get(name) != noted:
                    found = f"{STARTS} beside the run has {brief(noted)}"
                    yield Violation(layout.RUN, f"$.{name}", brief(request.get(name, "nothing")), found, _CHAIN)


@check("witness", scope=Scope.RUN, reads=(SUBJECTS,), requires=(Requirement.WITNESS,))
def witness_holds(run: RunSubject) -> Iterator[Violation]:
    """The run's root is the one that the witness named with ``--witness`` tells of.

    Catches: whatever was changed in the run after the witness had seen it, however consistently. Cannot catch: what
    was a lie before; a witness who lies, too.
    """
    if run.witness is not None and run.root not in run.witness.roots:
        roots = sorted(run.witness.roots)
        others = f" and {len(roots) - 1} others" if len(roots) > 1 else ""
        claim = f"the run has the root {roots[0]}{others}, says {run.witness.name}"
        found = f"no {SUBJECTS} that can be read" if run.root is None else run.root
        yield Violation(SUBJECTS, "", claim, found, "witness")


def notes(run: RunSubject) -> Iterator[str]:
    """What the list beside the run tells of other runs with the same settings."""
    if run.documents.get(layout.RUN) is None:
        return
    try:
        starts = _starts(run)
    except ReadError:
        return  # a violation
    if starts is None:
        return
    alike = [start for start in starts if start.config_sha256 == run.request["config_sha256"] and not start.resumed]
    names = [start.run_directory for start in alike]
    name = run.request["run_directory"]
    if name not in names:
        yield f"{STARTS} beside the run has no start of it: the run was moved there, or the list is another"
        return
    before = names.index(name)
    after = len(names) - before - 1
    yield f"{STARTS}: with these settings, {before} runs were started before this one and {after} after it"
    beside = run.files.root.resolve().parent
    if gone := [other for other in names if other != name and not (beside / other).is_dir()]:
        yield f"{STARTS}: of those, {len(gone)} are not there any more: {', '.join(gone[:_MOST_NAMED])}"


def _starts(run: RunSubject) -> list[Start] | None:
    return read_starts(ConfinedDirectory(run.files.root.resolve().parent))


CHECKS = (subjects, journal_chain, run_starts, witness_holds)
