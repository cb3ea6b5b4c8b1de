"""Imported into the fork server: a signal that is meant for the whole process group must not end it.

It would take the exit statuses of its jobs with it, which are interrupted by their executor, each in its own time. The
server ends when the executor's process does.
"""

from __future__ import annotations

import signal

signal.signal(signal.SIGTERM, signal.SIG_IGN)
