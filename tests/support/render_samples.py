"""Summaries to draw, and a reader that sees a Markdown file as a parser does."""

import hashlib
from itertools import pairwise

from markdown_it import MarkdownIt

from extractor_flow.study.codes import Code
from extractor_flow.study.flow import ReportSpec
from extractor_flow.study.job_contract import Metric
from extractor_flow.study.records import Artifact, Completed, Failed, HardwareProfile, JobRecord, RunSummary, Skipped
from extractor_flow.study.statistics import describe

WORDS = ReportSpec(
    title="Multi-Extractor Training Summary",
    subject="Extractor Name",
    results_key="extractor_results",
    results_heading="Extractor Results",
    headline="best_mean_reward",
    metrics={
        "best_mean_reward": Metric("Best mean reward", unit="reward", decimals=2),
        "baseline_convergence_timestep": Metric("Convergence of the baseline", unit="steps", decimals=0),
    },
)

CPU = HardwareProfile(platform="Linux-6.1", arch="x86_64", python_version="3.11.4", workers=2)
GPU = HardwareProfile("Linux-6.1", "x86_64", "3.12.1", 16, gpu_model="NVIDIA RTX 4070", cuda_version="12.4")

HOSTILE = (
    "a | b \\| c",
    "two\nlines\r\nand\rmore\u2028",
    "`code` *bold* _it_ ~~gone~~ [x](http://e.example) ![i](j)",
    "<script>alert(1)</script><img src=x onerror=alert(2)> &lt; &amp; &#124;",
    "\u202egnp.exe\u202c \u0645\u0631\u062d\u0628\u0627",
    "\x00\x1b[31mred\x07\x7f\x85",
    "🧑‍🚀 🏳️‍🌈 e\u0301 \U000e0067",
    "  spaced  ",
    "\u00a0wide\u3000",
    "n/a",
    "",
    "| --- | --- |",
    "# heading\n- item\n```\nfence\n",
    "\udc80 not a character",
    "C:\\new\\x41\\u0041\\U00110000",
    "$$math$$ a_b _c_ __d__ \\",
    '" onmouseover="alert(1)" style=\'x\' >',
)


def request(**changes):
    """What ``run.json`` tells of a run."""
    members = {
        "command": ["extractor-flow", "run", "my study.yaml"],
        "config": {"run": {"seeds": [42]}},
        "config_path": "my study.yaml",
        "config_sha256": "9d" * 32,
        "executor": "local",
        "git": {"commit": "a" * 40, "dirty": True},
        "packages": {"torch": "2.6.0"},
        "processor": "A processor",
    }
    return {**members, **changes}


def artifacts(directory):
    path = f"{directory}/final_model.zip"
    return {"final_model": Artifact(path, hashlib.sha256(path.encode()).hexdigest(), len(path))}


def record(outcome, name="mlp_small", seed=42, **changes):
    directory = f"extractors/{name}" if seed is None else f"extractors/{name}/seed-{seed}"
    started = (
        {}
        if isinstance(outcome, Skipped)
        else {
            "end_time": "2026-11-21T10:16:00.500Z",
            "duration_seconds": 60.25,
            "hardware": CPU,
        }
    )
    members = {
        "flow": "extractor_comparison",
        "name": name,
        "seed": seed,
        "job_key": hashlib.sha256(directory.encode()).hexdigest(),
        "directory": directory,
        "outcome": outcome,
        "start_time": "2026-11-21T10:15:00.250Z",
        "worker_mode": "single-thread",
    }
    return JobRecord(**{**members, **started, **changes})


def completed(name="mlp_small", seed=42, reward=-1.255, **changes):
    directory = f"extractors/{name}" if seed is None else f"extractors/{name}/seed-{seed}"
    metrics = {"best_mean_reward": reward, "total_parameters": 54760}
    outcome = Completed(metrics, artifacts(directory), training_steps=4096, details={"steps": [0, 4096]})
    return record(outcome, name, seed, **changes)


def skipped(
    name="attention_large", seed=42, reason="needs CUDA; run it on a machine with a GPU", code=Code.MISSING_CAPABILITY
):
    return record(Skipped(code, reason), name, seed)


def failed(
    name="lstm_small", seed=42, reason="ValueError: boom", code=Code.RAISED, log_tail=("epoch 1", "boom"), **changes
):
    return record(Failed(code, reason, log_tail=log_tail), name, seed, **changes)


def summary(*records, **changes):
    members = {
        "run_id": "demo",
        "flow": "extractor_comparison",
        "created_at": "2026-11-21T10:15:00.000Z",
        "output_root": "tmp/multi_extractor_training",
        "run_directory": "20261121-101500-demo",
        "hardware_overview": (CPU,),
        "records": records,
        "aggregate_metrics": {"completed_runs": 1, "skipped_runs": 0, "failed_runs": 0, "total_wall_time": 60.25},
    }
    return RunSummary(**{**members, **changes})


def statistics_entry(name="mlp_small", values=(-1.5, 0.25, 2.0), **more):
    return {"config_name": name, "metric": "best_mean_reward", **describe(values).to_json(), **more}


def mixed():
    """A run in which everything happens: several seeds, a failure, a skip, notes, statistics, an interrupt."""
    return summary(
        completed(seed=1, reward=-1.5),
        completed(seed=2, reward=0.25, attempt=2),
        failed(seed=1),
        skipped(seed=1),
        hardware_overview=(CPU, GPU),
        aggregate_metrics={
            "completed_runs": 2,
            "skipped_runs": 1,
            "failed_runs": 1,
            "total_wall_time": 180.75,
            "best_mean_reward": 0.25,
            "unheard_of": 1.005,
        },
        statistics=(
            statistics_entry(values=(-1.5, 0.25)),
            statistics_entry("lightweight_cnn", (1.0,), probability_of_improvement=1.0, baseline="mlp_small"),
        ),
        notes=("a first look",),
        interrupted=True,
    )


def shown(inline):
    """What a reader sees of one cell or line; anything but plain text is an error."""
    assert {child.type for child in inline.children} <= {"text"}, inline
    return "".join(child.content for child in inline.children)


def read(text):
    """The headings, lines and tables of a Markdown file, as markdown-it sees them."""
    blocks = []
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    for before, token in pairwise(tokens):
        if before.type == "tr_open":
            blocks.append([])
        if token.type != "inline":
            continue
        if before.type in {"td_open", "th_open"}:
            blocks[-1].append(shown(token))
        else:
            blocks.append(f"{before.markup}{shown(token)}")
    return blocks
