"""Imported into the fork server: a signal that is meant for the whole process group must not end it.

It would take the exit statuses of its jobs with it, which are interrupted by their executor, each in its own time. The
server ends when the executor's process does.
"""

from __future__ import annotations

import os

from extractor_flow.run.job import ONE_THREAD_EACH, STOP_SIGNALS, disregard

disregard(STOP_SIGNALS)
# Read by numpy's linear algebra when it is first imported: a server with threads of its own is not safe to fork.
for name in ONE_THREAD_EACH:
    os.environ.setdefault(name, "1")
