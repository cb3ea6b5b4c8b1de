"""Signs lane reports with a key that lane and gate share: without it nobody can write or change one.

It proves nothing against the lane's own tests, which may read whatever the session may.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import TYPE_CHECKING, Any

from extractor_flow.errors import DataError, RequestError
from extractor_flow.files import dump_line, read_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEY_VARIABLE = "EXTRACTOR_FLOW_LANE_KEY"
SIGNATURE = "hmac_sha256"
_SHORTEST = 16  # a key of 128 bits cannot be guessed; whoever chose a shorter one chose a password


def lane_key(file: Path | None) -> bytes | None:
    """The key in *file*, or else in the environment, if there is one; :class:`RequestError` if it is too short."""
    try:
        text = os.environ.get(KEY_VARIABLE) if file is None else read_text(file)
    except DataError as error:
        msg = f"--lane-key: {error}"
        raise RequestError(msg) from error
    if not text:
        return None
    key = text.strip().encode()
    if len(key) < _SHORTEST:
        where = KEY_VARIABLE if file is None else f"--lane-key {file}"
        msg = f"{where}: the key has {len(key)} bytes; expected at least {_SHORTEST}, as of `openssl rand -hex 32`"
        raise RequestError(msg)
    return key


def signed(closing: Mapping[str, Any], key: bytes | None) -> dict[str, Any]:
    """The *closing* record of a report, which vouches for all its lines, with its signature if there is a *key*."""
    if key is None:
        return dict(closing)
    return {**closing, SIGNATURE: hmac.new(key, dump_line(dict(closing)).encode(), hashlib.sha256).hexdigest()}


def is_signed(closing: Mapping[str, Any], key: bytes) -> bool:
    """Whether *closing* was signed with *key*."""
    unsigned = {name: value for name, value in closing.items() if name != SIGNATURE}
    return hmac.compare_digest(signed(unsigned, key)[SIGNATURE], str(closing.get(SIGNATURE)))
