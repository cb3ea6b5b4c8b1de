"""A trained network as one file that can be read without running code: tensors, and their settings as JSON."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from extractor_flow.errors import ConfigError, DataError
from extractor_flow.files import dump_line, parse_json, write_bytes
from extractor_flow.flows.dose_overlap.data.calibration import Calibration
from extractor_flow.flows.dose_overlap.reconstruction.network import PatchNetwork
from extractor_flow.flows.dose_overlap.training_config import TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

HEADER_KEY = "dose_overlap"
_PROBE = "probe"
_NETWORK = "network."


@dataclass(frozen=True, eq=False)
class Bundle:
    """Everything needed to use a network: its config, calibration, probe (N, N) and weights."""

    config: TrainingConfig
    calibration: Calibration
    probe: NDArray[np.complex64]
    weights: Mapping[str, Tensor]

    def network(self) -> PatchNetwork:
        """The network with these weights, ready to be used; weights that do not fit are a :class:`DataError`."""
        network = PatchNetwork(self.config.width, self.config.estimates)
        try:
            network.load_state_dict(dict(self.weights))
        except RuntimeError as error:
            msg = f"bundle: weights that do not fit a network of width {self.config.width}: {error}"
            raise DataError(msg) from error
        return network.eval()


@dataclass(frozen=True)
class WrittenBundle:
    """A bundle's file, with the SHA-256 and the number of its bytes."""

    path: Path
    sha256: str
    size_bytes: int


def write_bundle(path: Path, bundle: Bundle) -> WrittenBundle:
    """Write *bundle* whole or not at all; equal bundles give equal bytes."""
    tensors = {f"{_NETWORK}{name}": value for name, value in bundle.weights.items()}
    tensors[_PROBE] = torch.view_as_real(torch.from_numpy(bundle.probe.astype(np.complex64)))
    header = {"config": bundle.config.as_dict(), "calibration": bundle.calibration.as_dict()}
    data = tensor_bytes(tensors, header)
    write_bytes(path, data)
    return WrittenBundle(path, hashlib.sha256(data).hexdigest(), len(data))


def read_bundle(path: Path) -> Bundle:
    """The bundle in *path*; a file that is none is a :class:`DataError`."""
    tensors, header = read_tensors(path)
    try:
        config = TrainingConfig.from_dict(header["config"])
        calibration = Calibration(**header["calibration"])
        probe = torch.view_as_complex(tensors[_PROBE].contiguous()).numpy()
    except (KeyError, TypeError, RuntimeError, ConfigError) as error:
        msg = f"{path}: not the bundle of a trained network: {error}"
        raise DataError(msg) from error
    weights = {name.removeprefix(_NETWORK): value for name, value in tensors.items() if name.startswith(_NETWORK)}
    return Bundle(config, calibration, probe, weights)


def tensor_bytes(tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> bytes:
    """A safetensors file. Its header has one entry, since the order of several is not fixed from run to run."""
    whole = {name: value.detach().contiguous() for name, value in tensors.items()}
    return bytes(save(whole, metadata={HEADER_KEY: dump_line(dict(header))}))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors and the JSON header that :func:`tensor_bytes` put into a file; else a :class:`DataError`."""
    try:
        with safe_open(path, framework="pt") as archive:
            text = (archive.metadata() or {}).get(HEADER_KEY)
            tensors = {name: archive.get_tensor(name) for name in archive.keys()}  # noqa: SIM118 - not a mapping
    except (OSError, SafetensorError) as error:
        msg = f"{path}: not a readable safetensors file: {error}"
        raise DataError(msg) from error
    header = parse_json(text or "null", where=f"{path}: {HEADER_KEY}")
    if not isinstance(header, dict):
        msg = f"{path}: found no header {HEADER_KEY!r}; expected one with the settings"
        raise DataError(msg)
    return tensors, header
