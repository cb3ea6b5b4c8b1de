"""A run's root from an outside source: given directly, in a lane report, or in an in-toto statement."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor_flow.binding.statement import STATEMENT
from extractor_flow.errors import DataError, RequestError
from extractor_flow.files import parse_json, read_text
from extractor_flow.layout import SUBJECTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ROOT = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Witness:
    """The roots that *name* vouches for; whether to trust it is up to the caller."""

    name: str
    roots: frozenset[str]


def read_witness(word: str) -> Witness:
    """The witness that *word* names: a root, or the file of a lane report, a statement or its DSSE envelope.

    A signature is not looked at. :class:`RequestError` when it tells of no root.
    """
    if _ROOT.fullmatch(word):
        return Witness("the root given", frozenset({word}))
    try:
        text = read_text(Path(word))
        roots = frozenset(root for value in _values(text, word) for root in _roots(value))
    except DataError as error:
        msg = f"--witness: {error}; expected a root (64 hexadecimal digits), a lane report or a statement"
        raise RequestError(msg) from error
    if not roots:
        msg = f"--witness {word}: tells of no run; expected a root, or a lane report or a statement that names one"
        raise RequestError(msg)
    return Witness(word, roots)


def _values(text: str, where: str) -> Iterator[Any]:
    """The JSON values of *text*: of the whole of it, or of each line."""
    lines = text.splitlines() if Path(where).suffix == ".jsonl" else [text]
    for number, line in enumerate(lines, 1):
        yield parse_json(line, where=f"{where}:{number}")


def _roots(value: object) -> Iterable[str]:
    match value:
        case {"record": "run", "root": str(root)}:
            return [root]
        case {"payloadType": str(), "payload": str(payload)}:
            return _roots(parse_json(_decoded(payload), where="payload"))
        case {"dsseEnvelope": dict(envelope)}:
            return _roots(envelope)
        case {"_type": kind, "subject": list(subjects)} if kind == STATEMENT:
            return [root for subject in subjects for root in _digests(subject)]
        case _:
            return []


def _digests(subject: object) -> Iterable[str]:
    match subject:
        case {"name": str(name), "digest": {"sha256": str(digest)}} if name.rpartition("/")[2] == SUBJECTS:
            return [digest]
        case _:
            return []


def _decoded(payload: str) -> str:
    try:
        return base64.b64decode(payload, validate=True).decode("utf-8")
    except (binascii.Error, ValueError) as error:
        msg = f"payload: not base64 of UTF-8: {error}"
        raise DataError(msg) from error
