"""A policy's weights as safetensors: the same weights give the same bytes, and reading them runs no code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from safetensors.torch import save

if TYPE_CHECKING:
    from torch import nn


def weights_bytes(module: nn.Module) -> bytes:
    """The state of *module* as one safetensors file, keys sorted, tensors contiguous and on the CPU.

    Tensors that several keys share are stored under each of them, so that the file fits ``load_state_dict``.
    """
    state = module.state_dict()
    tensors = {key: state[key].detach().to("cpu", copy=True).contiguous() for key in sorted(state)}
    return save(tensors)


def first_bad_weight(module: nn.Module) -> str | None:
    """The name of a parameter that holds NaN or infinity, if there is one."""
    return next((name for name, value in module.named_parameters() if not torch.isfinite(value).all()), None)


def count_parameters(module: nn.Module, *, trainable_only: bool = False) -> int:
    """The numbers in the parameters of *module*, each shared one counted once."""
    return sum(value.numel() for value in module.parameters() if value.requires_grad or not trainable_only)
