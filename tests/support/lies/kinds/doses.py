"""Lies about a dose x overlap study."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

from extractor_flow import layout
from support.lies.dose_tampering import (
    CHECKPOINT,
    DENSE,
    edited_tensors,
    imaged,
    measured,
    where,
)
from support.lies.kinds.kind import Seen, asked, gone, record, subject, text

if TYPE_CHECKING:
    from support.lies.tampering import Tampering

DOSE = "dose"


def section(name: str, **members: object) -> Any:
    """The config with other members in one of its sections."""
    return asked(lambda config: config[name].update(members))


def another_figure(run: Tampering) -> None:
    """A figure in the place of another."""
    first, second = sorted((run.path / layout.FIGURES).iterdir())[:2]
    shutil.copyfile(second, first)


def smoother(arrays: dict[str, Any]) -> dict[str, Any]:
    """The network's image is a little darker."""
    return {"trained": arrays["trained"] * np.float32(0.99)}


DOSES = subject(
    "dose x overlap studies",
    DOSE,
    ("another seed of the object", section("simulation", seed=7), Seen.LIGHT, "dose-data"),
    ("another step of the scan", section("simulation", scan_step=4), Seen.LIGHT, "dose-data"),
    ("another focus of the probe", section("simulation", probe_defocus=1.0), Seen.LIGHT, "dose-data"),
    ("another thinning", section("design", subsampling_seed=1), Seen.LIGHT, "dose-bundle"),
    ("other groups", section("design", grouping_seed=1), Seen.LIGHT, "dose-bundle"),
    ("another dose", section("design", doses=[2000, 100000]), Seen.LIGHT, "dose-data"),
    ("a wider network", section("training", width=8), Seen.LIGHT, "dose-bundle"),
    ("more epochs", section("training", epochs=3), Seen.LIGHT, "dose-curve"),
    ("more steps an epoch", section("training", steps_per_epoch=60), Seen.LIGHT, "dose-curve"),
    ("larger batches", section("training", batch_frames=16), Seen.LIGHT, "dose-bundle"),
    ("another rate", section("training", learning_rate=0.1), Seen.LIGHT, "dose-curve"),
    ("a solver that goes on for longer", section("solver", iterations=3), Seen.DEEP, "dose-images-again"),
    ("another limit of time", section("run", time_limit_seconds=500), Seen.WITNESS),
    ("a note", section("run", notes=["checked by an expert"]), Seen.WITNESS),
    ("half as long", record(DENSE, "duration_seconds", to=lambda value: value / 2), Seen.WITNESS),
    ("a darker image", imaged(smoother), Seen.DEEP, "dose-images-again"),
    ("moments a little larger", edited_tensors(CHECKPOINT, where("exp_avg", lambda each: each * np.float32(1.01))),
     Seen.WITNESS),
    ("another random state", edited_tensors(CHECKPOINT, where("rng", lambda each: each + 1)), Seen.WITNESS),
    ("frames a little brighter",
     measured(lambda arrays: arrays.update(diffraction=arrays["diffraction"] * np.float32(1.001))),
     Seen.LIGHT, "dose-data"),
    ("a cell's directory taken away", gone(f"{DENSE}/curves.json"), Seen.LIGHT, "artifact-digests"),
    ("one figure in the place of another", another_figure, Seen.DEEP, "figures-made-again"),
    ("a page of praise", text(f"{DENSE}/AWARDS.md", lambda _: "the best of all\n"), Seen.WITNESS),
)  # fmt: skip
