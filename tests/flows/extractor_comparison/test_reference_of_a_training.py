"""PPO made worse on purpose falls behind its reference; an honest repeat under other seeds does not."""

from __future__ import annotations

import pytest

from extractor_flow.compare.reading import read_run
from extractor_flow.compare.reference import judge
from support.published import publish_run

pytestmark = pytest.mark.train


def study(seeds, steps=512):
    return {
        "run": {
            "num_envs": 4,
            "total_timesteps": steps,
            "eval_freq": steps,
            "save_freq": None,
            "n_eval_episodes": 2,
            "final_eval_episodes": 10,
            "eval_num_envs": 10,
            "seeds": list(seeds),
        },
        "env": {"factory": "support.flows.corridor:Sums"},
        "algorithm": {"n_steps": 32, "batch_size": 64, "n_epochs": 4, "learning_rate": 0.001, "gamma": 0.5},
        "extractors": [{"name": "flat", "preset": "dynamics_no_conv"}],
    }


@pytest.fixture(scope="module")
def reference(shared_run):
    return read_run(shared_run(study(range(5)), drawn=False))


@pytest.mark.parametrize(
    ("changes", "word"),
    [({}, "within the margin"), ({"steps": 256}, "worse")],
    ids=["honest", "half the updates"],
)
@pytest.mark.usefixtures("undrawn")
def test_a_worse_trainer_is_red_and_an_honest_repeat_is_not(reference, tmp_path, changes, word):
    run = read_run(publish_run(tmp_path, study(range(100, 105), **changes)))

    assert [str(each.word) for each in judge(run, reference, {"margin": 1.5})] == [word]
