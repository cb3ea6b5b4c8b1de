"""Lies about a run as a whole: its page, its archive, its journal and what lies in its directories.

Each is told as consistently as a careful liar can; none needs a flow to be caught.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from extractor_flow import layout
from extractor_flow.files import sha256_of
from extractor_flow.run.archive import archive
from support.lies.mutated_runs import Change, Mutation

if TYPE_CHECKING:
    from pathlib import Path

    from support.lies.tampering import Tampering

ONE, TWO, BAD, GONE = "models/one", "models/two", "models/bad", "models/gone"
MODELS = [
    {"name": "one"},
    {"name": "two", "degree": 2},
    {"name": "bad", "fault": "raise"},
    {"name": "gone", "requires": ["telescope"]},
]
PAGE = "<!doctype html>\n<html><body><h1>reward 99</h1></body></html>\n"
PACKAGE = "pytest-extractor-flow"


def page(text: str | Callable[[str], str], version: str | None = "0.0.1") -> Change:
    """Another page, said to be from another version (or from none)."""

    def change(run: Tampering) -> None:
        with run.json(layout.RUN) as request:
            request["packages"].pop(PACKAGE)
            if version is not None:
                request["packages"][PACKAGE] = version
        file = run.path / layout.PAGE
        file.write_text(text if isinstance(text, str) else text(file.read_text(encoding="utf-8")), encoding="utf-8")

    return change


def of_an_unknown_flow(name: str, lie: Callable[[dict[str, Any]], None]) -> Change:
    """The run is said to be of a flow that nobody has, and the JSON file *name* lies."""

    def change(run: Tampering) -> None:
        told = [*run.path.glob("*.json"), *run.path.glob("models/*/*.json"), *run.path.glob("models/*/train.log")]
        for file in [*told, run.path / layout.JOURNAL, run.path / layout.LOG]:
            file.write_text(file.read_text(encoding="utf-8").replace("line_fit", "unheard_of"), encoding="utf-8")
        with run.json(name) as data:
            lie(data)

    return change


def archived(lie: Callable[[list[dict[str, Any]], Path], None], *, largest: int = 64 * 1024) -> Change:
    """The run becomes a slim copy, on whose list *lie* works."""

    def change(run: Tampering) -> None:
        slim = run.path.with_name("slim")
        archive(run.path, slim, largest=largest)
        shutil.rmtree(run.path)
        slim.rename(run.path)
        with run.json(layout.ARCHIVE) as listed:
            lie(listed["left_out"], run.path)

    return change


def leaving_out(name: str, digest: str | None = None, size: int | None = None) -> Callable[..., None]:
    """A small file is left out as if it were large."""

    def lie(left_out: list[dict[str, Any]], path: Path) -> None:
        file = path / name
        bytes_there = file.stat().st_size if size is None else size
        left_out.append({"path": name, "sha256": digest or sha256_of(file), "size_bytes": bytes_there})
        file.unlink()

    return lie


def listing(name: str, size: int = 10**9) -> Callable[..., None]:
    """A file is listed that never was."""
    return lambda left_out, _: left_out.append({"path": name, "sha256": "1" * 64, "size_bytes": size})


def twice(left_out: list[dict[str, Any]], _: Path) -> None:
    """One file, two digests."""
    left_out.insert(0, {**left_out[0], "sha256": "0" * 64})


def better(key: str) -> Callable[[dict[str, Any]], None]:
    """Set the first job's loss in the list called *key* to something better."""

    def lie(data: dict[str, Any]) -> None:
        metrics = data[key][0]["metrics"]
        metrics.update(dict.fromkeys(metrics, -9.0))

    return lie


def inserted(markup: str, before: str = "<h1>") -> Change:
    """The genuine page, said to be from another version, with *markup* in it."""
    return page(lambda text: text.replace(before, f"{markup}{before}", 1))


def lies(file: str, changes: dict[str, Change]) -> list[Mutation]:
    """*changes* by their titles; all are lies of *file*."""
    return [Mutation(title, file, change) for title, change in changes.items()]


PAGES = lies(
    layout.PAGE,
    {
        "a script in another version's page": inserted("<script></script>"),
        "an event in another version's page": page(lambda text: text.replace("<h1>", '<h1 onclick="x()">')),
        "a picture from elsewhere": inserted('<img src="//e">'),
        "a picture that no file holds": inserted('<img src="data:image/png;base64,AA==">'),
        "a style from elsewhere": inserted("@import '//e';", "</style>"),
        "a style that writes": inserted("h1::after { content: '99' }", "</style>"),
        "a link in another version's page": inserted('<a href="//e">x</a>'),
        "a comment in another version's page": inserted("<!-- reward 99 -->"),
        "a cell of another version's page": page(lambda text: text.replace(">success<", ">failed<", 1)),
        "a heading of no version's page": page(PAGE, None),
        "line separators in the page": lambda run: run.replace(layout.PAGE, "\n<html", "\u2028<html"),
        "a form feed for a line end": lambda run: run.replace(layout.PAGE, "\n", "\f"),
    },
)
UNKNOWN = [
    Mutation(f"{name} of an unknown flow: {title}", name, of_an_unknown_flow(name, lie))
    for name, title, lie in (
        (layout.SUMMARY, "metrics", better("model_results")),
        (layout.SUMMARY, "counts", lambda data: data["aggregate_metrics"].update(failed_runs=0)),
        (layout.MANIFEST, "metrics", better("jobs")),
        (layout.SKIPS, "reasons", lambda data: data["skipped_jobs"][0].update(reason="lunch")),
        (layout.HISTORICAL, "reasons", lambda data: data["results"]["bad"].update(reason="lunch")),
    )
]
LARGE = 10**6
ARCHIVES = lies(
    layout.ARCHIVE,
    {
        "an order left out": archived(leaving_out(f"{ONE}/job.json")),
        "a note of an attempt left out": archived(leaving_out(f"{ONE}/attempt-1.json", size=LARGE)),
        "a result left out, with its size": archived(leaving_out(f"{ONE}/result.json", size=LARGE)),
        "small evidence left out": archived(leaving_out(f"{ONE}/weights.json")),
        "a file left out twice": archived(twice, largest=0),
        "a file of a job that is not": archived(listing("models/huge/weights.json")),
        "a figure left out": archived(listing("figures/award.png")),
        "a file left out, and hidden": archived(listing(f"{ONE}/.weights")),
    },
)
