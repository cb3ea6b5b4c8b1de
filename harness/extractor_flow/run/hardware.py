"""Probes the machine: what it is, and which capabilities it lacks, each with the failed probe's message.

The probes are cheap and leave the process as it was: no deep-learning package is imported and CUDA is not initialised,
which would make a later fork unsafe.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import platform
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from extractor_flow.study.records import HardwareProfile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DEVICE_NODES = ("/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/dxg")
_GPU_NAME = re.compile(r"\d+|(GPU|MIG)-[\w/-]+")
_TORCH_TIMEOUT = 120
_TOOL_TIMEOUT = 10
# What PyTorch, NumPy and their libraries choose their kernels by on x86.
_VECTORS = ("avx2", "avx512f")


@dataclass(frozen=True)
class NvidiaDriver:
    """What NVML reports: the first GPU's model, the CUDA version the driver supports, and the number of GPUs."""

    gpu_model: str
    cuda_version: str
    gpu_count: int


@lru_cache(maxsize=1)
def probe() -> HardwareProfile:
    """The machine this process runs on; probed once a process."""
    driver = nvidia_driver()
    found = driver if isinstance(driver, NvidiaDriver) else None
    return HardwareProfile(
        platform=platform.platform(terse=True),
        arch=platform.machine(),
        python_version=platform.python_version(),
        workers=available_cores(),
        gpu_model=found.gpu_model if found else None,
        cuda_version=found.cuda_version if found else None,
    )


@lru_cache(maxsize=1)
def processor() -> str | None:
    """The processor's model as the operating system names it; ``None`` if it does not.

    It chooses the kernels of numerical libraries, and so the last bits of what they compute. A virtual machine often
    calls processors of several generations by one name: on Linux, family, model and vector instructions follow it.
    """
    if platform.system() == "Darwin":
        return _output_of("sysctl", "-n", "machdep.cpu.brand_string")
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").partition("\n\n")[0].splitlines()
        facts = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        vectors = [flag for flag in _VECTORS if flag in facts.get("flags", "").split()]
        kind = ", ".join([*(f"{name} {facts[name]}" for name in ("cpu family", "model") if name in facts), *vectors])
        if facts.get("model name"):
            return f"{facts['model name']} ({kind})" if kind else facts["model name"]
    return platform.processor() or None


def _output_of(*command: str) -> str | None:
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_TOOL_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None


def available_cores() -> int:
    """The cores this process may use; at least one."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


def nvidia_driver() -> NvidiaDriver | str:
    """What the NVIDIA driver reports about its GPUs, or why it cannot; takes microseconds without a driver."""
    if not any(Path(node).exists() for node in _DEVICE_NODES):
        return f"no NVIDIA driver: none of {', '.join(_DEVICE_NODES)} exists"
    try:
        with _nvml() as library:
            return _first_gpu(library)
    except OSError as error:
        return f"the NVIDIA management library does not answer: {error}"


def visible_gpus(driver: NvidiaDriver) -> tuple[str, ...]:
    """The GPUs that processes of this session may use, as ``CUDA_VISIBLE_DEVICES`` names them if it is set.

    A name is an index, a UUID or a MIG slice; as in CUDA, the first name that is none of these ends the list.
    """
    listed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if listed is None:
        return tuple(map(str, range(driver.gpu_count)))
    return tuple(takewhile(_GPU_NAME.fullmatch, map(str.strip, listed.split(","))))


def with_gpu_in_use(machine: HardwareProfile, modules: Mapping[str, Any]) -> HardwareProfile:
    """*machine* with the GPU that a job's own torch, if *modules* has one, has computed on, and that torch's CUDA.

    The driver's tool names the first card of the machine and the newest CUDA that it could serve, and there may be no
    such tool, as with ROCm or on a Jetson. Under ROCm the version is that of HIP.
    """
    torch = modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return machine
    version = torch.version.cuda or f"HIP {torch.version.hip}"
    return replace(machine, gpu_model=torch.cuda.get_device_name(), cuda_version=version)


@contextmanager
def _nvml() -> Iterator[ctypes.CDLL]:
    library = ctypes.CDLL("libnvidia-ml.so.1")
    if code := library.nvmlInit_v2():
        msg = f"nvmlInit returned {code}"
        raise OSError(msg)
    try:
        yield library
    finally:
        library.nvmlShutdown()


def _first_gpu(library: ctypes.CDLL) -> NvidiaDriver | str:
    count = ctypes.c_uint()
    if (code := library.nvmlDeviceGetCount_v2(ctypes.byref(count))) or not count.value:
        return f"the NVIDIA driver lists no GPU (NVML code {code})"
    device, version = ctypes.c_void_p(), ctypes.c_int()
    name = ctypes.create_string_buffer(96)
    for code in (
        library.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(device)),
        library.nvmlDeviceGetName(device, name, ctypes.c_uint(len(name))),
        library.nvmlSystemGetCudaDriverVersion_v2(ctypes.byref(version)),
    ):
        if code:
            return f"the NVIDIA driver does not describe its GPU (NVML code {code})"
    cuda = f"{version.value // 1000}.{version.value % 1000 // 10}"
    return NvidiaDriver(name.value.decode("utf-8", "replace"), cuda, count.value)


def missing_capabilities() -> dict[str, str]:
    """What this machine lacks of ``cuda``, ``mps``, ``macos_spawn``, ``spawn`` and ``slurm``, each with the reason.

    ``cuda`` and ``mps`` are about what the installed torch can use; where hardware is present torch itself is asked, in
    a process of its own.
    """
    answers = {
        "cuda": _missing_cuda(),
        "mps": _missing_mps(),
        "macos_spawn": _missing_macos_spawn(),
        "spawn": _missing_spawn(),
        "slurm": None if shutil.which("sbatch") else "no sbatch command on the PATH",
    }
    return {capability: reason for capability, reason in answers.items() if reason is not None}


def _missing_cuda() -> str | None:
    driver = nvidia_driver()
    if isinstance(driver, str):
        return driver
    return _ask_torch("cuda", f"the driver shows {driver.gpu_model}, but torch.cuda.is_available() is false")


def _missing_mps() -> str | None:
    system, machine = platform.system(), platform.machine()
    if (system, machine) != ("Darwin", "arm64"):
        return f"Metal needs Darwin on arm64; this is {system} on {machine}"
    return _ask_torch("backends.mps", "torch.backends.mps.is_available() is false")


def _missing_macos_spawn() -> str | None:
    if platform.system() != "Darwin":
        return f"this is {platform.system()}, not macOS; spawn here is another capability (marker spawn)"
    return _missing_spawn()


def _missing_spawn() -> str | None:
    methods = multiprocessing.get_all_start_methods()
    return None if "spawn" in methods else f"the start methods here are {', '.join(methods)}"


@lru_cache
def _ask_torch(module: str, denial: str) -> str | None:
    command = [sys.executable, "-c", f"import torch, sys; sys.exit(0 if torch.{module}.is_available() else 3)"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_TORCH_TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return f"torch did not answer within {_TORCH_TIMEOUT} s"
    match answer.returncode:
        case 0:
            return None
        case 3:
            return denial
        case _:
            last = answer.stderr.strip().splitlines()[-1:] or ["no message"]
            return f"torch cannot be asked: {last[0]}"
