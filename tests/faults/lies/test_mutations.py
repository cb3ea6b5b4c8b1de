"""Tampering with a real published run: each kind is caught, and the violation names the file that was changed."""

from __future__ import annotations

from contextlib import suppress
from operator import attrgetter

import pytest

from extractor_flow import layout
from extractor_flow.errors import HarnessError
from extractor_flow.verify import verify
from support.lies.careful_lies import LIES
from support.lies.mutation_table import ONE_FILE
from support.published import COMPARISON
from support.whole import one_of_a_kind

# Binding again changes the chain of the journal and the list of files, and cannot hide what is caught in other files.
# Of an attempt's note nothing but the list of files tells, and a witness of that list.
BOUND = [
    mutation
    for mutation in ONE_FILE
    if mutation.file == layout.JOURNAL or ("subjects" in mutation.checks and "/attempt-" not in mutation.file)
]


title = attrgetter("title")
kind = attrgetter("file", "kind", "checks")
"""What tells mutations apart: the file that is changed, and what catches it."""


@pytest.fixture(scope="module")
def genuine_run(shared_run):
    return shared_run(COMPARISON)


@pytest.fixture
def run(genuine_run, tampering_with):
    """A copy somewhere else, which is as good as the original."""
    return tampering_with(genuine_run)


def test_the_untouched_copy_verifies(run):
    assert verify(run.path).violations == ()


def test_publishing_again_is_no_tampering(run):
    run.digested("extractors/mlp/seed-1")

    assert verify(run.path).violations == ()


@pytest.mark.parametrize("mutation", one_of_a_kind([*ONE_FILE, *LIES], kind, title))
def test_tampering_is_caught_and_its_file_is_named(run, mutation):
    mutation.change(run)

    violations = verify(run.path).violations

    named = [violation for violation in violations if violation.file.startswith(mutation.file)]
    caught = [violation for violation in named if mutation.kind in (None, violation.kind)]
    assert [violation for violation in caught if violation.check in mutation.checks], violations


@pytest.mark.parametrize("mutation", one_of_a_kind(BOUND, kind, title))
def test_binding_the_run_again_does_not_hide_it(run, mutation):
    mutation.change(run)
    with suppress(ValueError, OSError, HarnessError):
        run.rebind()

    assert verify(run.path).violations != ()


def test_there_are_enough_kinds_of_tampering_each_with_a_name_of_its_own():
    titles = [mutation.title for mutation in (*ONE_FILE, *LIES)]

    assert (len(titles) >= 60, sorted(set(titles))) == (True, sorted(titles))


def test_pytorch_reads_the_same_weights_as_the_light_reader(run):
    assert verify(run.path, deep=["ppo-torch-weights"]).violations == ()
