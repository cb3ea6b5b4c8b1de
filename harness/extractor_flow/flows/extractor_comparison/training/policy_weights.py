"""A policy's weights as safetensors: the same weights give the same bytes, and reading them runs no code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from safetensors.torch import save
from torch.optim import Optimizer

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
    """The name of a parameter that holds NaN or infinity, if any."""
    return next((name for name, value in module.named_parameters() if not torch.isfinite(value).all()), None)


def count_parameters(module: nn.Module) -> int:
    """The numbers in the parameters of *module*, each shared one counted once."""
    return sum(value.numel() for value in module.parameters())


def trainable_parameters(policy: nn.Module) -> int:
    """The numbers that an optimizer of *policy*, or of one of its networks, updates; target networks follow others."""
    found = [each.__dict__.get("optimizer") for each in policy.modules()]
    optimizers = [each for each in found if isinstance(each, Optimizer)]
    groups = [value for optimizer in optimizers for group in optimizer.param_groups for value in group["params"]]
    return sum(value.numel() for value in {id(value): value for value in groups}.values() if value.requires_grad)
