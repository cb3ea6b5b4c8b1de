"""Where PyTorch computes, and with how many threads."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from extractor_flow.errors import JobError

if TYPE_CHECKING:
    from collections.abc import Iterator


def device_of(wish: str) -> torch.device:
    """The device for *wish*; ``auto`` is cuda where that is, else cpu: mps is chosen by name only.

    A device that this machine lacks is a :class:`JobError`.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wish == "auto":
        wish = "cuda" if available["cuda"] else "cpu"
    if not available[wish]:
        found = ", ".join(name for name, is_there in available.items() if is_there)
        msg = f"device is {wish!r}, which torch cannot use here; found {found}; set device to one of them, or to auto"
        raise JobError(msg)
    return torch.device(wish)


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Limit PyTorch to *count* threads inside the block: rounding depends on them."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
