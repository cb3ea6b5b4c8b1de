"""A training's history, epoch by epoch."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class EpochRecord:
    """One epoch; number 0 is the network before its first step, which has no training loss and no rate.

    Losses are Poisson negative log-likelihoods above a perfect fit, in nats a pixel. PSNR (dB) and SSIM compare the
    validation frames' area with the true object; they are ``None`` where the data has no truth, and nothing in the
    training depends on them.
    """

    epoch: int
    train_loss: float | None
    validation_loss: float
    learning_rate: float | None
    amplitude_psnr: float | None = None
    amplitude_ssim: float | None = None
    phase_psnr: float | None = None
    phase_ssim: float | None = None

    def as_dict(self) -> dict[str, float | int | None]:
        """The fields by name."""
        return asdict(self)
