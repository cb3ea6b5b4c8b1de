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
# In nats: where less than that speaks for a change, the change is small, and rounding does not decide its sign.
_QUIET = 1.0
# In units of the probe's brightest pixel: where less light fell, a pixel is left as it was.
_UNLIT = 1e-2
_DARK_SHARE, _DARK_PHOTONS = 1e-2, 0.3


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
        """The penalty of the prior for *image*, (pixels, 2) in units of the scan's level."""
        against = self.smoothness * total_variation(image.reshape(*scan.shape, 2))
        if self.near is not None:
            against = against + self.trust * ((image - torch.view_as_real(self.near / scan.level)) ** 2).sum()
        return against


def dark_rate(measured: Tensor, photon_scale: float) -> float:
    """The intensity to add to every rate, since the likelihood of a dark pixel is steep without end.

    A hundredth of the mean *measured* intensity, and at most a third of a photon.
    """
    return min(_DARK_SHARE * float(measured.mean()), _DARK_PHOTONS / photon_scale)


def most_likely(scan: Scan, start: Tensor, prior: Prior, *, photon_scale: float, steps: int) -> Tensor:
    """The flat object after *steps* of Adam from *start*, on the likelihood of all photons and the *prior*."""
    image = torch.view_as_real(start / scan.level).clone().requires_grad_()
    optimiser = torch.optim.Adam([image], lr=_RATE, betas=_MOMENTS, eps=_QUIET)
    dark = dark_rate(scan.amplitudes**2, photon_scale)
    lit = (scan.light().flatten() > _UNLIT)[:, None]
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = _RATE * (1 - (1 - _LAST_SHARE) * step / steps)
        object_now = scan.level * torch.view_as_complex(image.detach())
        slope = torch.view_as_real(2 * photon_scale * scan.level * _slope(scan, object_now, dark))
        optimiser.zero_grad()
        prior.weigh(image, scan).backward()  # type: ignore[no-untyped-call]
        image.grad = lit * (slope if image.grad is None else image.grad + slope)
        optimiser.step()
    return scan.level * torch.view_as_complex(image.detach())


def _slope(scan: Scan, image: Tensor, dark: float) -> Tensor:
    """The derivative of the negative log-likelihood of all frames by the conjugate of the flat object.

    For one photon of intensity 1; by hand, so that nothing has to be kept for a backward pass.
    """
    spectra = scan.spectra(scan.cut(image) * scan.probes)
    measured = scan.amplitudes**2
    rate = spectra.real**2 + spectra.imag**2 + dark
    pull = 1 - measured / rate
    if scan.seen is not None:
        pull = pull * scan.seen
    change = scan.waves(spectra * pull) * scan.probes.conj()
    return torch.zeros_like(image).index_add_(0, scan.index.flatten(), change.flatten())
