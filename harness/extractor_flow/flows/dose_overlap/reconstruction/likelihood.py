"""A yardstick: the most likely object under Poisson noise that varies little, or that stays near a given one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from extractor_flow.flows.dose_overlap.reconstruction.scan import total_variation

if TYPE_CHECKING:
    from torch import Tensor

    from extractor_flow.flows.dose_overlap.reconstruction.scan import Scan

_RATE = 0.05
_LAST_SHARE = 0.1
_MOMENTS = (0.9, 0.99)
_DARK = 1e-6


@dataclass(frozen=True, eq=False)
class Prior:
    """What is known of an object besides its frames, in nats.

    *smoothness* weighs the total variation of the object in units of its level, *trust* the squared distance to the
    object *near*, in the same unit.
    """

    smoothness: float = 0.0
    trust: float = 0.0
    near: Tensor | None = None

    def weigh(self, image: Tensor, scan: Scan) -> Tensor:
        """What the prior has against *image*, (pixels, 2) in units of the scan's level."""
        against = self.smoothness * total_variation(image.reshape(*scan.shape, 2))
        if self.near is not None:
            against = against + self.trust * ((image - torch.view_as_real(self.near / scan.level)) ** 2).sum()
        return against


def most_likely(scan: Scan, start: Tensor, prior: Prior, *, photon_scale: float, steps: int) -> Tensor:
    """The flat object after *steps* of Adam from *start*, on the likelihood of all photons and the *prior*."""
    image = torch.view_as_real(start / scan.level).clone().requires_grad_()
    optimiser = torch.optim.Adam([image], lr=_RATE, betas=_MOMENTS)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = _RATE * (1 - (1 - _LAST_SHARE) * step / steps)
        object_now = scan.level * torch.view_as_complex(image.detach())
        slope = torch.view_as_real(2 * photon_scale * scan.level * _slope(scan, object_now))
        optimiser.zero_grad()
        prior.weigh(image, scan).backward()  # type: ignore[no-untyped-call]
        image.grad = slope if image.grad is None else image.grad + slope
        optimiser.step()
    return scan.level * torch.view_as_complex(image.detach())


def _slope(scan: Scan, image: Tensor) -> Tensor:
    """The derivative of the negative log-likelihood of all frames by the conjugate of the flat object.

    By hand, for one photon of intensity 1: it takes half of the time that differentiating the likelihood does.
    """
    spectra = scan.spectra(scan.cut(image) * scan.probes)
    measured = scan.amplitudes**2
    rate = spectra.real**2 + spectra.imag**2 + _DARK * measured.mean()
    pull = 1 - measured / rate
    if scan.seen is not None:
        pull = pull * scan.seen
    change = scan.waves(spectra * pull) * scan.probes.conj()
    return torch.zeros_like(image).index_add_(0, scan.index.flatten(), change.flatten())
