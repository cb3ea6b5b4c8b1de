"""Loads what a config names as ``package.module:attribute``."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

from extractor_flow.errors import JobError


def load(target: str, *, key: str) -> Any:  # noqa: ANN401 - whatever the user names
    """The object that *target* names, looked for on the import path and then in the working directory.

    :class:`JobError` naming the config's *key* when there is no such module or attribute; what a module raises while it
    is imported is passed on.
    """
    module_name, _, attribute = target.partition(":")
    _search_working_directory()
    try:
        found: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        # A missing module that the user's module imports is the user's error, with the user's traceback.
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        msg = f"{key} is {target!r}: there is no module {error.name!r}, also not in {os.getcwd()}"  # noqa: PTH109
        raise JobError(msg) from error
    for name in attribute.split("."):
        if not hasattr(found, name):
            msg = f"{key} is {target!r}: {module_name} ({getattr(found, '__file__', None)}) has no {attribute}"
            raise JobError(msg)
        found = getattr(found, name)
    return found


def _search_working_directory() -> None:
    """Extend the import path, which processes that are started later inherit."""
    here = os.getcwd()  # noqa: PTH109 - the import path holds strings
    if here not in sys.path:
        sys.path.append(here)
