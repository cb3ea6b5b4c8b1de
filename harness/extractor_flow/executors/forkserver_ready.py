"""Imported into the fork server last: it has all that jobs need, and no longer ends after a time."""

import signal

signal.setitimer(signal.ITIMER_REAL, 0)
