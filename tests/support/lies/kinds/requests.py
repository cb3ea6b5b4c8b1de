"""Lies about what was asked for, when and where: goalposts that are moved after the shot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extractor_flow import layout
from extractor_flow.binding import chain
from support.lies.kinds.kind import Seen, also, asked, beside, lines_of, records, subject
from support.lies.mutated_runs import run_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.lies.mutated_runs import Change
    from support.lies.tampering import Tampering

LINES = "lines"
ONE, TWO, BAD, GONE = "models/one", "models/two", "models/bad", "models/gone"
_HOUR_EARLIER = {"created_at": "2001-01-01T00:00:00.000Z", "run_directory": "20010101-000000-line-fit"}


def hour_earlier(moment: str) -> str:
    """The time *moment*, in another year: runs take no years."""
    return f"2001{moment[4:]}"


def model(name: str, **members: object) -> Any:
    """A config in which the model *name* has other members."""
    return lambda config: next(each for each in config["models"] if each["name"] == name).update(members)


def without(*names: str) -> Any:
    """A config without some models."""
    return lambda config: config.update(models=[each for each in config["models"] if each["name"] not in names])


def relisted(edit: Callable[[list[dict[str, Any]]], object], *, known: bool = True) -> Change:
    """Edit the starts beside the run and chain them again; with *known*, run.json tells of the last as of its own."""

    def change(run: Tampering) -> None:
        path = run.path.with_name(layout.STARTS)
        starts = lines_of(path)
        edit(starts)
        path.unlink()
        ends = [chain.append(path, start, lambda: chain.NOTHING) for start in starts]
        if known:
            run_json("start_sha256", to=ends[-1])(run)

    return beside(change)


def renamed(run: Tampering) -> None:
    """Another name of the run, wherever run.json has it."""
    with run.json(layout.RUN) as told:
        stamp = told["run_directory"].removesuffix("-line-fit")
        told.update(run_id="champion", run_directory=f"{stamp}-champion")
    asked(lambda config: config["run"].update(run_id="champion"))(run)


def moved(run: Tampering) -> None:
    """Another place of all runs, wherever run.json has it."""
    run_json("output_root", to="/cluster/runs")(run)
    asked(lambda config: config["run"].update(output_root="/cluster/runs"))(run)


def another_year(run: Tampering) -> None:
    """Everything took place in another year."""
    year = lambda data: data.update(  # noqa: E731
        {key: hour_earlier(value) for key, value in data.items() if key in ("start_time", "end_time")}
    )
    for name, value in _HOUR_EARLIER.items():
        run_json(name, to=value)(run)
    records(year)(run)
    for note in run.path.glob("models/*/attempt-1.json"):
        with run.json(str(note.relative_to(run.path))) as told:
            told["started_at"] = hour_earlier(told["started_at"])


def elsewhere(**told: str) -> Any:
    """Every record, and run.json, tells of another machine."""

    def change(run: Tampering) -> None:
        with run.json(layout.RUN) as data:
            data["hardware"].update(told)
            data.update({name: value for name, value in told.items() if name in data})
        records(lambda data: data["hardware_profile"].update(told) if "hardware_profile" in data else None)(run)

    return change


def another_run(starts: list[dict[str, Any]]) -> None:
    """The list has the start of another run in the place of this one's."""
    starts[-1]["run_directory"] = "20010101-000000-other"


def earlier(starts: list[dict[str, Any]]) -> None:
    """Another start, as of a run that took the place of this one."""
    starts[-1]["time"] = _HOUR_EARLIER["created_at"]


REQUESTS = subject(
    "goalposts",
    LINES,
    ("another command", run_json("command", to=["extractor-flow", "run", "other.yaml"]), Seen.WITNESS),
    ("another config file", run_json("config_path", to="other.yaml"), Seen.WITNESS),
    ("a clean commit", run_json("git", to={"commit": "1" * 40, "dirty": False}), Seen.WITNESS),
    ("an older numpy", run_json("packages", "numpy", to="1.0"), Seen.WITNESS),
    ("another Python, everywhere", elsewhere(python_version="4.0.0"), Seen.WITNESS),
    ("another platform, everywhere", elsewhere(platform="AmigaOS"), Seen.WITNESS),
    ("another architecture, everywhere", elsewhere(arch="m68k"), Seen.WITNESS),
    ("a GPU, everywhere", elsewhere(gpu_model="NVIDIA H200", cuda_version="12.8"), Seen.WITNESS),
    ("another processor", run_json("processor", to="Abacus 3000"), Seen.WITNESS),
    ("workers that there were not", run_json("executor", to="local"), Seen.WITNESS),
    ("another name of the run", renamed, Seen.WITNESS),
    ("another place of the run", moved, Seen.WITNESS),
    ("another year", another_year, Seen.WITNESS),
    ("another year of run.json", also(*(run_json(k, to=v) for k, v in _HOUR_EARLIER.items())), Seen.WITNESS),
    ("a selection of everything", run_json("selection", to=["one", "two", "bad", "gone"]), Seen.WITNESS),
    ("overrides that change nothing", run_json("overrides", to={"steps": 5}), Seen.WITNESS),
    ("a note", run_json("notes", to=["checked by an expert"]), Seen.LIGHT, "settings-span-matrix"),
    ("fewer steps", asked(lambda config: config["run"].update(steps=4)), Seen.REPLAY, "replay"),
    ("another seed", asked(lambda config: config["run"].update(seeds=[7])), Seen.LIGHT, "line-fit-final-loss"),
    ("another model", asked(model("one", degree=3)), Seen.LIGHT, "line-fit-final-loss"),
    ("a failure that nothing asked for", asked(model("bad", fault="none")), Seen.WITNESS),
    ("a skip that needs nothing", asked(model("gone", requires=[])), Seen.WITNESS),
    ("another time limit", asked(lambda config: config["run"].update(time_limit_seconds=3.0)), Seen.WITNESS),
    ("a limit of memory", asked(lambda config: config["run"].update(memory_limit_mb=64)), Seen.WITNESS),
    ("a failing model that was never asked for", asked(without("bad")), Seen.WITNESS),
    ("a skipped model that was never asked for", asked(without("gone")), Seen.LIGHT, "run-log"),
    ("another degree of a model that failed", asked(model("bad", degree=4)), Seen.WITNESS),
    (
        "a seed more, which nothing tells of",
        asked(lambda config: config["run"].update(seeds=[0, 1])),
        Seen.LIGHT,
        "records-of-jobs",
    ),
    ("the worse model never asked for", asked(without("two")), Seen.WITNESS),
    ("another contract", run_json("job_contract", "version", to=99), Seen.OPEN),
    ("a rehearsal", run_json("dry_run", to=True), Seen.LIGHT, "rehearsal-skips"),
)
STARTS = subject(
    "starts beside the run",
    LINES,
    ("other settings", beside(asked(without("bad"))), Seen.LIGHT, "run-starts"),
    ("another limit", beside(asked(lambda c: c["run"].update(memory_limit_mb=64))), Seen.LIGHT, "run-starts"),
    ("another commit", beside(run_json("git", to={"commit": "1" * 40, "dirty": False})), Seen.LIGHT, "run-starts"),
    ("another command", beside(run_json("command", to=["true"])), Seen.LIGHT, "run-starts"),
    ("no start", beside(run_json("start_sha256", to=None)), Seen.LIGHT, "run-starts"),
    ("another time in the list", relisted(earlier, known=False), Seen.LIGHT, "run-starts"),
    ("another time in the list and run.json", relisted(earlier), Seen.WITNESS),
    ("another run in the list", relisted(another_run, known=False), Seen.NOTHING, "", False),
    ("other runs and the list taken away", lambda run: None, Seen.NOTHING, "", False),
)
