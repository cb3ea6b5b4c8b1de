"""Changes a published dose x overlap study as a careful liar does: one thing, and whatever tells of it."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from extractor_flow import layout
from extractor_flow.binding.chain import PREVIOUS
from extractor_flow.config import ConfigDocument
from extractor_flow.files import dumps, sha256_of
from extractor_flow.flows.dose_overlap import flow
from extractor_flow.flows.dose_overlap.data.dataset import npz_bytes
from extractor_flow.run.provenance import config_digest
from extractor_flow.study.jobs import select
from support.published import ONE_DOSE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.lies.tampering import Tampering

STUDY = ONE_DOSE
DENSE, OTHER_DENSE, SPARSE = "dose_1000/dense/gs2", "dose_100000/dense/gs2", "dose_1000/sparse/gs2"
BUNDLE, CHECKPOINT = f"{DENSE}/bundle.safetensors", f"{DENSE}/checkpoint.safetensors"
CURVES, IMAGES = f"{DENSE}/curves.json", f"{DENSE}/reconstructions.npz"
DATA, TEST = "data/dose_1000", "data/dose_1000/dense/dense_test.npz"
_HEADER = "dose_overlap"

Arrays = dict[str, Any]


def curved(edit: Callable[[list[dict[str, Any]]], object], **metrics: Callable[[list[Any]], float]) -> Any:
    """Edit the learning curve, wherever it is told but in the checkpoint."""

    def change(run: Tampering) -> None:
        with run.json(CURVES) as data:
            edit(data["curves"])
            curves = data["curves"]
        with run.lying(DENSE) as record:
            record["details"]["curves"] = curves
            record["metrics"] |= {name: value(curves) for name, value in metrics.items()}
        run.digested(DENSE)

    return change


def each(**values: Any) -> Callable[[list[dict[str, Any]]], None]:
    """Set *values* in each epoch but the first."""

    def edit(curves: list[dict[str, Any]]) -> None:
        for epoch in curves[1:]:
            epoch.update(values)

    return edit


def scale_losses(curves: list[dict[str, Any]]) -> None:
    """Make every loss half a percent lower."""
    for epoch in curves:
        epoch["validation_loss"] *= 0.995
        epoch["train_loss"] = epoch["train_loss"] and epoch["train_loss"] * 0.995


def best(curves: list[Any]) -> float:
    """The lowest validation loss."""
    return float(min(epoch["validation_loss"] for epoch in curves))


def in_record(member: str, values: dict[str, Any]) -> Any:
    """Add *values* to the *member* of the record."""

    def change(run: Tampering) -> None:
        with run.lying(DENSE) as record:
            record[member].update(values)

    return change


def edited_tensors(name: str, edit: Callable[[Arrays, dict[str, Any]], object], **metadata: str) -> Any:
    """Edit the tensors and the header of a safetensors file, and let all digests agree."""

    def change(run: Tampering) -> None:
        path = run.path / name
        with safe_open(path, "numpy") as archive:
            header = json.loads(archive.metadata()[_HEADER])
            tensors = {key: archive.get_tensor(key) for key in archive.keys()}  # noqa: SIM118 - not a mapping
        edit(tensors, header)
        path.write_bytes(save(tensors, {_HEADER: json.dumps(header), **metadata}))
        _tell_bundle(run, name, path)

    return change


def _tell_bundle(run: Tampering, name: str, path: Path) -> None:
    with run.lying(DENSE) as record:
        if name == BUNDLE:
            record["details"] |= {"bundle_sha256": sha256_of(path), "bundle_size_bytes": path.stat().st_size}


def network(function: Callable[[Any], Any]) -> Callable[[Arrays, object], None]:
    """Put *function* of each weight in its place."""

    def edit(tensors: Arrays, _: object) -> None:
        tensors.update({name: function(value) for name, value in tensors.items() if name.startswith("network.")})

    return edit


def where(part: str, function: Callable[[Any], Any]) -> Callable[[Arrays, object], None]:
    """Put *function* of each tensor whose name holds *part* in its place."""

    def edit(tensors: Arrays, _: object) -> None:
        found = {name: np.asarray(function(each), each.dtype) for name, each in tensors.items() if part in name}
        tensors.update(found)

    return edit


def calibrated(function: Callable[[float], object]) -> Callable[[object, dict[str, Any]], None]:
    """Put *function* of each number of the calibration in its place."""

    def edit(_: object, header: dict[str, Any]) -> None:
        header["calibration"] = {name: function(value) for name, value in header["calibration"].items()}

    return edit


def another_brightness(_: object, header: dict[str, Any]) -> None:
    """A calibration in which all three numbers fit each other."""
    numbers = header["calibration"]
    numbers.update(
        level=numbers["level"] * 2, input_scale=numbers["input_scale"] / 2, photon_scale=numbers["photon_scale"] / 4
    )


def overwritten(name: str, data: Callable[[Tampering], bytes]) -> Any:
    """Replace a file's content, and let all digests agree."""

    def change(run: Tampering) -> None:
        (run.path / name).write_bytes(data(run))
        run.digested(DENSE)

    return change


def imaged(edit: Callable[[Arrays], Arrays]) -> Any:
    """Change stored images, with scores that fit them."""

    def change(run: Tampering) -> None:
        from extractor_flow.flows.dose_overlap.scoring.cell_metrics import measured

        with np.load(run.path / IMAGES) as stored:
            arrays = {name: stored[name].copy() for name in stored.files}
        arrays |= {name: np.asarray(value, np.complex64) for name, value in edit(arrays).items()}
        (run.path / IMAGES).write_bytes(npz_bytes(arrays))
        with run.lying(DENSE) as record:
            record["metrics"] |= measured(arrays)
        run.digested(DENSE)

    return change


def measured(edit: Callable[[Arrays], object], name: str = TEST) -> Any:
    """Change a data file, with its digest in the record."""

    def change(run: Tampering) -> None:
        with np.load(run.path / name) as stored:
            arrays = {key: stored[key].copy() for key in stored.files}
        edit(arrays)
        (run.path / name).write_bytes(npz_bytes(arrays))
        if name == TEST:
            with run.lying(DENSE) as record:
                record["details"]["data_sha256"]["test"] = sha256_of(run.path / name)

    return change


def darken(arrays: Arrays) -> None:
    """Put out the brightest pixels, fewer than one in a thousand."""
    frames = arrays["diffraction"].reshape(-1)
    frames[np.argsort(-frames)[: int(frames.size * 0.0009)]] = 0


def infinite(arrays: Arrays) -> None:
    """Two counts without end."""
    arrays["diffraction"].reshape(-1)[:2] = np.inf


def told(name: str, *steps: str, to: object) -> Any:
    """Set what *steps* lead to in a JSON file of the data."""

    def change(run: Tampering) -> None:
        with run.json(name) as data:
            for step in steps[:-1]:
                data = data[step]  # noqa: PLW2901
            data[steps[-1]] = to

    return change


def relabelled(edit: Callable[[dict[str, Any]], object]) -> Any:
    """Change the config, and let request, orders, journal, results and published files tell of it."""

    def change(run: Tampering) -> None:
        request = json.loads((run.path / layout.RUN).read_text(encoding="utf-8"))
        before = {(job["config_name"], job.get("seed")): job["job_key"] for job in request["jobs"]}
        edit(request["config"])
        overrides = {**request["overrides"], **{key: request[key] for key in ("run_id", "output_root")}}
        study = flow.study(ConfigDocument(run.path / layout.RUN, request["config"], {}), overrides)
        request |= {"config": dict(study.settings), "config_sha256": config_digest(study.settings)}
        jobs = select(study.jobs, request["selection"])
        request |= {"jobs": [job.announced() for job in jobs]}
        (run.path / layout.RUN).write_text(dumps(request), encoding="utf-8")
        _retell(run, {before[job.name, job.seed]: job for job in jobs})

    return change


def _retell(run: Tampering, jobs: dict[str, Any]) -> None:
    with run.journal() as records:
        records[:] = [record for record in records if record["job_key"] in jobs]
        for record in records:
            job = jobs[record["job_key"]]
            record["job_key"] = job.key
            directory = run.path / job.directory
            if (directory / "job.json").is_file():
                (directory / "job.json").write_text(dumps(job.to_json()), encoding="utf-8")
                alone = {name: value for name, value in record.items() if name != PREVIOUS}
                (directory / "result.json").write_text(dumps(alone), encoding="utf-8")
    run.republish()


def from_nowhere(config: dict[str, Any]) -> None:
    """Let the object come from a data set that is not there."""
    config["simulation"].update(base_npz="/nowhere/measured.npz", base_sha256="ab" * 32)


def from_nowhere_and_darker(run: Tampering) -> None:
    """An object from a data set that is not there, and darker frames."""
    relabelled(from_nowhere)(run)
    measured(lambda arrays: arrays.update(diffraction=arrays["diffraction"] * np.float32(0.5)))(run)


def more_patience(run: Tampering) -> None:
    """Another patience, in the bundle too."""
    relabelled(lambda config: config["training"].update(patience=50))(run)
    edited_tensors(BUNDLE, lambda _, header: header["config"].update(patience=50))(run)


def skipped(code: str) -> Any:
    """Let the dense cell be skipped with *code*."""

    def change(run: Tampering) -> None:
        with run.lying(DENSE) as record:
            for name in ("metrics", "artifacts", "training_steps", "details", "end_time", "duration_seconds"):
                record.pop(name, None)
            record.pop("hardware_profile", None)
            record.update(status="skipped", code=code, reason="so it was")

    return change


def without_canonical(run: Tampering) -> None:
    """Delete one stage of the data."""
    (run.path / DATA / "canonical.npz").unlink()


def another_dose(run: Tampering) -> None:
    """Data of a dose that the study does not have."""
    shutil.copytree(run.path / DATA, run.path / "data/dose_9")


def nudged(arrays: Arrays) -> Arrays:
    """Each pixel of the network's image a little nearer to the truth."""
    gap = arrays["truth"] - arrays["trained"]
    size = np.abs(gap)
    return {"trained": arrays["trained"] + gap / np.maximum(size, 1e-12) * np.minimum(size, 0.002)}


def outside(arrays: Arrays) -> Arrays:
    """The truth where nothing was scored."""
    return {"trained": np.where(arrays["mask"], arrays["trained"], arrays["truth"])}
