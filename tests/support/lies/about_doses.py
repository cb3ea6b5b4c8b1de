"""Lies about a dose x overlap study, and for each the file that a verifier has to name."""

from __future__ import annotations

import numpy as np

from extractor_flow import layout
from support.lies.dose_tampering import (
    BUNDLE,
    CHECKPOINT,
    CURVES,
    DATA,
    IMAGES,
    OTHER_DENSE,
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

_NOTE = '{"dose": 1.0, "instrument": "another"}'

LIES = [
    Mutation("a better PSNR in the curve", CURVES, curved(each(amplitude_psnr=60.0)), checks=("dose-checkpoint",)),
    Mutation("other learning rates", CURVES, curved(each(learning_rate=1.0)), checks=("dose-checkpoint", "dose-curve")),
    Mutation(
        "lower losses",
        CURVES,
        curved(
            scale_losses,
            best_validation_loss=best,
            untrained_validation_loss=lambda curves: curves[0]["validation_loss"],
            final_loss=lambda curves: curves[-1]["train_loss"],
        ),
        checks=("dose-checkpoint",),
    ),
    Mutation("a member beside the curves", CURVES, curved(each(sharpness=1.0)), checks=("dose-record",)),
    Mutation(
        "an invented metric", layout.JOURNAL, in_record("metrics", {"resolution_nm": 1.0}), checks=("job-contract",)
    ),
    Mutation("an invented detail", layout.JOURNAL, in_record("details", {"audited": True}), checks=("job-contract",)),
    Mutation(
        "a version alone", layout.JOURNAL, in_record("details", {"versions": {"torch": "0.1"}}), checks=("dose-record",)
    ),
    Mutation(
        "a checkpoint of text",
        CHECKPOINT,
        overwritten(CHECKPOINT, lambda _: b"not a checkpoint"),
        checks=("dose-bundle", "dose-checkpoint"),
    ),
    Mutation(
        "other best weights",
        CHECKPOINT,
        edited_tensors(CHECKPOINT, where("best/", lambda each: each + 1)),
        checks=("dose-bundle",),
    ),
    Mutation(
        "more steps in the optimizer",
        CHECKPOINT,
        edited_tensors(CHECKPOINT, where(".step", lambda each: each + 99)),
        checks=("dose-checkpoint",),
    ),
    Mutation(
        "another history",
        CHECKPOINT,
        edited_tensors(CHECKPOINT, lambda _, header: each(epoch=7)(header["history"])),
        checks=("dose-checkpoint",),
    ),
    Mutation(
        "another digest",
        CHECKPOINT,
        edited_tensors(CHECKPOINT, lambda _, header: header.update(digest="0" * 64)),
        checks=("dose-checkpoint",),
    ),
    Mutation(
        "weights with noise",
        BUNDLE,
        edited_tensors(BUNDLE, network(lambda each: each * np.float32(1.00001))),
        checks=("dose-bundle",),
    ),
    Mutation(
        "weights of whole numbers",
        BUNDLE,
        edited_tensors(BUNDLE, network(lambda each: each.astype(np.int64))),
        checks=("dose-bundle",),
    ),
    Mutation(
        "another probe",
        BUNDLE,
        edited_tensors(BUNDLE, where("probe", lambda each: each * 0 + 1)),
        checks=("dose-bundle",),
    ),
    Mutation(
        "a probe of three dimensions",
        BUNDLE,
        edited_tensors(BUNDLE, lambda tensors, _: tensors.update(probe=np.ones((2, 16, 16, 2), np.float32))),
        checks=("dose-bundle",),
    ),
    Mutation(
        "an empty probe",
        BUNDLE,
        edited_tensors(BUNDLE, lambda tensors, _: tensors.update(probe=np.ones((0, 0, 2), np.float32))),
        checks=("dose-bundle",),
    ),
    Mutation(
        "another calibration",
        BUNDLE,
        edited_tensors(BUNDLE, calibrated(lambda value: value * 3)),
        checks=("dose-bundle",),
    ),
    Mutation(
        "a calibration that fits itself", BUNDLE, edited_tensors(BUNDLE, another_brightness), checks=("dose-bundle",)
    ),
    Mutation(
        "a calibration of texts", BUNDLE, edited_tensors(BUNDLE, calibrated(lambda _: "x")), checks=("dose-bundle",)
    ),
    Mutation(
        "a calibration of zeros", BUNDLE, edited_tensors(BUNDLE, calibrated(lambda _: 0.0)), checks=("dose-bundle",)
    ),
    Mutation(
        "a calibration without end",
        BUNDLE,
        edited_tensors(BUNDLE, calibrated(lambda _: 10**400)),
        checks=("dose-bundle",),
    ),
    Mutation(
        "one more tensor",
        BUNDLE,
        edited_tensors(BUNDLE, lambda tensors, _: tensors.update(extra=np.ones(5, np.float32))),
        checks=("dose-bundle",),
    ),
    Mutation(
        "one more setting",
        BUNDLE,
        edited_tensors(BUNDLE, lambda _, header: header.update(trained_on="a synchrotron")),
        checks=("dose-bundle",),
    ),
    Mutation(
        "a note in the metadata",
        BUNDLE,
        edited_tensors(BUNDLE, lambda *_: None, note="psnr 60"),
        checks=("dose-bundle",),
    ),
    Mutation(
        "another constant",
        IMAGES,
        imaged(lambda arrays: {"constant": arrays["constant"] * 0.98}),
        checks=("dose-images",),
    ),
    Mutation(
        "the truth with a bit of noise",
        IMAGES,
        imaged(lambda arrays: {"trained": arrays["truth"] * 1.000001}),
        checks=("dose-images",),
    ),
    Mutation(
        "a truth within rounding",
        IMAGES,
        imaged(lambda arrays: {"truth": arrays["truth"] * 1.00009}),
        checks=("dose-images",),
    ),
    Mutation(
        "no truth under the frames",
        TEST,
        measured(lambda arrays: arrays.update(Y=arrays["Y"] * 0)),
        checks=("dose-data",),
    ),
    Mutation(
        "other metadata", TEST, measured(lambda arrays: arrays.update(metadata=np.array(_NOTE))), checks=("dose-data",)
    ),
    Mutation("no metadata", TEST, measured(lambda arrays: arrays.pop("metadata")), checks=("dose-data",)),
    Mutation(
        "one more array",
        TEST,
        measured(lambda arrays: arrays.update(scan_index=np.arange(len(arrays["Y"])))),
        checks=("dose-data",),
    ),
    Mutation("the brightest pixels dark", TEST, measured(darken), checks=("dose-data",)),
    Mutation("a few counts without end", TEST, measured(infinite), checks=("dose-data",)),
    Mutation(
        "raw data of another seed",
        f"{DATA}/simulated_raw.npz",
        measured(
            lambda arrays: arrays.update(diffraction=arrays["diffraction"][::-1].copy()), f"{DATA}/simulated_raw.npz"
        ),
        checks=("dose-data",),
    ),
    Mutation("no canonical data", f"{DATA}/canonical.npz", without_canonical, checks=("dose-data",)),
    Mutation("data of a dose that is not", "data/dose_9/", another_dose, checks=("dose-data",)),
    Mutation(
        "another number of frames kept",
        f"{DATA}/dense/train_metrics.json",
        told(f"{DATA}/dense/train_metrics.json", "n_accepted", to=1),
        checks=("dose-data",),
    ),
    Mutation(
        "another spacing",
        f"{DATA}/dense/metrics_bundle.json",
        told(f"{DATA}/dense/metrics_bundle.json", "test", "min_spacing", to=9.5),
        checks=("dose-data",),
    ),
    Mutation(
        "a view that was refused",
        "data/overlap_manifest.json",
        told("data/overlap_manifest.json", "dose_1000", "dense", to={"status": "rejected", "reason": "no"}),
        checks=("dose-data",),
    ),
    Mutation(
        "another dose in the manifest",
        "data/run_manifest.json",
        told("data/run_manifest.json", "dose_1000", "dose", to=7000),
        checks=("dose-data",),
    ),
    Mutation(
        "another job refused",
        "prepared.json",
        told("prepared.json", "refused", to={"0" * 64: "impossible"}),
        checks=("dose-refusals",),
    ),
    Mutation(
        "nothing prepared", "prepared.json", lambda run: (run.path / "prepared.json").unlink(), checks=("dose-data",)
    ),
    Mutation("an object from nowhere, and darker frames", TEST, from_nowhere_and_darker, checks=("dose-data",)),
    Mutation(
        "an object too large to measure again",
        f"{DATA}/simulated_raw.npz",
        relabelled(lambda config: config["simulation"].update(object_size=1056)),
        checks=("dose-data",),
    ),
    Mutation(
        "another overlap",
        f"{DATA}/dense/",
        relabelled(lambda config: config["design"]["overlaps"].update(dense=0.61)),
        checks=("dose-data",),
    ),
    Mutation(
        "a view dropped",
        f"{DATA}/sparse/",
        relabelled(lambda config: config["design"].update(views=["baseline", "dense"])),
        checks=("dose-data",),
    ),
    Mutation("more patience", CHECKPOINT, more_patience, checks=("dose-checkpoint",)),
    Mutation("a view that the scan has", layout.JOURNAL, skipped("missing-data"), checks=("dose-refusals",)),
    Mutation("a device that nothing needs", layout.JOURNAL, skipped("missing-capability"), checks=("dose-refusals",)),
]
# Of a run with another dose.
ANOTHER_CELLS = Mutation(
    "another cell's checkpoint",
    CHECKPOINT,
    overwritten(CHECKPOINT, lambda run: (run.path / OTHER_DENSE / "checkpoint.safetensors").read_bytes()),
    checks=("dose-bundle", "dose-checkpoint"),
)
DEEP_LIES = [
    Mutation(
        "other last weights",
        CURVES,
        edited_tensors(CHECKPOINT, where("network/", lambda each: each + 1)),
        checks=("dose-losses-again",),
    ),
    Mutation("pixels nudged towards the truth", IMAGES, imaged(nudged), checks=("dose-images-again",)),
    Mutation("the truth where nothing was scored", IMAGES, imaged(outside), checks=("dose-images-again",)),
]
