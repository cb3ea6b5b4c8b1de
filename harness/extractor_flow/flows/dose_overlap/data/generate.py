"""Measures an object at every dose and writes each stage of the data, with a manifest of where it is."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from extractor_flow.errors import DataError
from extractor_flow.files import sha256_of, write_json
from extractor_flow.flows.dose_overlap import layout
from extractor_flow.flows.dose_overlap.data.calibration import mean_energy, photon_scale, split_photons
from extractor_flow.flows.dose_overlap.data.dataset import PtychographyData, read_data, write_data
from extractor_flow.flows.dose_overlap.data.simulation import (
    Base,
    SyntheticSettings,
    base_of,
    canonical,
    simulate,
    split,
    synthetic_base,
    with_patches,
)
from extractor_flow.flows.dose_overlap.data.specimen import PROBE_ENERGY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from extractor_flow.files import Json

# Below it, photons are not left out: the dose on the command line is a whole number.
_SAME_DOSE = 1e-3
_SIZES = ("object_size", "frame_size", "probe_diameter", "probe_defocus", "scan_step")


def base_from(simulation: Mapping[str, Any]) -> Base:
    """The synthetic object, probe and positions that a config's ``simulation`` section describes."""
    return _synthetic(SyntheticSettings(**{key: simulation[key] for key in _SIZES}), simulation["seed"])


@lru_cache(maxsize=1)
def _synthetic(sizes: SyntheticSettings, seed: int) -> Base:
    """What every dose and every check of a study measures again; for all of them, so never to be changed."""
    base = synthetic_base(sizes, seed=seed)
    for array in vars(base).values():
        array.setflags(write=False)
    return base


def base_from_file(path: Path, *, sha256: str | None = None) -> Base:
    """Object, probe and positions of the data set in *path*; a file without the SHA-256 is a :class:`DataError`.

    The object's largest amplitude becomes 1 and the probe's energy that of a synthetic one: frames say nothing about
    either, and amplitudes stay within the contract.
    """
    if not path.is_file():
        msg = f"{path}: found no such file; expected the data set whose object is to be measured"
        raise DataError(msg)
    if sha256 is not None and (found := sha256_of(path)) != sha256:
        msg = f"{path}: found the SHA-256 {found}; expected {sha256}, with which the study was planned"
        raise DataError(msg)
    base = base_of(read_data(path))
    peak = float(np.abs(base.object_guess).max())
    if peak == 0:
        msg = f"{path}: objectGuess: found only zeros; expected an object"
        raise DataError(msg)
    energy = float((np.abs(base.probe_guess.astype(np.complex128)) ** 2).sum())
    probe = base.probe_guess * np.float32(np.sqrt(PROBE_ENERGY / energy))
    return Base(base.object_guess / np.float32(peak), probe, base.xcoords, base.ycoords)


def generate(base: Base, doses: Iterable[int], root: Path, *, seed: int) -> dict[str, Json]:
    """Write the data of each of *doses* below *root*, which must exist, and ``run_manifest.json``; the manifest.

    The same arguments give the same bytes, whatever was there before.
    """
    manifest: dict[str, Json] = {layout.dose_directory(dose): _measure(base, dose, root, seed) for dose in doses}
    write_json(root / layout.RUN_MANIFEST, manifest)
    return manifest


def write_measured(data: PtychographyData, doses: Sequence[int], root: Path, *, seed: int) -> list[int]:
    """Write measured frames as if they were simulated, each of *doses* by leaving photons out; the doses written.

    Without doses, as they were measured. A higher dose, or frames whose metadata do not say how many photons they
    hold, are a :class:`DataError`.
    """
    scale = photon_scale(data)
    if scale is None:
        msg = "metadata: found no photon_scale; import counts, or import with --photon-scale"
        raise DataError(msg)
    photons = scale * mean_energy(data)
    manifest: dict[str, Json] = {}
    for dose in doses or [max(round(photons), 1)]:
        if dose > photons * (1 + _SAME_DOSE):
            msg = f"--dose {dose}: the frames hold {photons:.6g} photons in the mean; expected at most that"
            raise DataError(msg)
        share = min(dose / photons, 1.0)
        rng = np.random.default_rng([seed, dose])
        part = data if share > 1 - _SAME_DOSE else split_photons(data, scale, share, rng)[0]
        facts: dict[str, Json] = {"dose": float(dose), "photon_scale": scale * share, "stage": "raw"}
        raw = replace(part, extras={}, patches=None, metadata={**data.metadata, **facts})
        (root / layout.dose_directory(dose)).mkdir(exist_ok=True)
        for path, each in _files(_stages(raw), dose).items():
            write_data(root / path, each)
        manifest[layout.dose_directory(dose)] = entry_of(dose)
    write_json(root / layout.RUN_MANIFEST, manifest)
    return [int(name.removeprefix("dose_")) for name in manifest]


def stages(base: Base, dose: int, *, seed: int) -> dict[str, PtychographyData]:
    """The stages of one dose's data before they are split, by the names of their files."""
    return _stages(simulate(base, dose, seed=seed))


def _stages(raw: PtychographyData) -> dict[str, PtychographyData]:
    whole = canonical(raw)
    return {layout.RAW: raw, layout.CANONICAL: whole, layout.PATCHED: with_patches(whole)}


def measured_files(base: Base, dose: int, *, seed: int) -> dict[str, PtychographyData]:
    """Everything that :func:`generate` writes for *dose*, by its path below the root."""
    return _files(stages(base, dose, seed=seed), dose)


def _files(whole: Mapping[str, PtychographyData], dose: int) -> dict[str, PtychographyData]:
    directory = layout.dose_directory(dose)
    parts = zip(layout.SPLITS, split(whole[layout.PATCHED]), strict=True)
    return {
        **{f"{directory}/{name}": data for name, data in whole.items()},
        **{layout.patched(dose, name): part for name, part in parts},
    }


def entry_of(dose: int) -> dict[str, Json]:
    """What ``run_manifest.json`` says about *dose*."""
    paths: dict[str, Json] = {name: layout.patched(dose, name) for name in layout.SPLITS}
    return {"dose": dose, "intermediate_dir": layout.dose_directory(dose), **paths}


def _measure(base: Base, dose: int, root: Path, seed: int) -> dict[str, Json]:
    (root / layout.dose_directory(dose)).mkdir(exist_ok=True)
    for path, data in measured_files(base, dose, seed=seed).items():
        write_data(root / path, data)
    return entry_of(dose)
