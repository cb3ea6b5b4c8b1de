"""Verifies a run in a process of its own, which is held to a budget.

The operating system holds that process to its limits, so no file can cost more, whatever an algorithm makes of it.
``python -P -m extractor_flow.verify.budget REQUEST`` is that process: it answers on standard output with its allowance
and the verdict, a line of JSON each.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from extractor_flow.binding.witness import Witness
from extractor_flow.errors import HarnessError, RunDirectoryError
from extractor_flow.evidence.check import Layer
from extractor_flow.evidence.findings import BUDGET, Unchecked, Violation, Why
from extractor_flow.layout import RUN
from extractor_flow.verify.verdict import Ran, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

    from extractor_flow.readers.paths import ConfinedDirectory

CRASH = "crash"
"""The kind of violation that the verifier itself failed, which no run should be able to make it do."""
_NO_MEMORY = 77
_ROOM = 16_000_000  # bytes that are free in any process that was not stopped for want of them
_MOST_FINDINGS = 100_000
"""Who says more about one run says no more to anyone, and it has to be held in memory twice."""


@dataclass(frozen=True)
class VerificationRequest:
    """The run to verify, how, and the factor on its budget."""

    run_directory: str
    deep: bool = False
    archived: bool = False
    witness: Witness | None = None
    factor: float = 1.0
    trust: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What :func:`dataclasses.asdict` made of one."""
        sent = data["witness"]
        witness = None if sent is None else Witness(sent["name"], frozenset(sent["roots"]))
        return cls(**{**data, "witness": witness, "trust": tuple(data["trust"])})


def verify_within_budget(request: VerificationRequest) -> Verdict:
    """The verdict of a process that keeps to the budget; over it, the one violation that says which limit."""
    # Not the working directory: that may be the run's, and hold a module of a name that is imported here.
    words = [sys.executable, "-P", "-m", __name__, json.dumps(asdict(request), default=sorted)]
    # Numerical libraries reserve memory for a thread on each core, and then use one.
    threads = {} if request.deep else dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    environment = {**os.environ, **threads}
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False, env=environment)
    # Of a process that was ended, the last line may be cut.
    lines = [json.loads(line) for line in done.stdout.splitlines(keepends=True) if line.endswith(b"\n")]
    allowed = "".join(line["allowed"] for line in lines if "allowed" in line)
    match lines[-1] if lines and done.returncode == 0 else {}:
        case {"error": str(message), "exit_code": int(code)}:
            raise RunDirectoryError(message, exit_code=code)
        case {"over": str(found)}:
            return _over(found, allowed)
        case {"crash": str(found)}:
            return _crashed(found)
        case {"verdict": dict(verdict)}:
            return _verdict_of(verdict)
    spent = _SPENT.get(done.returncode)
    return _crashed(_end(done.returncode)) if spent is None else _over(spent, allowed)


def _verdict_of(data: Mapping[str, Any]) -> Verdict:
    """What :func:`dataclasses.asdict` made of a verdict."""
    return Verdict(
        violations=tuple(Violation(**item) for item in data["violations"]),
        unchecked=tuple(Unchecked(**{**item, "code": Why(item["code"])}) for item in data["unchecked"]),
        ran=tuple(Ran(**{**item, "layer": Layer(item["layer"])}) for item in data["ran"]),
        needs_deep=tuple(data["needs_deep"]),
        root=data["root"],
        notes=tuple(data["notes"]),
    )


def _over(found: str, allowed: str) -> Verdict:
    claim = f"can be verified within the budget{f': {allowed}' if allowed else ''}"
    rest = Unchecked("everything else", "the budget was used up; --budget FACTOR raises it", Why.UNREADABLE)
    return Verdict((Violation(RUN, "", claim, found, BUDGET),), (rest,))


_SPENT = {
    -signal.SIGXCPU: "more CPU time",
    _NO_MEMORY: "more memory",
    -signal.SIGKILL: "the process was ended by SIGKILL, as for want of memory",
}
"""The ends of a process that has used up what it may."""


def _crashed(found: str) -> Verdict:
    claim = "can be verified by this version"
    rest = Unchecked("everything else", "the verifier failed: please report it, with the run", Why.UNREADABLE)
    return Verdict((Violation(RUN, "", claim, found, CRASH),), (rest,))


def _end(code: int) -> str:
    """The verdict when the process ended with *code*."""
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    return f"the verifier's process {how}"


def _main(request: str) -> None:
    """Answer *request*; what anything else prints goes to standard error."""
    gc.set_threshold(100_000, 50, 100)  # a tenth of the time went into looking for circles, of which there are few
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answer:
        os.dup2(2, 1)
        try:
            _say(answer, _judged(VerificationRequest.from_json(json.loads(request)), answer))
        except KeyboardInterrupt:
            sys.exit(128 + signal.SIGINT)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told in one line
            if isinstance(error, MemoryError) or not _has_room():
                os._exit(_NO_MEMORY)  # what has filled the memory is still there
            _say(answer, {"crash": f"{type(error).__name__}: {error}"})


def _has_room() -> bool:
    """Whether there is memory left: libraries that get none fail in ways of their own."""
    try:
        bytearray(_ROOM)
    except MemoryError:
        return False
    return True


def _say(answer: TextIO, line: Mapping[str, Any]) -> None:
    answer.write(json.dumps(line) + "\n")
    answer.flush()


def _judged(request: VerificationRequest, answer: TextIO) -> dict[str, Any]:
    """The verdict as JSON, or that the budget was too small, or that there is no such run."""
    from extractor_flow.readers.paths import ConfinedDirectory
    from extractor_flow.verify import allowance as limits

    limits.limit_process(limits.smallest(request.factor))
    try:
        directory = ConfinedDirectory(Path(request.run_directory))
        allowance = limits.allowance_of(directory, deep=request.deep, factor=request.factor)
        limits.limit_process(allowance)
        _say(answer, {"allowed": str(allowance)})
        directory.spend = limits.Meter(allowance.read).spend
        return _verdict(request, directory)
    except limits.OverBudgetError as error:
        return {"over": str(error)}
    except HarnessError as error:
        return {"error": str(error), "exit_code": error.exit_code}


def _verdict(request: VerificationRequest, files: ConfinedDirectory) -> dict[str, Any]:
    from extractor_flow.verify.engine import verify

    verdict = verify(files, deep=request.deep, archived=request.archived, trust=request.trust, witness=request.witness)
    if any(violation.kind == BUDGET for violation in verdict.violations):
        return {"over": "more memory"}
    if len(verdict.violations) + len(verdict.unchecked) > _MOST_FINDINGS:
        return {"over": f"more than {_MOST_FINDINGS} findings"}
    return {"verdict": asdict(verdict)}


if __name__ == "__main__":
    _main(sys.argv[1])
