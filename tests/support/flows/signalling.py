"""An environment in which somebody stops the run in the middle of a job, once."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import gymnasium


class Stopped(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Sends this process SIGTERM at its 20th step, unless the file *done* says that one was heard before.

    Nobody hears it while what a config names is tried: then it is sent again, in the training.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], done: Path) -> None:
        super().__init__(env)
        self._done = done
        self._steps = 0

    def step(self, action: Any) -> Any:
        self._steps += 1
        if self._steps == 20 and not self._done.exists():
            self._done.touch()
            os.kill(os.getpid(), signal.SIGTERM)
            self._done.unlink()
        return self.env.step(action)


def make(done: str) -> gymnasium.Env[Any, Any]:
    """CartPole, stopped once."""
    return Stopped(gymnasium.make("CartPole-v1", max_episode_steps=10), Path(done))
