"""A tiny project with a real external command, for sessions in which the plugin runs it: counts what happened."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.plugin.warm_orders import Ordered
    from support.plugin.warm_sessions import WarmSessions

T = TypeVar("T")
PATIENCE = 600.0
STUBBORN = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
BEHAVIOURS = {
    "ok": "",
    "fails": "sys.exit(3)",
    "skips": "sys.exit(77)",
    "segfaults": "os.kill(os.getpid(), signal.SIGSEGV)",
    "hangs": f"{STUBBORN}\nwhile True: signal.pause()",
    "waits": "open(HERE / 'go', 'rb', buffering=0).read(1)",
    "outlasts a test's limit": "import select; select.select([], [], [], 4)",
    "leaves children": (
        "for new_session in (False, True):\n"
        "    child = f'import signal; {stubborn}; print(flush=True)\\nwhile True: signal.pause()'\n"
        "    subprocess.Popen([sys.executable, '-S', '-c', child, str(HERE)], stdout=subprocess.PIPE,\n"
        "        start_new_session=new_session).stdout.readline()\n"
    ).replace("{stubborn}", STUBBORN),
}
_COMMAND = """
import os, signal, subprocess, sys
from pathlib import Path
HERE = Path(sys.argv[1])
print("the command's own words", flush=True)
with (HERE / "runs").open("a") as stream:
    stream.write(f"{os.getpid()}\\n")
with open(HERE / "announced", "wb", buffering=0) as stream:
    stream.write(b"!")
"""
_CONFTEST = """
import sys
from pathlib import Path

import pytest

from pytest_extractor_flow.once.execution import Command

HERE = Path(__file__).parent


def read(status):
    return {0: "ok", 77: "skipped"}.get(status, "failed")


@pytest.fixture(scope="session")
def flow(run_once, request):
    argv = (sys.executable, "-S", str(HERE / "command.py"), str(HERE))
    return run_once(Command("flow", argv, timeout=LIMIT, grace=0.2), read)


def pytest_extractor_flow_before_cleanup(execution):
    assert execution.output.is_dir()
    with (HERE / "cleanups").open("a") as stream:
        stream.write(f"{execution.status}\\n")
"""
FOUR_TESTS = """
import pytest

@pytest.mark.parametrize("number", range(4))
def test_uses(flow, number):
    assert flow.status == "ok"
"""


@dataclass(frozen=True)
class Census:
    """How often the command ran, how often it was cleaned up after, and what is still there: files and processes."""

    runs: int
    cleanups: int
    leftovers: list[str]


CLEAN = Census(runs=1, cleanups=1, leftovers=[])


@dataclass
class Project:
    """The project's directory and what goes on in it; ``note`` is told every census."""

    pytester: pytest.Pytester
    temporary: Path
    note: Callable[[str, object], None]
    warm_sessions: WarmSessions
    _sessions: list[Ordered] = field(default_factory=list)

    @property
    def path(self) -> Path:
        return self.pytester.path

    def write(self, behaviour: str, *, limit: float = 60.0, tests: str = FOUR_TESTS) -> None:
        """Lay out the project: its command does *behaviour* after it has said that it runs."""
        (self.path / "command.py").write_text(_COMMAND + BEHAVIOURS[behaviour] + "\n", encoding="utf-8")
        (self.path / "conftest.py").write_text(_CONFTEST.replace("LIMIT", str(limit)), encoding="utf-8")
        (self.path / "test_project.py").write_text(tests, encoding="utf-8")
        for pipe in ("announced", "go"):
            os.mkfifo(self.path / pipe)
        # Held open for reading and writing, so that nobody who opens an end waits for the other.
        self._announced = os.open(self.path / "announced", os.O_RDWR | os.O_NONBLOCK)
        self._go = os.open(self.path / "go", os.O_RDWR | os.O_NONBLOCK)

    def run(self, *arguments: str) -> pytest.RunResult:
        """A whole session."""
        return self.pytester.runpytest_subprocess(*arguments, timeout=PATIENCE)

    def start(self, *arguments: str) -> Ordered:
        """A session in the background, its output in ``session-<n>.txt``."""
        with (self.path / f"session-{len(self._sessions)}.txt").open("wb") as output:
            session = self.warm_sessions.start(self.path, arguments, (output, output))
        self._sessions.append(session)
        return session

    def output(self, session: Ordered) -> str:
        """What a session of :meth:`start` printed, once it has ended."""
        session.wait(timeout=PATIENCE)
        name = f"session-{self._sessions.index(session)}.txt"
        return (self.path / name).read_text(encoding="utf-8")

    def await_command(self, times: int = 1) -> None:
        """Wait until the command has said *times* times that it runs."""
        for _ in range(times):
            ready, _, _ = select.select([self._announced], [], [], PATIENCE)
            if not ready:
                pytest.fail("the command did not start")
            os.read(self._announced, 1)

    def let_go(self, times: int = 1) -> None:
        """Let a command that ``waits`` end, *times* of them."""
        os.write(self._go, b"!" * times)

    def starter(self) -> int:
        """The process id of the pytest process that started the command."""
        return self._read_id("started.json", "pid")

    def supervisor(self) -> int:
        """The process id of the command's supervisor."""
        return self._read_id("process.json", "supervisor")

    def census(self, *, cleanups: int | None = None) -> Census:
        """Count now; with *cleanups*, as soon as nothing is left, within the patience."""
        if cleanups is not None:
            eventually(lambda: not self._leftovers())
        counted = Census(len(self._lines("runs")), len(self._lines("cleanups")), self._leftovers())
        self.note("census", f"{counted.runs} / {counted.cleanups} / {len(counted.leftovers)}")
        return counted

    def close(self) -> None:
        """End what a failing test has left."""
        for session in self._sessions:
            session.kill()
            session.wait()
        for pid, _ in self._processes():
            os.kill(pid, signal.SIGKILL)
        for descriptor in ("_announced", "_go"):
            if hasattr(self, descriptor):
                os.close(getattr(self, descriptor))

    def _read_id(self, file: str, key: str) -> int:
        paths = eventually(lambda: list(self.temporary.glob(f"*/flows/*/{file}")))
        return int(json.loads(paths[0].read_text(encoding="utf-8"))[key])

    def _lines(self, name: str) -> list[str]:
        path = self.path / name
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def _leftovers(self) -> list[str]:
        files = [path.name for path in self.temporary.iterdir()]
        return files + [words for _, words in self._processes()]

    def _processes(self) -> list[tuple[int, str]]:
        """The living processes that carry this project's path in their arguments."""
        listed = subprocess.run(["ps", "-axww", "-o", "pid=,stat=,args="], capture_output=True, text=True, check=True)
        found = []
        for line in listed.stdout.splitlines():
            pid, state, words = line.split(maxsplit=2)
            if str(self.path) in words and not state.startswith("Z"):
                found.append((int(pid), words))
        return found


def eventually(look: Callable[[], T]) -> T:
    """The first true answer of *look*; the test fails if there is none within the patience."""
    until = time.monotonic() + PATIENCE
    while not (answer := look()):
        if time.monotonic() > until:
            pytest.fail("waited in vain")
        select.select([], [], [], 0.02)
    return answer
