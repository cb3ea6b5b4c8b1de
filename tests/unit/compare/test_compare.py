"""Runs are compared job by job and seed by seed; what is not the same config is refused, and the key is named."""

from __future__ import annotations

import json
import shutil

import pytest

from extractor_flow import layout
from extractor_flow.cli import main
from extractor_flow.contracts import violations
from support.published import lines, publish_run

MODELS = ({"name": "line"}, {"name": "parabola", "degree": 2})
SEEDS = list(range(6))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs of one config, one that trains longer, and one of other models."""
    configs = {
        "first": lines(*MODELS, seeds=SEEDS),
        "again": lines(*MODELS, seeds=SEEDS, run_id="again"),
        "longer": lines(*MODELS, seeds=SEEDS, steps=7),
        "cubic": lines(MODELS[0], {"name": "parabola", "degree": 3}, seeds=SEEDS),
    }
    return {name: publish_run(tmp_path_factory.mktemp(name), config) for name, config in configs.items()}


@pytest.fixture
def compare(runs, capsys):
    def run(*words):
        code = main(["compare", *(str(runs.get(word, word)) for word in words)])
        return code, capsys.readouterr()

    return run


def compared(answer):
    code, (out, _) = answer
    told = json.loads(out)
    assert (code, violations(told, "run_comparison")) == (0, [])
    return told["comparisons"]


def test_a_run_of_the_same_config_is_equal_bit_for_bit(compare):
    (found,) = compared(compare("first", "again", "--json"))

    assert (found["settings"], found["environment"]) == ([], [])
    assert {job["match"] for job in found["jobs"]} == {"equal"}
    assert [set(each["paired"]["differences"].values()) for each in found["differences"]] == [{0.0}, {0.0}]


def test_an_ablation_is_compared_seed_by_seed(compare):
    (found,) = compared(compare("first", "longer", "--ablate", "run.steps", "--json"))

    assert found["settings"] == [{"name": "run.steps", "against": 5, "run": 7}]
    assert {(job["match"], *job["differing"]) for job in found["jobs"]} == {
        ("different", "best_score", "final_loss", "weights")
    }
    assert [
        (each["config_name"], each["paired"]["wins"], "replication_probability" in each["paired"])
        for each in found["differences"]
    ] == [
        ("line", 6, True),
        ("parabola", 6, True),
    ]


def test_the_comparison_reads_as_text(compare, runs):
    code, (out, _) = compare("first", "again", "longer", "--ablate", "run")

    again, longer = out.split("\n\n")
    first, config, jobs, *rest = longer.splitlines()
    assert again.splitlines()[1:3] == ["  jobs: 12 equal", "  line, best_score: equal on all 6 seeds"]
    assert (code, first, config, jobs) == (
        0,
        f"{runs['longer']} against {runs['first']}",
        "  config: run.steps is 7, not 5",
        "  jobs: 12 different",
    )
    assert rest[10] == "    and 2 more"
    assert all(line.endswith("of repeats would find it again") for line in rest[11:13])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("first", "longer"), "not the same config as {first}: run.steps (5 and 7); compare runs of one config"),
        (("first", "cubic"), "not the same config as {first}: models[1].degree (2 and 3)"),
        (
            ("first", "longer", "--ablate", "run.steps", "--ablate", "run.seeds"),
            "--ablate run.seeds: the configs do not differ there",
        ),
        (("first", "cubic", "--ablate", "models[1].degree", "--ablate", "x"), "--ablate x"),
        (("first", "/nowhere"), "/nowhere: not a run directory"),
    ],
)
def test_what_is_no_comparison_is_refused_with_the_key(compare, runs, words, message):
    code, (out, err) = compare(*words)

    assert (code, out) == (2, "")
    assert message.format(**runs) in err


@pytest.mark.parametrize("name", [layout.RUN, layout.JOURNAL])
def test_no_link_in_a_strangers_run_is_followed(compare, runs, tmp_path, name):
    copy = shutil.copytree(runs["first"], tmp_path / "run")
    (copy / name).unlink()
    (copy / name).symlink_to(runs["again"] / name)

    code, (out, err) = compare("first", str(copy))

    assert (code, out, name in err) == (2, "", True)
