"""How fast the navigation environment is: steps per second of CPU time with random actions, at 272 rays x 3 frames.

Episodes are reset as they end, and that time counts. Run it on an idle machine: a busy neighbour on the same core slows
even CPU time down. ``python benchmarks/env_speed.py [--steps N] [--rays N] [--frames N] [--pedestrians N]``
"""

from __future__ import annotations

import argparse
import time

from extractor_flow.flows.extractor_comparison.environments.robot_nav import RobotNavEnv

ROUNDS = 5


def steps_per_cpu_second(env: RobotNavEnv, steps: int, seed: int) -> float:
    """Steps per second of this process's CPU time, resets included; the actions are drawn beforehand."""
    env.action_space.seed(seed)
    actions = [env.action_space.sample() for _ in range(steps)]
    env.reset(seed=seed)
    start = time.process_time()
    for action in actions:
        _, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            env.reset()
    return steps / (time.process_time() - start)


def main() -> None:
    """Print each round's speed and the best."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000, help="steps in each of the rounds (default: %(default)s)")
    parser.add_argument("--rays", type=int, default=272)
    parser.add_argument("--frames", type=int, default=3)
    parser.add_argument("--pedestrians", type=int, default=4)
    options = parser.parse_args()
    env = RobotNavEnv(rays=options.rays, frames=options.frames, pedestrians=options.pedestrians)
    speeds = [steps_per_cpu_second(env, options.steps, seed) for seed in range(ROUNDS)]
    print(f"{options.rays} rays x {options.frames} frames, {options.pedestrians} pedestrians, random actions")
    for number, speed in enumerate(speeds, start=1):
        print(f"round {number}: {speed:8.0f} steps per CPU-second")
    print(f"best:    {max(speeds):8.0f} steps per CPU-second")


if __name__ == "__main__":
    main()
