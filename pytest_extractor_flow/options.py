"""Which runs this session's tests are to check: the options and ini keys, read and checked."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pytest_extractor_flow.declared import PLACES
from pytest_extractor_flow.rootdir_trap import refuse_stray_root

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection, Iterable, Mapping

DEFAULT_TIMEOUT = 3600.0


class FlowOptions(NamedTuple):
    """The options about runs. Paths are absolute; ``configs`` are for tests that name none themselves.

    ``archived`` allows the existing run to be a slim copy. ``environment`` lets a run import what pytest's ini key
    ``pythonpath`` lets tests import.
    """

    configs: tuple[Path, ...]
    existing: Path | None
    output: Path | None
    timeout: float
    environment: Mapping[str, str]
    archived: bool = False


def read_flow_options(config: pytest.Config) -> FlowOptions:
    """The options and ini keys together, an option before its ini key; ``pytest.UsageError`` says what is wrong.

    A path of an option starts where pytest was started, one of an ini key at the root directory. The options keep their
    absolute form, in which xdist hands them to its workers.
    """
    option = config.option
    _refuse_wrong_patterns(config)
    option.flow_config = [str(_file(config, "--flow-config", name)) for name in option.flow_config]
    for name in ("flow_run", "flow_output"):
        given = getattr(option, name)
        if given is not None:
            path = config.invocation_params.dir / given
            refuse_stray_root(config, f"--{name.replace('_', '-')}", path)
            setattr(option, name, str(path))
    existing = None if option.flow_run is None else existing_run(Path(option.flow_run), f"--flow-run {option.flow_run}")
    if existing is not None and option.flow_config:
        msg = "--flow-config and --flow-run: one says what to train, the other that nothing is trained; give one"
        raise pytest.UsageError(msg)
    if option.flow_archived and existing is None:
        msg = "--flow-archived: says that --flow-run DIR is a slim copy; give that as well"
        raise pytest.UsageError(msg)
    named = option.flow_config or ([] if existing else _from_ini(config))
    return FlowOptions(
        configs=tuple(Path(path) for path in named),
        existing=existing,
        output=None if option.flow_output is None else _output(Path(option.flow_output)),
        timeout=_timeout(config),
        environment=_environment(config),
        archived=option.flow_archived,
    )


def refuse_misread_options(option: argparse.Namespace) -> None:
    """Raise ``pytest.UsageError`` where the shell has left nothing of an option, or a ``~`` that it did not replace."""
    given = [("flow_config", value) for value in option.flow_config]
    for name, value in (*given, *((name, getattr(option, name)) for name in PLACES)):
        option_name = f"--{name.replace('_', '-')}"
        if value == "":
            msg = f"{option_name}= names nothing; say what, or leave the option out"
            raise pytest.UsageError(msg)
        if value is not None and value.startswith("~/"):
            msg = f'{option_name}={value}: the shell leaves that ~ as it is; write {option_name}="$HOME{value[1:]}"'
            raise pytest.UsageError(msg)


def refuse_unknown_markers(config: pytest.Config, ours: Collection[str]) -> None:
    """Raise ``pytest.UsageError`` where the ini key ``flow_markers`` gives away what is no marker of the plugin."""
    if unknown := [name for name in config.getini("flow_markers") if name not in ours]:
        origin, known = ini_key(config, "flow_markers"), ", ".join(sorted(ours))
        msg = f"{origin}: {unknown[0]!r} is no marker of the plugin; there are: {known}"
        raise pytest.UsageError(msg)


def find_config(name: str, places: Iterable[Path], origin: str) -> Path:
    """The config *name* in the first of *places* that has it; ``pytest.UsageError`` naming who *origin* for it."""
    candidates = list(dict.fromkeys(place / name for place in places))
    for path in candidates:
        if path.is_file():
            return path.resolve()
    from extractor_flow.config.reader import neighbour

    near = next(filter(None, map(neighbour, candidates)), None)
    hint = f"; did you mean {near}?" if near else ""
    msg = f"{origin}: no such config; looked for {' and '.join(str(path) for path in candidates)}{hint}"
    if any(path.is_dir() for path in candidates):
        msg = f"{origin}: is a directory; name a config in it"
    raise pytest.UsageError(msg)


def existing_run(path: Path, origin: str) -> Path:
    """The run directory *path*; ``pytest.UsageError`` naming who *origin* for it if it is none."""
    from extractor_flow.layout import RUN

    if (path / RUN).is_file():
        return path.resolve()
    found = f"it has no {RUN}" if path.is_dir() else "it is a file" if path.exists() else "there is no such directory"
    msg = f"{origin}: not a run directory: {found}"
    raise pytest.UsageError(msg)


def ini_key(config: pytest.Config, key: str) -> str:
    """The ini key *key* and its file, which there is none of where ``-o`` gives the key."""
    return key if config.inipath is None else f"{key} in {config.inipath}"


def _file(config: pytest.Config, origin: str, name: str) -> Path:
    refuse_stray_root(config, origin, config.invocation_params.dir / name)
    return find_config(name, [config.invocation_params.dir], f"{origin} {name}")


def _from_ini(config: pytest.Config) -> list[str]:
    places = [config.rootpath]
    origin = ini_key(config, "flow_config")
    return [str(find_config(name, places, f"{origin}: {name}")) for name in config.getini("flow_config")]


def _refuse_wrong_patterns(config: pytest.Config) -> None:
    for pattern in config.getini("flow_files"):
        if Path(pattern).is_absolute():
            where = ini_key(config, "flow_files")
            msg = f"{where}: {pattern} is not below the root directory; write it relative to that"
            raise pytest.UsageError(msg)
        if not any(config.rootpath.glob(pattern)):
            msg = f"{ini_key(config, 'flow_files')}: {pattern} matches no file below {config.rootpath}"
            raise pytest.UsageError(msg)


def _output(path: Path) -> Path:
    if path.exists() and not path.is_dir():
        msg = f"--flow-output {path}: is a file; name a directory"
        raise pytest.UsageError(msg)
    return path


def _environment(config: pytest.Config) -> dict[str, str]:
    places = [str(path) for path in config.getini("pythonpath")]
    inherited = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join([*places, *([inherited] if inherited else [])])} if places else {}


def _timeout(config: pytest.Config) -> float:
    origin, given = "--flow-timeout", config.option.flow_timeout
    if given is None and (text := config.getini("flow_timeout")):
        origin = ini_key(config, "flow_timeout")
        try:
            given = float(text)
        except ValueError:
            given = math.nan
    if given is None:
        return DEFAULT_TIMEOUT
    if not (math.isfinite(given) and given > 0):
        msg = f"{origin}: expected a positive number of seconds"
        raise pytest.UsageError(msg)
    return float(given)
