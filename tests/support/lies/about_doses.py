"""Lies about a dose x overlap study, and for each the file that a verifier has to name."""

from __future__ import annotations

import numpy as np

from extractor_flow.run import rundir
from support.lies.dose_tampering import (
    BASELINE,
    BUNDLE,
    CHECKPOINT,
    CURVES,
    DATA,
    IMAGES,
    TEST,
    another_brightness,
    another_dose,
    best,
    calibrated,
    curved,
    darken,
    each,
    edited_tensors,
    from_nowhere_and_darker,
    imaged,
    in_record,
    infinite,
    measured,
    more_patience,
    network,
    nudged,
    outside,
    overwritten,
    relabelled,
    scale_losses,
    skipped,
    told,
    where,
    without_canonical,
)
from support.lies.mutated_runs import Mutation

_NEEDS_CUDA = (
    "needs cuda, which is missing here: no driver; "
    "run it on a machine that has it, or set training.device to cpu or auto"
)
_NOTE = '{"dose": 1.0, "instrument": "another"}'

LIES = [
    Mutation("a better PSNR in the curve", CURVES, curved(each(amplitude_psnr=60.0))),
    Mutation("other learning rates", CURVES, curved(each(learning_rate=1.0))),
    Mutation(
        "lower losses",
        CURVES,
        curved(
            scale_losses,
            best_validation_loss=best,
            untrained_validation_loss=lambda curves: curves[0]["validation_loss"],
            final_loss=lambda curves: curves[-1]["train_loss"],
        ),
    ),
    Mutation("a member beside the curves", CURVES, curved(each(sharpness=1.0))),
    Mutation("an invented metric", rundir.JOURNAL, in_record("metrics", {"resolution_nm": 1.0})),
    Mutation("an invented detail", rundir.JOURNAL, in_record("details", {"audited": True})),
    Mutation("a version alone", rundir.JOURNAL, in_record("details", {"versions": {"torch": "0.1"}})),
    Mutation("a checkpoint of text", CHECKPOINT, overwritten(CHECKPOINT, lambda _: b"not a checkpoint")),
    Mutation(
        "another cell's checkpoint",
        CHECKPOINT,
        overwritten(CHECKPOINT, lambda run: (run.path / BASELINE / "checkpoint.safetensors").read_bytes()),
    ),
    Mutation("other best weights", CHECKPOINT, edited_tensors(CHECKPOINT, where("best/", lambda each: each + 1))),
    Mutation("other last weights", CHECKPOINT, edited_tensors(CHECKPOINT, where("network/", lambda each: each + 1))),
    Mutation(
        "more steps in the optimizer", CHECKPOINT, edited_tensors(CHECKPOINT, where(".step", lambda each: each + 99))
    ),
    Mutation("moments of nothing", CHECKPOINT, edited_tensors(CHECKPOINT, where("_sq", lambda each: each * 0))),
    Mutation(
        "moments that are none", CHECKPOINT, edited_tensors(CHECKPOINT, where("_avg", lambda each: each * np.nan))
    ),
    Mutation(
        "another history", CHECKPOINT, edited_tensors(CHECKPOINT, lambda _, header: each(epoch=7)(header["history"]))
    ),
    Mutation(
        "another digest", CHECKPOINT, edited_tensors(CHECKPOINT, lambda _, header: header.update(digest="0" * 64))
    ),
    Mutation("weights with noise", BUNDLE, edited_tensors(BUNDLE, network(lambda each: each * np.float32(1.00001)))),
    Mutation("weights of whole numbers", BUNDLE, edited_tensors(BUNDLE, network(lambda each: each.astype(np.int64)))),
    Mutation("another probe", BUNDLE, edited_tensors(BUNDLE, where("probe", lambda each: each * 0 + 1))),
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
    Mutation("another calibration", BUNDLE, edited_tensors(BUNDLE, calibrated(lambda value: value * 3))),
    Mutation("a calibration that fits itself", BUNDLE, edited_tensors(BUNDLE, another_brightness)),
    Mutation("a calibration of texts", BUNDLE, edited_tensors(BUNDLE, calibrated(lambda _: "x"))),
    Mutation("a calibration of zeros", BUNDLE, edited_tensors(BUNDLE, calibrated(lambda _: 0.0))),
    Mutation("a calibration without end", BUNDLE, edited_tensors(BUNDLE, calibrated(lambda _: 10**400))),
    Mutation(
        "one more tensor",
        BUNDLE,
        edited_tensors(BUNDLE, lambda tensors, _: tensors.update(extra=np.ones(5, np.float32))),
    ),
    Mutation(
        "one more setting", BUNDLE, edited_tensors(BUNDLE, lambda _, header: header.update(trained_on="a synchrotron"))
    ),
    Mutation("a note in the metadata", BUNDLE, edited_tensors(BUNDLE, lambda *_: None, note="psnr 60")),
    Mutation("another constant", IMAGES, imaged(lambda arrays: {"constant": arrays["constant"] * 0.98})),
    Mutation("the truth with a bit of noise", IMAGES, imaged(lambda arrays: {"trained": arrays["truth"] * 1.000001})),
    Mutation("a truth within rounding", IMAGES, imaged(lambda arrays: {"truth": arrays["truth"] * 1.00009})),
    Mutation("no truth under the frames", TEST, measured(lambda arrays: arrays.update(Y=arrays["Y"] * 0))),
    Mutation("other metadata", TEST, measured(lambda arrays: arrays.update(metadata=np.array(_NOTE)))),
    Mutation("no metadata", TEST, measured(lambda arrays: arrays.pop("metadata"))),
    Mutation("one more array", TEST, measured(lambda arrays: arrays.update(scan_index=np.arange(len(arrays["Y"]))))),
    Mutation("the brightest pixels dark", TEST, measured(darken)),
    Mutation("a few counts without end", TEST, measured(infinite)),
    Mutation(
        "raw data of another seed",
        f"{DATA}/simulated_raw.npz",
        measured(
            lambda arrays: arrays.update(diffraction=arrays["diffraction"][::-1].copy()), f"{DATA}/simulated_raw.npz"
        ),
    ),
    Mutation("no canonical data", f"{DATA}/canonical.npz", without_canonical),
    Mutation("data of a dose that is not", "data/dose_9/", another_dose),
    Mutation(
        "another number of frames kept",
        f"{DATA}/dense/train_metrics.json",
        told(f"{DATA}/dense/train_metrics.json", "n_accepted", to=1),
    ),
    Mutation(
        "another spacing",
        f"{DATA}/dense/metrics_bundle.json",
        told(f"{DATA}/dense/metrics_bundle.json", "test", "min_spacing", to=9.5),
    ),
    Mutation(
        "a view that was refused",
        "data/overlap_manifest.json",
        told("data/overlap_manifest.json", "dose_1000", "dense", to={"status": "rejected", "reason": "no"}),
    ),
    Mutation(
        "another dose in the manifest",
        "data/run_manifest.json",
        told("data/run_manifest.json", "dose_1000", "dose", to=7000),
    ),
    Mutation("another job refused", "prepared.json", told("prepared.json", "refused", to={"0" * 64: "impossible"})),
    Mutation("nothing prepared", "prepared.json", lambda run: (run.path / "prepared.json").unlink()),
    Mutation("an object from nowhere, and darker frames", TEST, from_nowhere_and_darker),
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
    Mutation("more patience", CHECKPOINT, more_patience),
    Mutation("a rehearsal that was none", rundir.JOURNAL, skipped("dry run: we did not want it")),
    Mutation("a device that nothing needs", rundir.JOURNAL, skipped(_NEEDS_CUDA)),
]
DEEP_LIES = [
    Mutation("pixels nudged towards the truth", IMAGES, imaged(nudged)),
    Mutation("the truth where nothing was scored", IMAGES, imaged(outside)),
]
