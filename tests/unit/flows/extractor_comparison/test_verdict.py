"""A verdict claims what the seeds support: a winner, a gain over the baseline, or how many seeds it would take."""

import pytest

from extractor_flow.flows.extractor_comparison.conclusion.verdict import Scores, conclude
from extractor_flow.flows.extractor_comparison.contract import CONTRACT, HEADLINE
from extractor_flow.study.flow import Verdict

SETTINGS = {"env": {"id": "Walk-v1"}, "run": {"total_timesteps": 16384}}
MLP = [10.4, 12.4, 10.6, 18.1, 19.5]
UP = [8.1, 6.3, 5.3, 6.9, 4.6]


def verdict(baseline=None, unfinished=0, **scores):
    by_name = {name: dict(enumerate(values)) for name, values in scores.items()}
    return conclude(Scores(CONTRACT.metrics[HEADLINE], by_name, baseline), SETTINGS, unfinished)


def above(values, gains):
    return [value + gain for value, gain in zip(values, gains, strict=True)]


def test_a_winner_is_told_apart_from_every_other_extractor():
    found = verdict("mlp", mlp=MLP, attention=above(MLP, UP), lstm=above(MLP, [1.2, -0.3, 1.1, 0.7, -0.1]))

    assert found == Verdict(
        "winner",
        (
            "attention is better than every other extractor: over the baseline mlp it gains 6.30 (median difference "
            "over 5 seeds; 4.60 to 8.10)."
        ),
        "attention",
        (
            (
                "attention is ahead of mlp on 5 of 5 seeds (median difference 6.30, range 4.60 to 8.10; corrected p "
                "0.001; about 88% of repeats would find it again)."
            ),
            "lstm is ahead of mlp on 3 of 5 seeds (median difference 0.70, range -0.30 to 1.20; corrected p 0.166).",
        ),
        (
            (
                "A repeat with 5 fresh seeds would find all of this again in at most about 88% of cases, "
                "assuming that half of all differences between extractors are zero."
            ),
            "One environment (Walk-v1), one budget (16,384 steps), 5 seeds: nothing is said of others.",
            "The same seeds give other policies on another type of processor.",
            "The interval of a median difference contains the true one in 94% of simulated studies.",
            (
                "With 5 seeds no test that is free of assumptions can decide; the paired t test does, which assumes "
                "differences that are about normal."
            ),
        ),
    )


@pytest.mark.parametrize(
    ("scores", "code", "winner", "sentence"),
    [
        (
            {"mlp": MLP, "cnn": above(MLP, UP), "lstm": above(MLP, UP[::-1])},
            "better-than-baseline",
            None,
            (
                "cnn and lstm are better than the baseline mlp; no extractor is distinguishable from all others with 5 "
                "seeds."
            ),
        ),
        (
            {"mlp": above(MLP, UP), "cnn": MLP, "lstm": above(MLP, UP[::-1])},
            "worse-than-baseline",
            None,
            "cnn is worse than the baseline mlp; no extractor is distinguishable from all others with 5 seeds.",
        ),
        (
            {"mlp": above(MLP, UP), "cnn": MLP},
            "winner",
            "mlp",
            (
                "mlp, the baseline, is better than cnn: the closest, cnn, differs by -6.30 (median "
                "difference over 5 seeds; -8.10 to -4.60)."
            ),
        ),
        (
            {"mlp": MLP, "cnn": above(MLP, [3, -1, 2, 4, -2])},
            "not-distinguishable",
            None,
            (
                "The extractors are not distinguishable with 5 seeds; about 89 would be needed for a difference "
                "like that between cnn and mlp."
            ),
        ),
        (
            {"mlp": MLP, "cnn": above(MLP, [1, -1, 2, -2, 0.01])},
            "not-distinguishable",
            None,
            (
                "The extractors are not distinguishable with 5 seeds; more than 1,000 would be needed for a difference "
                "like that between cnn and mlp."
            ),
        ),
        (
            {"mlp": MLP[:3], "cnn": above(MLP[:3], [90, 91, 92])},
            "too-few-seeds",
            None,
            "No winner can be declared with 3 seeds: it takes at least 5.",
        ),
        (
            {"mlp": [1.0], "cnn": [2.0]},
            "too-few-seeds",
            None,
            "No winner can be declared with one seed: it takes at least 5.",
        ),
    ],
)
def test_a_verdict_says_what_the_seeds_support(scores, code, winner, sentence):
    found = verdict("mlp", **scores)

    assert (found.code, found.winner, found.sentence) == (code, winner, sentence)


def test_without_a_baseline_the_others_are_compared_with_the_leader():
    found = verdict(mlp=MLP, cnn=above(MLP, UP))

    assert (found.winner, found.details) == (
        "cnn",
        (
            (
                "mlp is ahead of cnn on 0 of 5 seeds (median difference -6.30, range -8.10 to -4.60; "
                "corrected p 0.001; about 92% of repeats would find it again)."
            ),
        ),
    )


def test_a_low_p_alone_is_no_claim_and_the_reason_is_said():
    ten = [16.0] * 10
    found = verdict("mlp", mlp=ten, cnn=above(ten, [-0.6, -0.5, -0.4, 2, 3, 3, 3, 3.5, 4, 4.3]))

    assert (found.code, found.details) == (
        "not-distinguishable",
        (
            (
                "cnn is ahead of mlp on 7 of 10 seeds (median difference 3.00, range -0.60 to 4.30; corrected p 0.007; "
                "but the interval of the median includes 0)."
            ),
        ),
    )


def test_of_one_seed_there_is_a_difference_and_no_median():
    assert verdict("mlp", mlp=[1.0], cnn=[2.5]).details == ("cnn is ahead of mlp on 1 of 1 seed (difference 1.50).",)


def test_jobs_that_did_not_complete_limit_the_verdict():
    assert verdict("mlp", 1, mlp=MLP, cnn=MLP).limits[-1] == "1 of the study's jobs did not complete and is left out."


@pytest.mark.parametrize("scores", [{}, {"mlp": MLP}])
def test_there_is_no_verdict_where_nothing_is_compared(scores):
    assert verdict("mlp", **scores) is None
