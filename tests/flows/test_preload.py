"""The server that jobs are forked from has imported what they need, and is safe to fork."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from extractor_flow.registry import find_flow

# torch is loaded once, and each flow's module in a fork of its own.
SCRIPT = """
import importlib, os, sys, torch
import extractor_flow.executors.forkserver_preload
for module in sys.argv[1:]:
    if os.fork() == 0:
        importlib.import_module(module)
        found = len(os.listdir("/proc/self/task")), torch.cuda.is_initialized(), "torch._dynamo" in sys.modules
        print(module, *found, flush=True)
        os._exit(0)
    os.wait()
"""


def test_the_warm_server_is_safe_to_fork():
    if not Path("/proc/self/task").is_dir():
        pytest.skip("counts threads in /proc, which is not here")
    modules = [*find_flow("extractor_comparison").preload, *find_flow("dose_overlap").preload]

    answer = subprocess.run([sys.executable, "-c", SCRIPT, *modules], capture_output=True, text=True, check=True)

    assert answer.stdout.splitlines() == [f"{module} 1 False True" for module in modules]
