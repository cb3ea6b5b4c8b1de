"""Lies about the files of a run: its list of subjects, its chain, its archive, and what lies beside."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from extractor_flow import layout
from extractor_flow.files import sha256_of
from support.files.malice import whole_picture
from support.lies.about_runs import archived
from support.lies.kinds.kind import Seen, also, gone, subject, text
from support.lies.kinds.requests import BAD, LINES, ONE
from support.lies.mutated_runs import setting

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.lies.mutated_runs import Change
    from support.lies.tampering import Tampering


def listed(edit: Callable[[list[dict[str, Any]]], object]) -> Change:
    """Edit the list of the run's files."""

    def change(run: Tampering) -> None:
        run.republish()
        with run.json(layout.SUBJECTS) as data:
            edit(data["files"])

    return change


def unchained(edit: Callable[[list[dict[str, Any]]], object]) -> Change:
    """Edit the journal's lines, and leave the chain as it is."""

    def change(run: Tampering) -> None:
        path = run.path / layout.JOURNAL
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        edit(lines)
        path.write_text("".join(json.dumps(each, sort_keys=True) + "\n" for each in lines), encoding="utf-8")
        with run.json(layout.SUBJECTS) as data:
            entry = next(each for each in data["files"] if each["path"] == layout.JOURNAL)
            entry |= {"sha256": sha256_of(path), "size_bytes": path.stat().st_size}

    return change


def figure(name: str) -> Change:
    """A figure that nothing draws."""

    def change(run: Tampering) -> None:
        (run.path / layout.FIGURES).mkdir(exist_ok=True)
        (run.path / layout.FIGURES / name).write_bytes(whole_picture())

    return change


def excused(run: Tampering) -> None:
    """A slim copy in which names were replaced in every file, it says; its journal tells a better score."""
    archived(lambda left_out, _: left_out.clear())(run)
    with run.record(ONE) as told:
        told["metrics"]["final_loss"] = 0.0001
    with run.json(layout.ARCHIVE) as told:
        files = [str(path.relative_to(run.path)) for path in run.path.rglob("*") if path.is_file()]
        told["redacted"] = {"root": "0" * 64, "files": sorted({*files} - {layout.ARCHIVE, layout.SUBJECTS})}


def everything(left_out: list[dict[str, Any]], path: Any) -> None:
    """Nothing is left of what the jobs left."""


FILES = subject(
    "files, subjects and chain",
    LINES,
    ("a file that is not listed", listed(lambda files: files.pop()), Seen.LIGHT, "subjects", False),
    ("a file that is not there", listed(lambda files: files.append({**files[0], "path": "zzz"})),
     Seen.LIGHT, "subjects", False),
    ("another size in the list", listed(lambda files: files[0].update(size_bytes=1)), Seen.LIGHT, "subjects", False),
    ("another digest in the list", listed(lambda files: files[0].update(sha256="0" * 64)),
     Seen.LIGHT, "subjects", False),
    ("a word in the list", listed(lambda files: files[0].update(by="me")), Seen.LIGHT, "subjects", False),
    ("the list in another order", listed(lambda files: files.reverse()), Seen.WITNESS, "", False),
    ("a chain that begins elsewhere", unchained(lambda told: told[0].update(previous="0" * 64)),
     Seen.LIGHT, "journal-chain", False),
    ("a chain that is torn", unchained(lambda told: told[-1].update(previous=told[0]["previous"])),
     Seen.LIGHT, "journal-chain", False),
    ("a chain without a link", unchained(lambda told: told[1].pop("previous")), Seen.LIGHT, "journal-chain", False),
    ("a published run that is not published", text(layout.UNPUBLISHED, lambda _: "wait\n"), Seen.OPEN, "", False),
    ("another number in the table", text(layout.TABLE, lambda old: old.replace("0.", "0.0", 1)),
     Seen.LIGHT, "report-made-again", False),
    ("no table", gone(layout.TABLE), Seen.LIGHT, "subjects", False),
    ("a figure that nothing draws", figure("better.png"), Seen.DEEP, "figures-made-again"),
    ("a page of praise", text("AWARDS.md", lambda _: "the best model of all\n"), Seen.WITNESS),
    ("a page of praise in a job", text(f"{ONE}/AWARDS.md", lambda _: "the best model of all\n"), Seen.WITNESS),
    ("a hidden file", text(f"{ONE}/.attempts", lambda _: "the others\n"), Seen.NOTHING),
    ("a log line that never was", text(layout.LOG, lambda old: f"{old}all models were checked by hand\n"),
     Seen.WITNESS),
)  # fmt: skip
COPIES = subject(
    "slim copies",
    LINES,
    ("all that the jobs left is left out", archived(everything, largest=0), Seen.OPEN, "", False),
    ("a small file left out, by a low limit", also(text(f"{BAD}/train.log", lambda old: old * 99),
     archived(everything, largest=2000)), Seen.LIGHT, "subjects", False),
    ("names that were replaced", excused, Seen.OPEN, "", False),
    ("a member more in the list", also(archived(everything, largest=100), setting(layout.ARCHIVE, "by", to="me")),
     Seen.LIGHT, "left-out-files", False),
    ("a limit that is not kept", also(archived(everything, largest=100), setting(layout.ARCHIVE, "largest", to=10**6)),
     Seen.LIGHT, "left-out-files", False),
    ("a digest of another file", also(archived(everything, largest=100),
     setting(layout.ARCHIVE, "left_out", 0, "sha256", to="0" * 64)), Seen.LIGHT, "subjects", False),
)  # fmt: skip
