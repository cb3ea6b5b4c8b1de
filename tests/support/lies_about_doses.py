"""Lies about a dose x overlap study: what a careful liar changes, and the file that a verifier has to name."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
from mutated_runs import Mutation
from safetensors import safe_open
from safetensors.numpy import save

from harness import rundir
from harness.config import ConfigDocument
from harness.files import dump_line, dumps, sha256_of
from harness.flows.dose_overlap import flow
from harness.flows.dose_overlap.data import npz_bytes
from harness.provenance import config_digest
from harness.verify.matrix import announcement

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tampering import Tampering

STUDY: dict[str, Any] = {
    "flow": "dose_overlap",
    "run": {"run_id": "tiny"},
    "design": {"doses": [1000, 100000], "overlaps": {"dense": 0.6, "sparse": 0.2}},
    "simulation": {"object_size": 112, "frame_size": 16, "probe_diameter": 8, "scan_step": 3},
    "training": {"epochs": 2, "steps_per_epoch": 6, "width": 4, "projections": 2, "batch_frames": 8},
    "solver": {"iterations": 2},
}
BASELINE, DENSE, SPARSE = "dose_1000/baseline/gs1", "dose_1000/dense/gs2", "dose_1000/sparse/gs2"
BUNDLE, CHECKPOINT = f"{DENSE}/bundle.safetensors", f"{DENSE}/checkpoint.safetensors"
CURVES, IMAGES = f"{DENSE}/curves.json", f"{DENSE}/reconstructions.npz"
DATA, TEST = "data/dose_1000", "data/dose_1000/dense/dense_test.npz"
_HEADER = "dose_overlap"

Arrays = dict[str, Any]


def _curved(edit: Callable[[list[dict[str, Any]]], object], **metrics: Callable[[list[Any]], float]) -> Any:
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


def _each(**values: Any) -> Callable[[list[dict[str, Any]]], None]:
    """Set *values* in each epoch but the first."""

    def edit(curves: list[dict[str, Any]]) -> None:
        for epoch in curves[1:]:
            epoch.update(values)

    return edit


def _scale_losses(curves: list[dict[str, Any]]) -> None:
    for epoch in curves:
        epoch["validation_loss"] *= 0.01
        epoch["train_loss"] = epoch["train_loss"] and epoch["train_loss"] * 0.01


def _best(curves: list[Any]) -> float:
    return float(min(epoch["validation_loss"] for epoch in curves))


def _in_record(member: str, values: dict[str, Any]) -> Any:
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


def _network(function: Callable[[Any], Any]) -> Callable[[Arrays, object], None]:
    def edit(tensors: Arrays, _: object) -> None:
        tensors.update({name: function(value) for name, value in tensors.items() if name.startswith("network.")})

    return edit


def _where(part: str, function: Callable[[Any], Any]) -> Callable[[Arrays, object], None]:
    def edit(tensors: Arrays, _: object) -> None:
        found = {name: np.asarray(function(each), each.dtype) for name, each in tensors.items() if part in name}
        tensors.update(found)

    return edit


def _calibrated(function: Callable[[float], object]) -> Callable[[object, dict[str, Any]], None]:
    def edit(_: object, header: dict[str, Any]) -> None:
        header["calibration"] = {name: function(value) for name, value in header["calibration"].items()}

    return edit


def _another_brightness(_: object, header: dict[str, Any]) -> None:
    """A calibration in which all three numbers fit each other."""
    numbers = header["calibration"]
    numbers.update(
        level=numbers["level"] * 2, input_scale=numbers["input_scale"] / 2, photon_scale=numbers["photon_scale"] / 4
    )


def _bytes(name: str, data: Callable[[Tampering], bytes]) -> Any:
    def change(run: Tampering) -> None:
        (run.path / name).write_bytes(data(run))
        run.digested(DENSE)

    return change


def _imaged(edit: Callable[[Arrays], Arrays]) -> Any:
    """Change stored images, with scores that fit them."""

    def change(run: Tampering) -> None:
        from harness.flows.dose_overlap.scoring import measured

        with np.load(run.path / IMAGES) as stored:
            arrays = {name: stored[name].copy() for name in stored.files}
        arrays |= {name: np.asarray(value, np.complex64) for name, value in edit(arrays).items()}
        (run.path / IMAGES).write_bytes(npz_bytes(arrays))
        with run.lying(DENSE) as record:
            record["metrics"] |= measured(arrays)
        run.digested(DENSE)

    return change


def _measured(edit: Callable[[Arrays], object], name: str = TEST) -> Any:
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


def _darken(arrays: Arrays) -> None:
    frames = arrays["diffraction"].reshape(-1)
    frames[np.argsort(-frames)[: int(frames.size * 0.0009)]] = 0


def _infinite(arrays: Arrays) -> None:
    arrays["diffraction"].reshape(-1)[:2] = np.inf


def _told(name: str, *steps: str, to: object) -> Any:
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
        request = json.loads((run.path / rundir.RUN).read_text(encoding="utf-8"))
        before = {(job["config_name"], job.get("seed")): job["job_key"] for job in request["jobs"]}
        edit(request["config"])
        overrides = {**request["overrides"], **{key: request[key] for key in ("run_id", "output_root")}}
        study = flow.study(ConfigDocument(run.path / rundir.RUN, request["config"], {}), overrides)
        request |= {"config": dict(study.settings), "config_sha256": config_digest(study.settings)}
        request |= {"jobs": [announcement(job) for job in study.jobs]}
        (run.path / rundir.RUN).write_text(dumps(request), encoding="utf-8")
        _retell(run, {before[job.name, job.seed]: job for job in study.jobs})

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
                (directory / "result.json").write_text(dumps(record), encoding="utf-8")
    text = "".join(dump_line(record) for record in records)
    (run.path / rundir.JOURNAL).write_text(text, encoding="utf-8")
    run.republish()


def from_nowhere(config: dict[str, Any]) -> None:
    config["simulation"].update(base_npz="/nowhere/measured.npz", base_sha256="ab" * 32)


def _from_nowhere_and_darker(run: Tampering) -> None:
    relabelled(from_nowhere)(run)
    _measured(lambda arrays: arrays.update(diffraction=arrays["diffraction"] * np.float32(0.5)))(run)


def _more_patience(run: Tampering) -> None:
    """Another patience, in the bundle too."""
    relabelled(lambda config: config["training"].update(patience=50))(run)
    edited_tensors(BUNDLE, lambda _, header: header["config"].update(patience=50))(run)


def _skipped(reason: str) -> Any:
    def change(run: Tampering) -> None:
        with run.lying(DENSE) as record:
            for name in ("metrics", "artifacts", "training_steps", "details", "end_time", "duration_seconds"):
                record.pop(name, None)
            record.pop("hardware_profile", None)
            record.update(status="skipped", reason=reason)

    return change


def _without_canonical(run: Tampering) -> None:
    (run.path / DATA / "canonical.npz").unlink()


def _another_dose(run: Tampering) -> None:
    shutil.copytree(run.path / DATA, run.path / "data/dose_9")


def _nudged(arrays: Arrays) -> Arrays:
    """Each pixel of the network's image a little nearer to the truth."""
    gap = arrays["truth"] - arrays["trained"]
    size = np.abs(gap)
    return {"trained": arrays["trained"] + gap / np.maximum(size, 1e-12) * np.minimum(size, 0.0199)}


def _outside(arrays: Arrays) -> Arrays:
    return {"trained": np.where(arrays["mask"], arrays["trained"], arrays["truth"])}


_NEEDS_CUDA = (
    "needs cuda, which is missing here: no driver; "
    "run it on a machine that has it, or set training.device to cpu or auto"
)
_NOTE = '{"dose": 1.0, "instrument": "another"}'

LIES = [
    Mutation("a better PSNR in the curve", CURVES, _curved(_each(amplitude_psnr=60.0))),
    Mutation("other learning rates", CURVES, _curved(_each(learning_rate=1.0))),
    Mutation(
        "lower losses",
        CURVES,
        _curved(
            _scale_losses,
            best_validation_loss=_best,
            untrained_validation_loss=lambda curves: curves[0]["validation_loss"],
            final_loss=lambda curves: curves[-1]["train_loss"],
        ),
    ),
    Mutation("a member beside the curves", CURVES, _curved(_each(sharpness=1.0))),
    Mutation("an invented metric", rundir.JOURNAL, _in_record("metrics", {"resolution_nm": 1.0})),
    Mutation("an invented detail", rundir.JOURNAL, _in_record("details", {"audited": True})),
    Mutation("a version alone", rundir.JOURNAL, _in_record("details", {"versions": {"torch": "0.1"}})),
    Mutation("a checkpoint of text", CHECKPOINT, _bytes(CHECKPOINT, lambda _: b"not a checkpoint")),
    Mutation(
        "another cell's checkpoint",
        CHECKPOINT,
        _bytes(CHECKPOINT, lambda run: (run.path / BASELINE / "checkpoint.safetensors").read_bytes()),
    ),
    Mutation("other best weights", CHECKPOINT, edited_tensors(CHECKPOINT, _where("best/", lambda each: each + 1))),
    Mutation("other last weights", CHECKPOINT, edited_tensors(CHECKPOINT, _where("network/", lambda each: each + 1))),
    Mutation(
        "more steps in the optimizer", CHECKPOINT, edited_tensors(CHECKPOINT, _where(".step", lambda each: each + 99))
    ),
    Mutation("moments of nothing", CHECKPOINT, edited_tensors(CHECKPOINT, _where("_sq", lambda each: each * 0))),
    Mutation(
        "moments that are none", CHECKPOINT, edited_tensors(CHECKPOINT, _where("_avg", lambda each: each * np.nan))
    ),
    Mutation(
        "another history", CHECKPOINT, edited_tensors(CHECKPOINT, lambda _, header: _each(epoch=7)(header["history"]))
    ),
    Mutation(
        "another digest", CHECKPOINT, edited_tensors(CHECKPOINT, lambda _, header: header.update(digest="0" * 64))
    ),
    Mutation("weights with noise", BUNDLE, edited_tensors(BUNDLE, _network(lambda each: each * np.float32(1.00001)))),
    Mutation("weights of whole numbers", BUNDLE, edited_tensors(BUNDLE, _network(lambda each: each.astype(np.int64)))),
    Mutation("another probe", BUNDLE, edited_tensors(BUNDLE, _where("probe", lambda each: each * 0 + 1))),
    Mutation(
        "a probe of three dimensions",
        BUNDLE,
        edited_tensors(BUNDLE, lambda tensors, _: tensors.update(probe=np.ones((2, 16, 16, 2), np.float32))),
    ),
    Mutation(
        "an empty probe",
        BUNDLE,
        edited_tensors(BUNDLE, lambda tensors, _: tensors.update(probe=np.ones((0, 0, 2), np.float32))),
    ),
    Mutation("another calibration", BUNDLE, edited_tensors(BUNDLE, _calibrated(lambda value: value * 3))),
    Mutation("a calibration that fits itself", BUNDLE, edited_tensors(BUNDLE, _another_brightness)),
    Mutation("a calibration of texts", BUNDLE, edited_tensors(BUNDLE, _calibrated(lambda _: "x"))),
    Mutation("a calibration of zeros", BUNDLE, edited_tensors(BUNDLE, _calibrated(lambda _: 0.0))),
    Mutation("a calibration without end", BUNDLE, edited_tensors(BUNDLE, _calibrated(lambda _: 10**400))),
    Mutation(
        "one more tensor",
        BUNDLE,
        edited_tensors(BUNDLE, lambda tensors, _: tensors.update(extra=np.ones(5, np.float32))),
    ),
    Mutation(
        "one more setting", BUNDLE, edited_tensors(BUNDLE, lambda _, header: header.update(trained_on="a synchrotron"))
    ),
    Mutation("a note in the metadata", BUNDLE, edited_tensors(BUNDLE, lambda *_: None, note="psnr 60")),
    Mutation("another constant", IMAGES, _imaged(lambda arrays: {"constant": arrays["constant"] * 0.98})),
    Mutation("the truth with a bit of noise", IMAGES, _imaged(lambda arrays: {"trained": arrays["truth"] * 1.000001})),
    Mutation("a truth within rounding", IMAGES, _imaged(lambda arrays: {"truth": arrays["truth"] * 1.00009})),
    Mutation("no truth under the frames", TEST, _measured(lambda arrays: arrays.update(Y=arrays["Y"] * 0))),
    Mutation("other metadata", TEST, _measured(lambda arrays: arrays.update(metadata=np.array(_NOTE)))),
    Mutation("no metadata", TEST, _measured(lambda arrays: arrays.pop("metadata"))),
    Mutation("one more array", TEST, _measured(lambda arrays: arrays.update(scan_index=np.arange(len(arrays["Y"]))))),
    Mutation("the brightest pixels dark", TEST, _measured(_darken)),
    Mutation("a few counts without end", TEST, _measured(_infinite)),
    Mutation(
        "raw data of another seed",
        f"{DATA}/simulated_raw.npz",
        _measured(
            lambda arrays: arrays.update(diffraction=arrays["diffraction"][::-1].copy()), f"{DATA}/simulated_raw.npz"
        ),
    ),
    Mutation("no canonical data", f"{DATA}/canonical.npz", _without_canonical),
    Mutation("data of a dose that is not", "data/dose_9/", _another_dose),
    Mutation(
        "another number of frames kept",
        f"{DATA}/dense/train_metrics.json",
        _told(f"{DATA}/dense/train_metrics.json", "n_accepted", to=1),
    ),
    Mutation(
        "another spacing",
        f"{DATA}/dense/metrics_bundle.json",
        _told(f"{DATA}/dense/metrics_bundle.json", "test", "min_spacing", to=9.5),
    ),
    Mutation(
        "a view that was refused",
        "data/overlap_manifest.json",
        _told("data/overlap_manifest.json", "dose_1000", "dense", to={"status": "rejected", "reason": "no"}),
    ),
    Mutation(
        "another dose in the manifest",
        "data/run_manifest.json",
        _told("data/run_manifest.json", "dose_1000", "dose", to=7000),
    ),
    Mutation("another job refused", "prepared.json", _told("prepared.json", "refused", to={"0" * 64: "impossible"})),
    Mutation("nothing prepared", "prepared.json", lambda run: (run.path / "prepared.json").unlink()),
    Mutation("an object from nowhere, and darker frames", TEST, _from_nowhere_and_darker),
    Mutation(
        "an object too large to measure again",
        IMAGES,
        relabelled(lambda config: config["simulation"].update(object_size=1056)),
    ),
    Mutation(
        "another overlap", f"{DATA}/dense/", relabelled(lambda config: config["design"]["overlaps"].update(dense=0.61))
    ),
    Mutation(
        "a view dropped",
        f"{DATA}/sparse/",
        relabelled(lambda config: config["design"].update(views=["baseline", "dense"])),
    ),
    Mutation("more patience", CHECKPOINT, _more_patience),
    Mutation("a rehearsal that was none", rundir.JOURNAL, _skipped("dry run: we did not want it")),
    Mutation("a device that nothing needs", rundir.JOURNAL, _skipped(_NEEDS_CUDA)),
]
DEEP_LIES = [
    Mutation("pixels nudged towards the truth", IMAGES, _imaged(_nudged)),
    Mutation("the truth where nothing was scored", IMAGES, _imaged(_outside)),
]
