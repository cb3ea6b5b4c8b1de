"""Imported into the fork server, so that a signal to the whole process group does not end it.

The exit statuses of its jobs would be lost with it; their executor interrupts them itself. The server ends with the
executor's process, and where what it imports next does not end: whoever asks it for a process waits, deaf to signals.
"""

from __future__ import annotations

import os
import signal

from extractor_flow.run.job import IMPORTS_SECONDS, ONE_THREAD_EACH, STOP_SIGNALS, disregard

disregard(STOP_SIGNALS)
signal.setitimer(signal.ITIMER_REAL, IMPORTS_SECONDS)  # until forkserver_ready is imported
# Read by numpy's linear algebra when it is first imported: a server with threads of its own is not safe to fork.
for name in ONE_THREAD_EACH:
    os.environ.setdefault(name, "1")
