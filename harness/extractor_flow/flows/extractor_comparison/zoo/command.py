"""``extractor-flow import zoo FILE ENV``: writes the config that an entry of a hyperparameter file amounts to."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from extractor_flow.config import read_config
from extractor_flow.errors import HarnessError, RequestError
from extractor_flow.files import printable, write_text
from extractor_flow.flows.extractor_comparison.algorithms.declared import ALGORITHMS, PPO
from extractor_flow.flows.extractor_comparison.config import settings_of
from extractor_flow.flows.extractor_comparison.zoo.entries import config_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PROG = "extractor-flow import"
_ATARI = "atari"
_LIMIT = 1024 * 1024  # the largest such file has some tens of kilobytes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; every error a user can cause is one message on standard error and an exit code."""
    top = argparse.ArgumentParser(prog=_PROG, description="Brings hyperparameters of other projects to a config.")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    zoo = commands.add_parser("zoo", help="an entry of a hyperparameter file of rl-baselines3-zoo")
    zoo.add_argument("file", metavar="FILE", type=Path, help="such as ppo.yml")
    zoo.add_argument("env", metavar="ENV", help="the environment whose entry it is, such as Pendulum-v1")
    known = tuple(map(str.lower, ALGORITHMS))
    zoo.add_argument(
        "--algorithm",
        choices=known,
        type=str.lower,
        help="what the file is for; left out, its name says so, or it is ppo",
    )
    zoo.add_argument("--output", metavar="FILE", type=Path, help="the config to write; without it, standard output")
    options = top.parse_args(sys.argv[1:] if arguments is None else list(arguments))
    try:
        name = options.algorithm or (options.file.stem if options.file.stem in known else PPO)
        _import(options.file, options.env, name.upper(), options.output)
    except HarnessError as error:
        sys.stderr.write(f"{_PROG}: {printable(str(error))}\n")
        return error.exit_code
    return 0


def _import(file: Path, env: str, name: str, output: Path | None) -> None:
    entries = read_entries(file)
    entry = entries.get(env, entries.get(_ATARI) if _is_atari(env) else None)
    if entry is None:
        msg = f"{file}: has no entry {env!r}; it has {', '.join(sorted(map(str, entries)))}"
        raise RequestError(msg)
    text = yaml.safe_dump(converted(entry, env, name), sort_keys=False)
    if output is None:
        sys.stdout.write(text)
        return
    if output.exists():
        msg = f"{output}: is there already"
        raise RequestError(msg)
    write_text(output, text)
    settings_of(read_config(output), {})


def _is_atari(env: str) -> bool:
    """Whether *env* is one of the games that share an entry there."""
    return env.startswith("ALE/") or "NoFrameskip" in env


def read_entries(file: Path) -> Mapping[str, Any]:
    """The entries of *file* by environment; :class:`RequestError` when it holds none."""
    try:
        if file.stat().st_size > _LIMIT:
            msg = f"{file}: is larger than {_LIMIT} bytes"
            raise RequestError(msg)
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        msg = f"{file}: cannot be read: {' '.join(str(error).split())[:200]}"
        raise RequestError(msg) from error
    if not isinstance(data, dict):
        msg = f"{file}: holds {type(data).__name__}; expected one entry an environment"
        raise RequestError(msg)
    return data


def converted(entry: object, env: str, name: str = PPO) -> dict[str, Any]:
    """The config of *entry*; :class:`RequestError` where it is none."""
    if not isinstance(entry, dict) or "n_timesteps" not in entry:
        msg = f"{env}: is no entry with n_timesteps"
        raise RequestError(msg)
    try:
        return config_of(entry, env, name)
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        msg = f"{env}: cannot be understood: {error}"
        raise RequestError(msg) from error


if __name__ == "__main__":
    sys.exit(main())
