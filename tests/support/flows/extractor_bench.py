"""Runs jobs of small comparisons in this process, for real."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from extractor_flow.config import read_config
from extractor_flow.flows.extractor_comparison import flow
from extractor_flow.study.flow import JobResult
from extractor_flow.study.jobs import Job

CORRIDOR = {"factory": "support.flows.corridor:make_corridor"}
ROBOT_NAV = {"kwargs": {"rays": 16, "walls": 1, "pedestrians": 1, "arena_size": 6.0, "max_steps": 20}}
FLAT = {"name": "flat", "class": "support.flows.corridor:Flat"}


@dataclass
class Desk:
    """A workspace that remembers what it was told."""

    path: Path
    told: list[tuple[int, int, dict[str, float]]] = field(default_factory=list)

    def progress(self, done: int, total: int, **facts: float) -> None:
        self.told.append((done, total, facts))


@dataclass(frozen=True)
class Done:
    """A job that ran to its end, and where."""

    job: Job
    product: JobResult
    desk: Desk

    @property
    def path(self) -> Path:
        return self.desk.path

    def read(self, artifact: str) -> bytes:
        return (self.path / self.product.artifacts[artifact]).read_bytes()


class Bench:
    """Makes studies and runs their jobs, each in a directory of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._numbers = itertools.count()

    def jobs(
        self,
        *extractors: dict[str, Any],
        algorithm: Any = None,
        env: Any = None,
        eval_env: Any = None,
        **run: Any,
    ) -> tuple[Job, ...]:
        """The jobs of a study: 64 steps of *extractors* in the corridor, in rollouts of 32, unless told otherwise."""
        data = {
            # A process that is spawned imports torch, which takes longer than all the rest of a test.
            "start_method": run.pop("start_method", "forkserver"),
            "run": {
                "total_timesteps": 64,
                "eval_freq": 32,
                "n_eval_episodes": 2,
                "final_eval_episodes": 3,
                "seed": 1,
                **run,
            },
            "extractors": list(extractors) or [FLAT],
            "algorithm": algorithm if "name" in (algorithm or {}) else {"n_epochs": 2, **(algorithm or {})},
            "env": env or CORRIDOR,
            **({} if eval_env is None else {"eval_env": eval_env}),
        }
        if "seeds" in run:
            del data["run"]["seed"]
        path = self._path / "study.yaml"
        path.write_text(yaml.safe_dump(data), encoding="utf-8")
        return flow.study(read_config(path), {}).jobs

    def desk(self) -> Desk:
        """A new workspace."""
        path = self._path / f"job-{next(self._numbers)}"
        path.mkdir()
        return Desk(path)

    def train(self, *extractors: dict[str, Any], **settings: Any) -> Done:
        """The only job of such a study, done."""
        (job,) = self.jobs(*extractors, **settings)
        desk = self.desk()
        return Done(job, flow.run(job, desk), desk)
