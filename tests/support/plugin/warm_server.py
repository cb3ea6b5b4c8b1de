"""Starts pytest sessions in forks of a process that has loaded pytest, and is as ``python -m pytest`` but for that."""

from __future__ import annotations

import gc
import json
import os
import runpy
import select
import socket
import sys
from importlib import import_module

import execnet  # noqa: F401 - for the sessions with workers
from _pytest.config import default_plugins


def serve(place: str) -> list[str]:
    """Answer at the socket *place* until standard input ends; in the fork for a session, its arguments."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place)
        listening.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while sys.stdin not in select.select([listening, sys.stdin], [], [])[0]:
            line, _ = listening.accept()
            with line, line.makefile("rb") as orders:
                _, descriptors, *_ = socket.recv_fds(line, 1, 3)
                order = json.loads(orders.readline())
                if (session := os.fork()) == 0:
                    _become(order, descriptors)
                    return list(order["arguments"])
                for descriptor in descriptors:
                    os.close(descriptor)
                line.sendall(f"{session}\n".encode())
                _, status = os.waitpid(session, 0)
                line.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    sys.exit()


def _become(order: dict[str, object], descriptors: list[int]) -> None:
    """Take what a new process would be given."""
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(str(order["directory"]))
    os.environ.clear()
    os.environ.update(order["environment"])  # type: ignore[call-overload]
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:1] = [str(order["directory"]), *filter(None, given)]


if __name__ == "__main__":
    for name in default_plugins:
        import_module(f"_pytest.{name}")
    # pytest collects garbage five times as it ends; what was loaded here is none.
    gc.freeze()
    sys.argv[1:] = serve(sys.argv[1])
    runpy.run_module("pytest", run_name="__main__", alter_sys=True)
