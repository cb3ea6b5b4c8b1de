"""Starts pytest sessions in forks of a process that has loaded pytest, and is as ``python -m pytest`` but for that.

The workers that such a session starts are forks of that process, too.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
from contextlib import suppress
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any

from _pytest.config import _prepareconfig
from execnet import gateway_io
from warm_orders import Ordered

# No deep-learning package and none of the plugin's own modules: tests see that a session loads them late or never.
OFTEN_LOADED = (
    *("extractor_flow.config.yaml_tree", "extractor_flow.render.page.document", "extractor_flow.testing"),
    *("extractor_flow.verify.checks", "extractor_flow.verify.engine", "extractor_flow.verify.request"),
    *("faulthandler", "jinja2", "jsonschema_rs.canonical.json", "line_fit", "numpy.random", "pdb", "yaml"),
    *("xdist.dsession", "xdist.remote", "xdist.scheduler"),
)


def serve(place: str) -> dict[str, Any]:
    """Answer at the socket *place* until standard input ends; in the fork for an order, the order."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place)
        listening.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while sys.stdin not in select.select([listening, sys.stdin], [], [])[0]:
            line, _ = listening.accept()
            with line:
                if os.fork() == 0:
                    return _obey(line)
            _reap()
    _reap()
    sys.exit()


def _reap() -> None:
    """Let those go who have told how their fork ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def _obey(line: socket.socket) -> dict[str, Any]:
    """Fork for the order at the other end of *line*, and tell it how that ended; in the fork, the order."""
    with line.makefile("rb") as orders:
        _, descriptors, *_ = socket.recv_fds(line, 1, 3)
        order = json.loads(orders.readline())
    if (process := os.fork()) == 0:
        _become(order, descriptors)
        return dict(order)
    for descriptor in descriptors:
        os.close(descriptor)
    with suppress(OSError):  # of who asked and was killed
        line.sendall(f"{process}\n".encode())
        _, status = os.waitpid(process, 0)
        line.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _become(order: dict[str, Any], descriptors: list[int]) -> None:
    """Take what a new process would be given."""
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(order["directory"])
    # A shell has its background jobs ignore SIGINT, and they hand that on.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(order["environment"])
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:1] = [order["directory"], *filter(None, given)]
    # What pytest-xdist noted of it when it was loaded, for its workers.
    import_module("xdist.plugin")._sys_path[:] = sys.path


class Worker(gateway_io.Popen2IOMaster):  # type: ignore[misc]
    """A session's end of the pipes to a worker, which the server at *place* forks."""

    def __init__(self, place: str, _: list[str], execmodel: object) -> None:
        (its_input, output), (answers, its_output) = os.pipe(), os.pipe()
        state = {"directory": os.getcwd(), "environment": dict(os.environ)}  # noqa: PTH109
        self.popen = Ordered(place, [its_input, its_output, 2], arguments=None, **state)
        for descriptor in (its_input, its_output):
            os.close(descriptor)
        gateway_io.Popen2IO.__init__(self, open(output, "wb"), open(answers, "rb"), execmodel)  # noqa: PTH123, SIM115


def _load() -> None:
    """Load what sessions do; the installed plugins by pytest, which rewrites their assertions."""
    arguments = f"-c {os.devnull} -s --noconftest -p no:hypothesispytest -p no:syrupy"
    config = _prepareconfig(arguments.split())
    # While pytest's import hook is there: from a wheel, it is to load this package, too, or warns of it.
    for name in OFTEN_LOADED:
        import_module(name)
    config._ensure_unconfigure()


def _end(status: int) -> None:
    """End as a process does, without clearing its memory away, which costs as much as a tiny session."""
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def main(place: str) -> None:
    _load()
    # pytest collects garbage five times as it ends; what was loaded here is none.
    gc.freeze()
    order = serve(place)
    if order["arguments"] is None:
        sys.argv = ["-c"]
        sys.modules["__main__"] = ModuleType("__main__")
        exec(eval(sys.stdin.readline()), vars(sys.modules["__main__"]))  # as execnet's own workers do
        _end(0)
    gateway_io.Popen2IOMaster = partial(Worker, place)
    sys.argv[1:] = order["arguments"]
    try:
        runpy.run_module("pytest", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        _end(int(end.code or 0))


if __name__ == "__main__":
    main(sys.argv[1])
