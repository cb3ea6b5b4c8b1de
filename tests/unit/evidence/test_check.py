"""A check is a thing with a name: what its docstring has to say."""

from __future__ import annotations

import pytest

from extractor_flow.evidence.check import Layer, Scope, check


def test_a_check_knows_its_name_and_what_it_is_good_for():
    @check("steps-counted", reads=("final_model",), needs=("torch",), deep=True)
    def steps_counted(job):
        """The model has counted as many steps as the record claims.

        Catches: a model that was trained for
        fewer steps. Cannot catch: idle steps.
        """
        yield from ()

    found = steps_counted
    assert (found.id, found.layer, found.scope) == ("steps-counted", Layer.EVIDENCE, Scope.JOB)
    assert (found.reads, found.needs, found.deep) == (("final_model",), ("torch",), True)
    assert found.compares == "The model has counted as many steps as the record claims."
    assert found.catches == "a model that was trained for fewer steps."
    assert found.cannot_catch == "idle steps."


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mute", None),
        ("mute", "Compares. Catches: something."),
        ("Two Words", "Compares. Catches: a. Cannot catch: b."),
    ],
)
def test_a_check_without_its_words_is_refused(name, text):
    def examine(job):
        yield from ()

    examine.__doc__ = text

    with pytest.raises(ValueError, match="expected a sentence"):
        check(name)(examine)
