"""The wall clock in the only form this package writes: UTC, ISO 8601, milliseconds, ``Z``."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The time now, in UTC."""
    return datetime.now(tz=UTC)


def timestamp(moment: datetime) -> str:
    """``2026-11-21T10:15:00.250Z`` for *moment*."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def directory_stamp(moment: datetime) -> str:
    """``20261121-101500`` for *moment*, as run directories are named."""
    return moment.astimezone(UTC).strftime("%Y%m%d-%H%M%S")
