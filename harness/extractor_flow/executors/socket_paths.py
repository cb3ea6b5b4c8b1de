"""A trap of Unix sockets: their paths must fit in about a hundred bytes, and a cluster's TMPDIR may leave no room."""

from __future__ import annotations

import os
import tempfile
from multiprocessing import util

# /pymp-XXXXXXXX/listener-XXXXXXXX comes after it; macOS allows 103 bytes, Linux 107.
_ROOM = 103 - len("/pymp-XXXXXXXX/listener-XXXXXXXX")
_SHORT = "/tmp"  # noqa: S108 - multiprocessing makes a private directory in it


def keep_socket_paths_short() -> None:
    """Have multiprocessing, here and in children, put its sockets where their paths fit, whatever TMPDIR says.

    Call it before the first process is started; all other temporary files stay where TMPDIR has them.
    """
    if len(os.fsencode(tempfile.gettempdir())) <= _ROOM:
        return
    before, tempfile.tempdir = tempfile.tempdir, _SHORT
    try:
        util.get_temp_dir()  # made once a process, and handed down to its children
    finally:
        tempfile.tempdir = before
