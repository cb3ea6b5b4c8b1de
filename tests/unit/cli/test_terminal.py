"""What a terminal shows while a run goes on and in the end: it fits the screen, and tells what the summary tells."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from extractor_flow.cli.terminal.display import PlainDisplay, TerminalDisplay, display_for, facts_of, time_left
from extractor_flow.cli.terminal.plain import say_shortened
from extractor_flow.executors.events import Finished, Progressed, Started
from extractor_flow.files import read_json
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.study.jobs import Job
from support.render_samples import WORDS, completed, failed

GOOD = {"name": "good"}
BAD = {"name": "bad", "fault": "raise"}


class Terminal(io.StringIO):
    def isatty(self):
        return True


def screen(stream, **environment):
    return Console(file=stream, width=80, height=24, _environ={"TERM": "xterm", **environment})


@pytest.mark.parametrize(
    ("stream", "environment", "kind"),
    [
        (Terminal(), {}, TerminalDisplay),
        (Terminal(), {"TERM": "dumb"}, PlainDisplay),
        (Terminal(), {"FORCE_COLOR": "1", "TERM": "dumb"}, PlainDisplay),
        (io.StringIO(), {}, PlainDisplay),
        (io.StringIO(), {"FORCE_COLOR": "1"}, PlainDisplay),
    ],
)
def test_only_a_terminal_that_can_move_its_cursor_gets_a_live_display(stream, environment, kind):
    assert type(display_for(screen(stream, **environment), WORDS)) is kind


def test_thirty_running_jobs_with_long_names_fit_the_screen_and_the_whole_run_is_on_it(tmp_path):
    console = screen(Terminal())
    display = TerminalDisplay(console, WORDS)
    jobs = [
        Job(flow="f", name=f"{'a_long_name_' * 10}[{n}]\u202e", directory=f"jobs/{n}", parameters={}, seed=n)
        for n in range(30)
    ]
    display.opened(RunDirectory(tmp_path), jobs, [])
    note = {"done": 512, "total": 1024, "facts": {"reward": 1.5, "reward_step": 256}}
    for job in jobs:
        display.happened(Started(job))
        display.happened(Progressed(job, note))
    display.happened(Finished(jobs[0], failed(reason="r" * 500)))
    display.happened(Finished(jobs[1], completed()))
    rows = ["".join(piece.text for piece in row) for row in console.render_lines(display._progress.get_renderable())]
    display.closed()

    assert (len(rows) <= 24, {len(row) for row in rows}) == (True, {80})
    assert ("2/30" in rows[0], "8 more running" in rows[0]) == (True, True)
    assert ("512/1024" in rows[1], "02e seed 2 " in rows[1]) == (True, True)
    assert [word in console.file.getvalue() for word in ("rrrrrrr", "after 60.2 s, 4096 steps", "\u202e")] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"reward": 1.25, "reward_step": 2048}, "reward 1.25 at 2048"),
        ({"reward": 1.25, "reward_step": 2048, "evaluating": 1}, "evaluating, reward 1.25 at 2048"),
        ({"evaluating": 1}, "evaluating"),
        ({"last_step": 3}, "last_step 3"),
        ("no facts", ""),
    ],
)
def test_a_number_is_told_with_the_step_that_it_belongs_to(facts, told):
    assert facts_of({"done": 1, "total": 2, "facts": facts}, WORDS) == told


def test_the_time_left_is_an_estimate_of_what_is_behind():
    assert [time_left(60, way) for way in (0.0, 0.01, 0.5, 1.0)] == ["", "", "about 1 min 0 s left", ""]


def test_a_run_ends_with_a_row_a_name_each_reason_once_and_what_to_do_next(workbench):
    answer = workbench.call("run", workbench.config(GOOD, BAD), "--seed", "1", "--seed", "2", "--executor", "serial")

    place = workbench.latest().path
    rows = [line.split() for line in answer.out.splitlines() if line.startswith("│")]
    assert [(row[1], row[3], row[5] == "n/a") for row in rows] == [("good", "2/2", False), ("bad", "0/2", True)]
    assert answer.out.count("failed 2 jobs (bad seed 1, bad seed 2): ") == 1
    commands = ["run --resume", "verify", "report --open"]
    assert [line for line in answer.out.splitlines() if line.startswith("next: ")] == [
        f"next: extractor-flow {command} {place}" for command in commands
    ]
    assert read_json(place / "summary.json")["next"] == [f"extractor-flow {command} RUN_DIR" for command in commands]


def test_with_json_standard_output_is_one_document_and_with_quiet_it_is_empty(workbench):
    config = workbench.config(GOOD)
    told = workbench.call("run", config, "--executor", "serial", "--json", "--verify")
    silent = workbench.call("run", config, "--executor", "serial", "-q")

    result = json.loads(told.out)
    assert (told.code, result["counts"]["success"], "verify" in told.err) == (0, 1, True)
    assert [command.split()[1] for command in result["next"]] == ["verify", "report"]
    assert (silent.code, silent.out) == (0, "")


def test_report_opens_the_page_in_the_readers_browser(workbench, tmp_path, monkeypatch):
    workbench.call("run", workbench.config(GOOD), "--executor", "serial")
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n', encoding="utf-8")
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(browser))
    monkeypatch.setattr("webbrowser._tryorder", None)

    page = workbench.latest().path / "report.html"
    answer = workbench.call("report", "--open", workbench.latest().path)

    assert (answer.code, Path(tmp_path / "opened").read_text(encoding="utf-8")) == (0, f"{page.as_uri()}\n")


def test_runs_are_listed_newest_first_with_state_and_verdict(workbench):
    config = workbench.config(GOOD, BAD)
    workbench.call("run", config, "--executor", "serial", "-q", "--run-id", "whole")
    whole = workbench.latest()
    workbench.call("run", config, "--executor", "serial", "-q", "--run-id", "torn")
    torn = workbench.latest()
    journal = torn.path / "records.jsonl"
    journal.write_bytes(journal.read_bytes().splitlines(keepends=True)[0])
    (workbench.path / "runs" / "broken").mkdir()
    (workbench.path / "runs" / "broken" / "run.json").write_text("[]", encoding="utf-8")
    (whole.path / "UNPUBLISHED").touch()

    def states():
        answer = workbench.call("list", "runs", "--json")
        return {
            run["directory"].partition("-")[2].partition("-")[2] or run["directory"]: run["state"]
            for run in json.loads(answer.out)["runs"]
        }

    assert states() == {"broken": "unreadable", "torn": "interrupted", "whole": "unpublished"}
    (whole.path / "UNPUBLISHED").unlink()
    assert states()["whole"] == "published"
    with torn.exclusively():
        assert states()["torn"] == "running"
    shown = workbench.call("list", "runs")
    assert (shown.code, "torn  interrupted  1/2 jobs" in shown.out, "Traceback" in shown.err) == (0, True, False)


@pytest.mark.parametrize(("stream", "shown"), [(Terminal(), 80), (io.StringIO(), 204)])
def test_a_long_verdict_is_one_line_of_a_terminal_and_whole_elsewhere(stream, shown):
    say_shortened(f"    {'verdict ' * 25}", screen(stream))

    assert [len(line.rstrip()) for line in stream.getvalue().splitlines()] == [shown - (stream.isatty() is False)]


def test_the_states_of_a_runs_jobs_are_told_from_their_directories(workbench):
    models = ({"name": name} for name in ("done", "begun", "going", "waiting"))
    workbench.call("run", workbench.config(*models), "--executor", "serial", "-q")
    run = workbench.latest()
    journal = run.path / "records.jsonl"
    journal.write_bytes(journal.read_bytes().splitlines(keepends=True)[0])
    directories = {job["config_name"]: job["directory"] for job in read_json(run.path / "run.json")["jobs"]}
    for name in ("begun", "going", "waiting"):
        (run.path / directories[name] / "result.json").unlink()
    for note in (run.path / directories["waiting"]).glob("attempt-*"):
        note.unlink()
    note = {"done": 3, "total": 5, "facts": {}}
    (run.path / directories["going"] / "progress.json").write_text(json.dumps(note), encoding="utf-8")
    outside = workbench.path / "outside.json"
    outside.write_text(json.dumps(note), encoding="utf-8")
    (run.path / directories["begun"] / "progress.json").symlink_to(outside)

    from extractor_flow.files import locked

    with locked(run.path / directories["going"] / ".lock"):
        told = json.loads(workbench.call("status", run.path, "--json").out)

    assert [(job["job"], job["state"], job.get("done")) for job in told["job_states"]] == [
        ("done seed 0", "success", None),
        ("begun seed 0", "interrupted", None),
        ("going seed 0", "running", 3),
        ("waiting seed 0", "waiting", None),
    ]
    assert (told["state"], told["recorded"]) == ("interrupted", 1)


def test_a_place_that_is_no_directory_is_named(workbench):
    answer = workbench.call("list", "gone")

    assert (answer.code, answer.err) == (
        2,
        "extractor-flow: gone: No such file or directory; name the directory that holds runs\n",
    )


def test_the_notes_of_a_run_stand_at_its_end(workbench):
    config = workbench.path / "noted.yaml"
    extractors = "extractors: [{name: flat, preset: dynamics_no_conv}]"
    config.write_text(f"run: {{notes: [Taken at night], output_root: {workbench.path}/runs}}\n{extractors}\n", "utf-8")

    assert "note: Taken at night" in workbench.call("run", config, "--dry-run").out.splitlines()
