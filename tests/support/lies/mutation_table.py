"""The table of :mod:`~support.lies.mutated_runs`: one entry for each kind of tampering."""

from __future__ import annotations

from extractor_flow import layout
from extractor_flow.run.provenance import config_digest
from support.lies.mutated_runs import (
    BROKEN,
    ONE,
    SKIPPED,
    TWO,
    Mutation,
    appending,
    copying,
    history,
    listing,
    overwriting,
    recording,
    removing,
    removing_artifact,
    reordering,
    replacing,
    run_json,
    setting,
    summary,
)
from support.lies.tampering import Tampering

LATER = "2031-01-01T00:00:00.000Z"
EARLIER = "2001-01-01T00:00:00.000Z"
RESULTS = "extractor_results"


def resign(run: Tampering) -> None:
    """Train longer, says the config, and has its digest set right."""
    with run.json(layout.RUN) as request:
        request["config"]["run"]["total_timesteps"] = 6400
        request["config_sha256"] = config_digest(request["config"])


def twice(run: Tampering) -> None:
    """The last record once more."""
    with run.journal() as records:
        records.append(next(record for record in records if record["directory"] == ONE))


def tear(run: Tampering) -> None:
    """The journal ends in the middle of a line."""
    file = run.path / layout.JOURNAL
    file.write_bytes(file.read_bytes()[:-40])


def forget(run: Tampering) -> None:
    """The journal without a failure."""
    run.drop_line(layout.JOURNAL, BROKEN)


def swap_sections(run: Tampering) -> None:
    """The failures before the results."""
    file = run.path / layout.MARKDOWN
    head, *sections = file.read_text(encoding="utf-8").split("\n## ")
    sections[1], sections[2] = sections[2], sections[1]
    file.write_text("\n## ".join([head, *sections]), encoding="utf-8")


def drop_section(run: Tampering) -> None:
    """Without the failures."""
    file = run.path / layout.MARKDOWN
    head, *sections = file.read_text(encoding="utf-8").split("\n## ")
    kept = [section for section in sections if not section.startswith("Failures")]
    file.write_text("\n## ".join([head, *kept]), encoding="utf-8")


def link_away(run: Tampering) -> None:
    """The weights are a link to a file outside."""
    outside = run.path.parent / "policy.safetensors"
    weights = run.path / ONE / "policy.safetensors"
    outside.write_bytes(weights.read_bytes())
    weights.unlink()
    weights.symlink_to(outside)


def invent(run: Tampering) -> None:
    """A job that never was."""
    with run.json(layout.SUMMARY) as data:
        data[RESULTS].append({**data[RESULTS][0], "config_name": "miracle"})


REQUEST = [
    Mutation(
        "a longer training in the config",
        layout.RUN,
        run_json("config", "run", "total_timesteps", to=6400),
        checks=("request-once", "settings-span-matrix"),
    ),
    Mutation("a longer training with the digest to match", layout.RUN, resign, checks=("settings-span-matrix",)),
    Mutation(
        "another digest of the config", layout.RUN, run_json("config_sha256", to="0" * 64), checks=("request-once",)
    ),
    Mutation(
        "another run id", layout.RUN, run_json("run_id", to="better"), checks=("request-once", "settings-span-matrix")
    ),
    Mutation("another time of creation", layout.RUN, run_json("created_at", to=EARLIER), checks=("request-once",)),
    Mutation(
        "another directory's name",
        layout.RUN,
        run_json("run_directory", to="20010101-000000-tiny"),
        checks=("request-once",),
    ),
    Mutation(
        "another output root", layout.RUN, run_json("output_root", to="/elsewhere"), checks=("settings-span-matrix",)
    ),
    Mutation(
        "a job not announced", layout.RUN, setting(layout.RUN, "jobs", 0, to=None), checks=("settings-span-matrix",)
    ),
    Mutation(
        "a job announced with another seed",
        layout.RUN,
        run_json("jobs", 0, "seed", to=7),
        checks=("settings-span-matrix",),
    ),
    Mutation(
        "a job announced with another key",
        layout.RUN,
        run_json("jobs", 0, "job_key", to="1" * 64),
        checks=("settings-span-matrix",),
    ),
    Mutation(
        "a selection that was not made", layout.RUN, run_json("selection", to=["mlp"]), checks=("settings-span-matrix",)
    ),
    Mutation(
        "a note that the config has not",
        layout.RUN,
        run_json("notes", to=["checked by an expert"]),
        checks=("settings-span-matrix",),
    ),
    Mutation(
        "another list of results",
        layout.RUN,
        run_json("results_key", to="model_results"),
        checks=("settings-span-matrix",),
    ),
    Mutation("another flow", layout.RUN, run_json("flow", to="line_fit"), checks=("flow-named-alike",)),
    Mutation(
        "overrides that were not given",
        layout.RUN,
        run_json("overrides", to={"seeds": [9]}),
        checks=("settings-span-matrix",),
    ),
    Mutation(
        "a commit that is none",
        layout.RUN,
        run_json("git", to={"commit": "HEAD", "dirty": False}),
        "schema",
        checks=("json-contracts",),
    ),
    Mutation("an unknown member", layout.RUN, run_json("test_mode", to=True), "schema", checks=("json-contracts",)),
    Mutation(
        "a later version of the layout",
        layout.RUN,
        run_json("schema_version", to=2),
        "schema",
        checks=("json-contracts",),
    ),
    Mutation(
        "NaN in the config",
        layout.RUN,
        replacing(layout.RUN, '"n_epochs": 2', '"n_epochs": NaN'),
        "not-finite",
        checks=("json-contracts",),
    ),
]
JOURNAL = [
    Mutation(
        "a better reward",
        layout.JOURNAL,
        recording(ONE, "metrics", "best_mean_reward", to=99.5),
        checks=("job-results", "ppo-metrics"),
    ),
    Mutation(
        "more steps",
        layout.JOURNAL,
        recording(ONE, "training_steps", to=640),
        checks=("job-results", "ppo-record", "run-log"),
    ),
    Mutation(
        "a better curve",
        layout.JOURNAL,
        recording(ONE, "details", "curve", "mean_rewards", 2, to=9.0),
        checks=("job-results", "ppo-metrics"),
    ),
    Mutation(
        "another start",
        layout.JOURNAL,
        recording(ONE, "start_time", to=EARLIER),
        checks=("job-results", "times-of-records"),
    ),
    Mutation(
        "another end",
        layout.JOURNAL,
        recording(ONE, "end_time", to=LATER),
        checks=("job-results",),
    ),
    Mutation(
        "another duration",
        layout.JOURNAL,
        recording(ONE, "duration_seconds", to=1e6),
        checks=("job-results", "times-of-records"),
    ),
    Mutation(
        "another seed",
        layout.JOURNAL,
        recording(ONE, "seed", to=3),
        checks=("job-results", "ppo-record", "records-of-jobs", "run-log"),
    ),
    Mutation(
        "another worker mode",
        layout.JOURNAL,
        recording(ONE, "worker_mode", to="vectorized"),
        checks=("job-results", "records-of-jobs"),
    ),
    Mutation(
        "another job's key",
        layout.JOURNAL,
        recording(ONE, "job_key", to="2" * 64),
        checks=("job-results", "records-of-jobs"),
    ),
    Mutation(
        "another directory",
        layout.JOURNAL,
        recording(ONE, "directory", to=TWO),
        checks=(
            "artifact-places",
            "job-contract",
            "job-results",
            "ppo-artifacts",
            "ppo-metrics",
            "records-of-jobs",
            "run-log",
        ),
    ),
    Mutation(
        "a later attempt",
        layout.JOURNAL,
        recording(ONE, "attempt", to=2),
        checks=("job-results", "run-log"),
    ),
    Mutation(
        "a GPU",
        layout.JOURNAL,
        recording(ONE, "hardware_profile", "workers", to=64),
        checks=("job-results",),
    ),
    Mutation(
        "another job's artifact",
        layout.JOURNAL,
        recording(ONE, "artifacts", "policy", "path", to=f"{TWO}/x"),
        checks=("artifact-places", "job-contract", "job-results", "ppo-artifacts"),
    ),
    Mutation(
        "an artifact's digest",
        layout.JOURNAL,
        recording(ONE, "artifacts", "policy", "sha256", to="3" * 64),
        checks=("job-results",),
    ),
    Mutation(
        "an artifact's size",
        layout.JOURNAL,
        recording(ONE, "artifacts", "policy", "size_bytes", to=5),
        checks=("job-results",),
    ),
    Mutation(
        "an artifact left out",
        layout.JOURNAL,
        recording(ONE, "artifacts", to=lambda all_: dict([*all_.items()][1:])),
        checks=("job-contract", "job-results", "ppo-artifacts"),
    ),
    Mutation(
        "a kinder failure",
        layout.JOURNAL,
        recording(BROKEN, "reason", to="lunch break"),
        checks=("job-results", "run-log"),
    ),
    Mutation(
        "an interruption",
        layout.JOURNAL,
        recording(BROKEN, "code", to="interrupted"),
        checks=("journal-lines", "records-of-jobs"),
    ),
    Mutation(
        "another code of a failure",
        layout.JOURNAL,
        recording(BROKEN, "code", to="memory-limit"),
        checks=("job-results", "run-log"),
    ),
    Mutation(
        "another reason to skip",
        layout.JOURNAL,
        recording(SKIPPED, "reason", to="lunch break"),
        checks=("run-log"),
    ),
    Mutation("a failure forgotten", layout.JOURNAL, forget, checks=("journal-chain", "records-of-jobs", "run-log")),
    Mutation("a success twice", layout.JOURNAL, twice, checks=("attempts-count-up",)),
    Mutation("a torn line", layout.JOURNAL, tear, "truncated", checks=("journal-lines",)),
    Mutation(
        "a line that is no record",
        layout.JOURNAL,
        appending(layout.JOURNAL, b"{}\n"),
        "schema",
        checks=("journal-lines",),
    ),
    Mutation("a journal that is gone", layout.JOURNAL, removing(layout.JOURNAL), "missing", checks=("journal-lines",)),
]
SUMMARY = [
    Mutation(
        "a better run",
        layout.SUMMARY,
        summary("aggregate_metrics", "best_mean_reward", to=99.5),
        checks=("json-made-again",),
    ),
    Mutation(
        "fewer failures", layout.SUMMARY, summary("aggregate_metrics", "failed_runs", to=0), checks=("json-made-again",)
    ),
    Mutation(
        "an average of its own",
        layout.SUMMARY,
        summary("aggregate_metrics", "avg_luck", to=1.0),
        checks=("json-made-again",),
    ),
    Mutation(
        "a better result",
        layout.SUMMARY,
        summary(RESULTS, 0, "metrics", "final_mean_reward", to=1.0),
        checks=("json-made-again",),
    ),
    Mutation(
        "a quicker result", layout.SUMMARY, summary(RESULTS, 0, "duration_seconds", to=0.1), checks=("json-made-again",)
    ),
    Mutation(
        "a result left out", layout.SUMMARY, setting(layout.SUMMARY, RESULTS, 1, to=None), checks=("json-made-again",)
    ),
    Mutation("a result invented", layout.SUMMARY, invent, checks=("json-made-again",)),
    Mutation(
        "results in another order", layout.SUMMARY, reordering(layout.SUMMARY, RESULTS), checks=("json-made-again",)
    ),
    Mutation(
        "another seed in a result", layout.SUMMARY, summary(RESULTS, 0, "seed", to=5), checks=("json-made-again",)
    ),
    Mutation(
        "an interruption that was none", layout.SUMMARY, summary("interrupted", to=True), checks=("json-made-again",)
    ),
    Mutation(
        "another machine",
        layout.SUMMARY,
        summary("hardware_overview", 0, "arch", to="quantum"),
        checks=("json-made-again",),
    ),
    Mutation(
        "a narrower interval", layout.SUMMARY, summary("statistics", 0, "low", to=-0.1), checks=("json-made-again",)
    ),
    Mutation(
        "a seed's value", layout.SUMMARY, summary("statistics", 0, "values", 0, to=0.0), checks=("json-made-again",)
    ),
    Mutation(
        "a winner that the seeds do not give",
        layout.SUMMARY,
        summary(
            "verdict", to={"code": "winner", "sentence": "mlp wins.", "winner": "mlp", "details": [], "limits": []}
        ),
        checks=("json-made-again",),
    ),
    Mutation(
        "no warning of few seeds",
        layout.SUMMARY,
        setting(layout.SUMMARY, "statistics", to=None),
        checks=("json-made-again",),
    ),
    Mutation("another time", layout.SUMMARY, summary("created_at", to=LATER), checks=("json-made-again",)),
    Mutation(
        "another artifact",
        layout.SUMMARY,
        summary(RESULTS, 0, "artifacts", "policy", to=f"{TWO}/policy.safetensors"),
        checks=("json-made-again",),
    ),
    Mutation(
        "a path out of the run",
        layout.SUMMARY,
        summary(RESULTS, 0, "artifacts", "policy", to="../x"),
        "schema",
        checks=("json-contracts",),
    ),
    Mutation(
        "infinity",
        layout.SUMMARY,
        replacing(layout.SUMMARY, '"failed_runs": 2', '"failed_runs": Infinity'),
        "not-finite",
        checks=("json-contracts",),
    ),
    Mutation(
        "a key twice",
        layout.SUMMARY,
        replacing(layout.SUMMARY, '"interrupted"', '"flow": "x", "interrupted"'),
        "duplicate-key",
        checks=("json-contracts",),
    ),
    Mutation("a summary that is gone", layout.SUMMARY, removing(layout.SUMMARY), "missing", checks=("json-contracts",)),
]
PAGES = [
    Mutation(
        "a better reward for readers",
        layout.MARKDOWN,
        replacing(layout.MARKDOWN, "reward: -", "reward: "),
        checks=("markdown-made-again",),
    ),
    Mutation(
        "a row less",
        layout.MARKDOWN,
        lambda run: run.drop_line(layout.MARKDOWN, "| broken | 1 |"),
        checks=("markdown-made-again",),
    ),
    Mutation("a section less", layout.MARKDOWN, drop_section, checks=("markdown-made-again",)),
    Mutation("sections in another order", layout.MARKDOWN, swap_sections, checks=("markdown-made-again",)),
    Mutation(
        "another reason",
        layout.MARKDOWN,
        replacing(layout.MARKDOWN, "made to break", "made to last"),
        checks=("markdown-made-again",),
    ),
    Mutation(
        "another heading of a column",
        layout.MARKDOWN,
        replacing(layout.MARKDOWN, "Duration (s)", "Duration (h)"),
        checks=("markdown-made-again",),
    ),
    Mutation(
        "another run's name",
        layout.MARKDOWN,
        replacing(layout.MARKDOWN, "Run ID: tiny", "Run ID: huge"),
        checks=("markdown-made-again",),
    ),
    Mutation(
        "another title",
        layout.MARKDOWN,
        replacing(layout.MARKDOWN, "# Multi", "# Verified Multi"),
        checks=("markdown-made-again",),
    ),
    Mutation(
        "a section more",
        layout.MARKDOWN,
        appending(layout.MARKDOWN, b"\n## Praise\n\nNone.\n"),
        checks=("markdown-made-again",),
    ),
    Mutation(
        "a paragraph more",
        layout.MARKDOWN,
        appending(layout.MARKDOWN, b"\nAll is well.\n"),
        checks=("markdown-made-again",),
    ),
    Mutation(
        "a link",
        layout.MARKDOWN,
        replacing(layout.MARKDOWN, "Run ID: tiny", "Run ID: [tiny](http://x)"),
        checks=("markdown-made-again",),
    ),
    Mutation(
        "HTML",
        layout.MARKDOWN,
        replacing(layout.MARKDOWN, "Run ID: tiny", "Run ID: <b>tiny</b>"),
        checks=("markdown-made-again",),
    ),
    Mutation("invalid UTF-8", layout.MARKDOWN, appending(layout.MARKDOWN, b"\xff"), checks=("markdown-made-again",)),
    Mutation("a better page", layout.PAGE, replacing(layout.PAGE, "failed", "success"), checks=("report-made-again",)),
    Mutation(
        "a script in the page",
        layout.PAGE,
        replacing(layout.PAGE, "</body>", "<script>alert(1)</script></body>"),
        checks=("report-made-again",),
    ),
    Mutation(
        "a figure that is none",
        "figures/learning_curves.png",
        overwriting("figures/learning_curves.png", b"GIF89a"),
        checks=("subjects",),
    ),
]
VIEWS = [
    Mutation(
        "a digest in the manifest",
        layout.MANIFEST,
        listing("jobs", 0, "artifacts", "policy", "sha256", to="4" * 64),
        checks=("json-made-again",),
    ),
    Mutation(
        "a status in the manifest", layout.MANIFEST, listing("jobs", 0, "attempt", to=3), checks=("json-made-again",)
    ),
    Mutation(
        "the manifest's selection", layout.MANIFEST, listing("selection", to=["mlp"]), checks=("json-made-again",)
    ),
    Mutation("fewer skips", layout.MANIFEST, listing("skipped_count", to=0), checks=("json-made-again",)),
    Mutation(
        "a skip left out", layout.SKIPS, setting(layout.SKIPS, "skipped_jobs", 0, to=None), checks=("json-made-again",)
    ),
    Mutation(
        "another reason in the skips",
        layout.SKIPS,
        setting(layout.SKIPS, "skipped_jobs", 0, "reason", to="none"),
        checks=("json-made-again",),
    ),
    Mutation(
        "a better old summary",
        layout.HISTORICAL,
        history("results", "mlp seed 1", "best_reward", to=99.5),
        checks=("json-made-again",),
    ),
    Mutation(
        "a failure completed",
        layout.HISTORICAL,
        history("results", "broken seed 1", "status", to="success"),
        checks=("json-contracts",),
    ),
    Mutation(
        "another total",
        layout.HISTORICAL,
        history("comparison_metadata", "total_time", to=1.0),
        checks=("json-made-again",),
    ),
    Mutation(
        "an old result left out",
        layout.HISTORICAL,
        setting(layout.HISTORICAL, "results", "broken seed 1", to=None),
        checks=("json-made-again",),
    ),
]
DIRECTORIES = [
    Mutation(
        "a better result file",
        f"{ONE}/result.json",
        setting(f"{ONE}/result.json", "metrics", "reward_gain", to=5.0),
        checks=("job-results",),
    ),
    Mutation(
        "a better reason in a result",
        f"{BROKEN}/result.json",
        setting(f"{BROKEN}/result.json", "reason", to="rain"),
        checks=("job-results",),
    ),
    Mutation("no result file", f"{ONE}/result.json", removing(f"{ONE}/result.json"), "missing", checks=("subjects",)),
    Mutation(
        "another order",
        f"{ONE}/job.json",
        setting(f"{ONE}/job.json", "parameters", "threads", to=8),
        checks=("job-orders",),
    ),
    Mutation(
        "another priority", f"{ONE}/job.json", setting(f"{ONE}/job.json", "weight", to=8.0), checks=("job-orders",)
    ),
    Mutation(
        "another seed ordered", f"{ONE}/job.json", setting(f"{ONE}/job.json", "seed", to=8), checks=("job-orders",)
    ),
    Mutation("no order", f"{ONE}/job.json", removing(f"{ONE}/job.json"), "missing", checks=("subjects",)),
    Mutation("no attempt", f"{ONE}/attempt-1.json", removing(f"{ONE}/attempt-1.json"), "missing", checks=("subjects",)),
    Mutation(
        "another attempt",
        f"{ONE}/attempt-1.json",
        setting(f"{ONE}/attempt-1.json", "attempt", to=4),
        checks=("subjects",),
    ),
    Mutation(
        "a later attempt's note",
        f"{ONE}/attempt-1.json",
        setting(f"{ONE}/attempt-1.json", "started_at", to=LATER),
        checks=("subjects",),
    ),
    Mutation(
        "better metrics",
        f"{ONE}/metrics.json",
        setting(f"{ONE}/metrics.json", "metrics", "best_mean_reward", to=5.0),
        checks=("ppo-metrics-file",),
    ),
    Mutation("a byte more", f"{ONE}/monitor.csv", appending(f"{ONE}/monitor.csv", b"\n"), "size", checks=("subjects",)),
    Mutation(
        "an empty file",
        f"{ONE}/final_model.zip",
        overwriting(f"{ONE}/final_model.zip", b""),
        "size",
        checks=("subjects",),
    ),
    Mutation("no model", f"{ONE}/final_model.zip", removing(f"{ONE}/final_model.zip"), "missing", checks=("subjects",)),
    Mutation(
        "no event file", f"{ONE}/tensorboard/", removing_artifact(ONE, "tensorboard"), "missing", checks=("subjects",)
    ),
    Mutation(
        "no checkpoint", f"{ONE}/checkpoints/", removing_artifact(ONE, "checkpoint_32"), "missing", checks=("subjects",)
    ),
    Mutation(
        "another seed's weights",
        f"{ONE}/policy.safetensors",
        copying(f"{TWO}/policy.safetensors", f"{ONE}/policy.safetensors"),
        checks=("ppo-weights",),
    ),
    Mutation(
        "another seed's evaluations",
        f"{ONE}/eval_logs/evaluations.npz",
        copying(f"{TWO}/eval_logs/evaluations.npz", f"{ONE}/eval_logs/evaluations.npz"),
        checks=("subjects",),
    ),
    Mutation("weights behind a link", f"{ONE}/policy.safetensors", link_away, "symlink", checks=("plain-files",)),
]
ONE_FILE = [*REQUEST, *JOURNAL, *SUMMARY, *PAGES, *VIEWS, *DIRECTORIES]
