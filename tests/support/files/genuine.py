"""Small genuine files of every kind that a run leaves, written by the libraries that write them in real runs."""

from __future__ import annotations

import io
import json
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from extractor_flow.readers.arrays import read_npz
from extractor_flow.readers.images import read_png
from extractor_flow.readers.models import read_model, read_optimizer, read_torch
from extractor_flow.readers.text import read_json, read_json_lines
from extractor_flow.readers.weights import read_weights

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO


def _all_lines(stream: BinaryIO, where: str) -> list[Any]:
    return list(read_json_lines(stream, where))


READERS: dict[str, Callable[[BinaryIO, str], Any]] = {
    "json": read_json,
    "json lines": _all_lines,
    "npz": read_npz,
    "safetensors": read_weights,
    "torch": read_torch,
    "model": read_model,
    "optimizer": read_optimizer,
    "png": read_png,
}


def evaluations() -> bytes:
    """An ``evaluations.npz`` as SB3's ``EvalCallback`` writes it."""
    buffer = io.BytesIO()
    results = np.random.default_rng(1).normal(size=(3, 2))
    np.savez(buffer, timesteps=np.array([0, 64, 128]), results=results, ep_lengths=np.full((3, 2), 9))
    return buffer.getvalue()


def weights() -> bytes:
    """A ``policy.safetensors``."""
    from safetensors.numpy import save

    generator = np.random.default_rng(2)
    tensors = {f"net.{n}.weight": generator.normal(size=(4, n + 1)).astype(np.float32) for n in range(3)}
    return save({**tensors, "steps": np.array(7), "none": np.zeros((0, 3), dtype=np.float64)}, {"format": "np"})


@cache
def torch_state() -> bytes:
    """A state dict as ``torch.save`` writes it, with a transposed view, shared storage and three dtypes."""
    torch = pytest.importorskip("torch")
    base = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    state = {"base": base, "turned": base.t(), "half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16)}
    state |= {"count": torch.tensor(3), "part": base[1:, 2:], "empty": torch.zeros(0, 4)}
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


@cache
def model() -> bytes:
    """The model of a real PPO training of 32 steps."""
    gymnasium, torch = (pytest.importorskip(name) for name in ("gymnasium", "torch"))
    PPO = pytest.importorskip("stable_baselines3").PPO  # noqa: N806 - it is a class

    torch.set_num_threads(1)
    environment = gymnasium.make("CartPole-v1", max_episode_steps=8)
    options: dict[str, Any] = {"n_steps": 16, "batch_size": 16, "n_epochs": 1, "device": "cpu", "seed": 0}
    trained = PPO("MlpPolicy", environment, policy_kwargs={"net_arch": [4]}, **options)
    trained.learn(32)
    environment.close()
    buffer = io.BytesIO()
    trained.save(buffer)
    return buffer.getvalue()


@cache
def picture() -> bytes:
    """A small PNG that matplotlib drew."""
    figure = pytest.importorskip("matplotlib.figure").Figure(figsize=(1, 1), dpi=20)
    figure.add_subplot().plot([1, 2, 4])
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def document() -> bytes:
    """A JSON file with every kind of value."""
    value = {"run_id": "smoke", "n": [1, -2.5, 1e300, True, None], "deep": {"a": {"b": ["\u202eΩ🙂", "\\"]}}}
    return json.dumps(value, indent=2).encode()


def journal() -> bytes:
    """A JSON lines file of three records."""
    return b"".join(json.dumps({"job_key": str(n), "metrics": {"reward": n / 3}}).encode() + b"\n" for n in range(3))


@cache
def files() -> dict[str, bytes]:
    """One genuine file for each of :data:`READERS`."""
    return {
        "json": document(),
        "json lines": journal(),
        "npz": evaluations(),
        "safetensors": weights(),
        "torch": torch_state(),
        "png": picture(),
        "model": model(),
        "optimizer": model(),
    }


def read(kind: str, data: bytes) -> Any:
    """What the reader of *kind* makes of *data*."""
    return READERS[kind](io.BytesIO(data), "file")
