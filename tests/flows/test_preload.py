"""The server that jobs are forked from has imported what they need, and is safe to fork."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from extractor_flow.registry import find_flow


@pytest.mark.parametrize("name", ["extractor_comparison", "dose_overlap"])
def test_the_warm_server_is_safe_to_fork(name):
    (module,) = find_flow(name).preload
    script = (
        "import extractor_flow.executors.forkserver_preload, os, sys, torch; "
        f"import {module}; "
        "print(len(os.listdir('/proc/self/task')), torch.cuda.is_initialized(), 'torch._dynamo' in sys.modules)"
    )
    if not Path("/proc/self/task").is_dir():
        pytest.skip("counts threads in /proc, which is not here")

    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert answer.stdout.split() == ["1", "False", "True"]
