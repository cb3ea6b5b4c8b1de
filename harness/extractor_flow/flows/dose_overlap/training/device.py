"""Where a training computes."""

from __future__ import annotations

import torch

from extractor_flow.errors import JobError


def device_of(wish: str) -> torch.device:
    """The device for *wish*; ``auto`` is the best there is: cuda, mps, else cpu. One that is not here: ``JobError``."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wish == "auto":
        wish = next(name for name, is_there in there.items() if is_there)
    if not there[wish]:
        found = ", ".join(name for name, is_there in there.items() if is_there)
        msg = f"device is {wish!r}, which torch cannot use here; found {found}; set device to one of them, or to auto"
        raise JobError(msg)
    return torch.device(wish)
