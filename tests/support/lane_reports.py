"""Lane reports as a session writes them, built record by record."""

from __future__ import annotations

import hashlib
import json

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER_COMMIT = "89abcdef0123456789abcdef0123456789abcdef"
SESSION = "00112233445566778899aabbccddeeff"


def header(lane="linux", *, git=None, **capabilities):
    """The first record of *lane*; a capability is there unless it is given as ``False``."""
    answers = {"cuda": True, "macos_spawn": True, **capabilities}
    return {
        "record": "header",
        "schema_version": 1,
        "lane": lane,
        "session": SESSION,
        "started": "2026-11-21T10:15:00.000Z",
        "platform": {"system": "Linux", "release": "6.1", "machine": "x86_64"},
        "python": {"implementation": "CPython", "version": "3.11.7"},
        "packages": {"pytest": "9.2.0"},
        "capabilities": {name: {"available": there, "reason": "looked"} for name, there in answers.items()},
        "required": [],
        "git": {"commit": COMMIT, "dirty": False, "source": "checkout"} if git is None else git,
    }


def collected(nodeid, *markers):
    return {"record": "collected", "nodeid": nodeid, "markers": list(markers)}


def deselected(nodeid, *markers):
    return {"record": "deselected", "nodeid": nodeid, "markers": list(markers)}


def outcome(nodeid, word, *markers, worker="main", executed=None, reason="so it was"):
    """An attempt that ended as *word*; its body ran unless that is out of the question."""
    ran = word not in {"skipped", "error", "crashed"} if executed is None else executed
    record = {
        "record": "outcome",
        "nodeid": nodeid,
        "markers": list(markers),
        "worker": worker,
        "outcome": word,
        "executed": ran,
        "seconds": 0.5,
    }
    return record if word in {"passed", "xpassed"} else {**record, "reason": reason}


def uncollected(nodeid, word):
    return {"record": "uncollected", "nodeid": nodeid, "outcome": word, "reason": "no module of that name"}


def line(record):
    return json.dumps(record, sort_keys=True) + "\n"


def closed(*records, exit_status=0, **changes):
    """The text of a whole report: *records* and the closing record that vouches for them."""
    before = "".join(map(line, records))
    closing = {
        "record": "closing",
        "session": SESSION,
        "ended": "2026-11-21T10:16:00.000Z",
        "exit_status": exit_status,
        "records": len(records),
        "sha256": hashlib.sha256(before.encode()).hexdigest(),
    }
    return before + line({**closing, **changes})
