"""Kinds of tampering with a published run: what is changed, and the file that a verifier has to name.

:mod:`~support.lies.mutation_table` changes one file, :mod:`~support.lies.careful_lies` what a careful liar changes
with it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from extractor_flow import layout
from support.lies.tampering import Tampering
from support.whole import one_of_a_kind

ONE, TWO, BROKEN = "extractors/mlp/seed-1", "extractors/mlp/seed-2", "extractors/broken/seed-1"
SKIPPED = "extractors/needs_gpu/seed-1"
Change = Callable[[Tampering], None]


@dataclass(frozen=True)
class Mutation:
    """One kind of tampering; ``file`` must be among the files of the violations, of ``kind`` where that is given.

    ``checks`` are the ids of the checks that catch it: one of them must be among those that do.
    """

    title: str
    file: str
    change: Change
    kind: str | None = None
    checks: tuple[str, ...] = ()


def one_for_each_check(lies: Sequence[Mutation]) -> list[Any]:
    """*lies* as parameters of a test: the first for each set of checks, the others marked as `whole`."""
    return one_of_a_kind(lies, lambda lie: lie.checks, lambda lie: lie.title)


def put(data: Any, steps: tuple[str | int, ...], value: object) -> None:
    """Set what *steps* lead to; a function is given what is there, ``None`` takes it out."""
    *way, last = steps
    for step in way:
        data = data[step]
    if value is None:
        del data[last]
    else:
        data[last] = value(data[last]) if callable(value) else value


def setting(name: str, *steps: str | int, to: object) -> Change:
    """Set what *steps* lead to in the JSON file *name*."""

    def change(run: Tampering) -> None:
        with run.json(name) as data:
            put(data, steps, to)

    return change


def recording(job: str, *steps: str | int, to: object) -> Change:
    """Set what *steps* lead to in the journal's record of *job*."""

    def change(run: Tampering) -> None:
        with run.record(job) as record:
            put(record, steps, to)

    return change


def lying(job: str, *steps: str | int, to: object) -> Change:
    """Set what *steps* lead to in the record of *job*, and all that follows from it."""

    def change(run: Tampering) -> None:
        with run.lying(job) as record:
            put(record, steps, to)

    return change


def replacing(name: str, old: str, new: str) -> Change:
    """Replace the first *old* in a text file."""
    return lambda run: run.replace(name, old, new)


def removing(name: str) -> Change:
    """Delete a file."""
    return lambda run: (run.path / name).unlink()


def removing_artifact(job: str, role: str) -> Change:
    """Delete the artifact *role* of *job*."""

    def change(run: Tampering) -> None:
        with run.record(job) as record:
            (run.path / record["artifacts"][role]["path"]).unlink()

    return change


def overwriting(name: str, data: bytes) -> Change:
    """Replace a file's content."""
    return lambda run: _none((run.path / name).write_bytes(data))


def appending(name: str, data: bytes) -> Change:
    """Add to a file's content."""
    return lambda run: _none((run.path / name).write_bytes((run.path / name).read_bytes() + data))


def copying(source: str, target: str) -> Change:
    """Replace one file of the run by another."""
    return lambda run: _none(shutil.copyfile(run.path / source, run.path / target))


def then_digested(change: Change, job: str = ONE) -> Change:
    """*change*, after which all digests and published files are made to agree with it."""

    def both(run: Tampering) -> None:
        change(run)
        run.digested(job)

    return both


def reordering(name: str, *steps: str | int) -> Change:
    """Turn the list that *steps* lead to around."""

    def change(run: Tampering) -> None:
        with run.json(name) as data:
            for step in steps:
                data = data[step]  # noqa: PLW2901
            data.reverse()

    return change


def _none(_: object) -> None:
    """Nothing: a change returns nothing."""


run_json = partial(setting, layout.RUN)
summary = partial(setting, layout.SUMMARY)
listing = partial(setting, layout.MANIFEST)
history = partial(setting, layout.HISTORICAL)
