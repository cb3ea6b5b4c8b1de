"""What is asked of the process that has loaded pytest: a fork that takes the place of a new process."""

from __future__ import annotations

import json
import os
import select
import signal
import socket


class Ordered:
    """A fork for *order*, whose standard streams are *descriptors*, of the server at the socket *place*.

    To be handled as an object of ``subprocess.Popen`` is.
    """

    def __init__(self, place: str, descriptors: list[int], **order: object) -> None:
        self._line = socket.socket(socket.AF_UNIX)
        self._line.connect(place)
        socket.send_fds(self._line, [b"!"], descriptors)
        self._line.sendall(json.dumps(order).encode() + b"\n")
        self.pid = self._told()
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended; a process that takes longer than *timeout* is killed."""
        if self.returncode is None:
            self._line.settimeout(timeout)
            try:
                self.returncode = self._told()
            except TimeoutError:
                self.kill()
                raise
            finally:
                self._line.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.returncode is None and not select.select([self._line], [], [], 0)[0]:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _told(self) -> int:
        line = b""
        while not line.endswith(b"\n"):
            line += self._line.recv(1) or b"no answer\n"
        return int(line)
