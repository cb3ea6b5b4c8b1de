"""What a machine can do, as far as cheap probes can tell: the probes behind the hardware markers.

No probe imports torch or initialises CUDA in the pytest process, which would make a later fork unsafe. Each names what
it looked at. :mod:`hardware` shares the look at the driver and goes further, for trainings: it asks torch, in
a process of its own.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from _pytest.outcomes import Skipped

    Probe = Callable[[], "Capability"]
else:
    Skipped = pytest.skip.Exception

# The characters of an identifier in pytest's marker expressions; quoted text is matched first, to be left alone.
_WORDS = re.compile(r"""'[^']*'|"[^"]*"|[\w:+\-.\[\]\\/]+""")


@dataclass(frozen=True)
class Capability:
    """A probe's answer; ``reason`` names the probe and what it saw, whether the answer is yes or no."""

    available: bool
    reason: str


class CapabilityMissing(Skipped):
    """A test was skipped because the machine lacks a capability; reported at the test, not at the plugin."""


class Capabilities:
    """The known capabilities by marker name; each machine is probed when first asked, and then remembered."""

    def __init__(self, further: Iterable[Mapping[str, Probe]]) -> None:
        self._probes: dict[str, Probe] = {
            "cuda": _cuda,
            "macos_spawn": _macos_spawn,
            "spawn": _spawn,
            "slurm": _slurm,
        }
        self._answers: dict[str, Capability] = {}
        for probes in further:
            _require_probes(probes)
            if taken := sorted(self._probes.keys() & probes.keys()):
                msg = f"the capability {taken[0]!r} exists already; a plugin cannot answer for it again"
                raise pytest.UsageError(msg)
            self._probes.update(probes)

    @property
    def names(self) -> tuple[str, ...]:
        """Every known capability, which is also the name of its marker."""
        return tuple(self._probes)

    def __getitem__(self, name: str) -> Capability:
        if name not in self._answers:
            self._answers[name] = _asked(name, self._probes[name])
        return self._answers[name]

    def check_required(self, required: Iterable[str]) -> None:
        """Raise ``pytest.UsageError`` naming each of *required* that is unknown or missing, and its probe's reason."""
        problems = []
        for name in required:
            if name not in self._probes:
                problems.append(f"{name}: no such capability; known are {', '.join(self.names)}{self._nearest(name)}")
            elif not self[name].available:
                problems.append(f"{name}: {self[name].reason}")
        if problems:
            msg = "required hardware is missing, nothing was run:\n" + "\n".join(f"  {line}" for line in problems)
            raise pytest.UsageError(msg)

    def _nearest(self, name: str) -> str:
        """What the capability was perhaps meant to be, as the end of a sentence."""
        from difflib import get_close_matches

        near = ["cuda"] if name.lower() in ("gpu", "nvidia") else get_close_matches(name.lower(), self.names, n=1)
        return f"; did you mean {near[0]}?" if near else ""

    def skip_unless_available(self, item: pytest.Item, markers: Collection[str]) -> None:
        """Skip *item* if it carries one of *markers* and this machine lacks the capability of that name."""
        carried = {mark.name for mark in item.iter_markers()}.intersection(markers)
        for name in self.names:
            if name in carried and not self[name].available:
                msg = f"{name}: {self[name].reason}"
                raise CapabilityMissing(msg)

    def with_underscores(self, expression: str) -> str:
        """A marker expression in which a capability spelled with hyphens (``macos-spawn``) has its marker's name."""
        spelled = {name.replace("_", "-"): name for name in self.names}
        return _WORDS.sub(lambda match: spelled.get(match.group(), match.group()), expression)


def _require_probes(probes: object) -> None:
    """Raise ``pytest.UsageError`` unless a plugin's answer maps marker names to probes."""
    if not isinstance(probes, dict) or not all(map(callable, probes.values())):
        msg = f"pytest_extractor_flow_capabilities gave {probes!r}; expected a dict of marker names to functions"
        raise pytest.UsageError(msg)
    for name in probes:
        if not (isinstance(name, str) and name.isidentifier()):
            msg = f"the capability {name!r} cannot be a marker's name; write it with letters, digits and underscores"
            raise pytest.UsageError(msg)


def _asked(name: str, probe: Probe) -> Capability:
    try:
        answer = cast("object", probe())
    except Exception as error:  # a stranger's code
        msg = f"the probe of the capability {name!r} failed: {type(error).__name__}: {error}"
        raise pytest.UsageError(msg) from error
    if not isinstance(answer, Capability):
        msg = f"the probe of the capability {name!r} answered {answer!r}; expected a Capability"
        raise pytest.UsageError(msg)
    return answer


def _cuda() -> Capability:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and visible.strip() in {"", "-1", "NoDevFiles"}:
        return Capability(available=False, reason=f"CUDA_VISIBLE_DEVICES={visible!r} hides every GPU")
    from extractor_flow.run.hardware import NvidiaDriver, nvidia_driver

    driver = nvidia_driver()
    if isinstance(driver, NvidiaDriver):
        gpus = f"{driver.gpu_count} x {driver.gpu_model}, CUDA {driver.cuda_version}"
        return Capability(available=True, reason=f"NVML lists {gpus}")
    return Capability(available=False, reason=driver)


def _macos_spawn() -> Capability:
    import multiprocessing
    import platform

    if platform.system() != "Darwin":
        reason = f"platform.system() is {platform.system()!r}, not 'Darwin'; spawn elsewhere is the marker spawn"
        return Capability(available=False, reason=reason)

    # Asking for the start method without allow_none would fix it for everybody else.
    chosen = multiprocessing.get_start_method(allow_none=True) or multiprocessing.get_all_start_methods()[0]
    reason = f"platform.system() is 'Darwin' and the multiprocessing start method is {chosen!r}"
    return Capability(available=chosen == "spawn", reason=reason)


def _spawn() -> Capability:
    import multiprocessing

    methods = multiprocessing.get_all_start_methods()
    return Capability(available="spawn" in methods, reason=f"multiprocessing start methods: {', '.join(methods)}")


def _slurm() -> Capability:
    import shutil

    found = shutil.which("sbatch")
    return Capability(available=found is not None, reason=f"sbatch on the PATH: {found or 'not found'}")
