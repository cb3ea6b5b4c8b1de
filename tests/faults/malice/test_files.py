import pickle
import tracemalloc
from pathlib import Path

import pytest

from extractor_flow.readers.errors import ReadError
from extractor_flow.readers.paths import ConfinedDirectory
from support.files import genuine, malice, malicious

MEMORY = 400 * 1024 * 1024


def read(root: Path, name: str) -> str | None:
    """The name of the refusal, when the run's file *name* is read as what it poses as."""
    try:
        with ConfinedDirectory(root).open(name) as stream:
            genuine.READERS[malicious.READER_OF[name]](stream, name)
    except ReadError as error:
        return error.kind
    return None


@pytest.mark.parametrize("case", malicious.ALL, ids=lambda case: case.title)
def test_a_malicious_file_is_refused_by_name_and_runs_nothing(case, tmp_path):
    marker = tmp_path / "executed"
    root = tmp_path / "run"
    root.mkdir()
    case.plant(root / case.poses_as, marker)

    tracemalloc.start()
    try:
        found = read(root, case.poses_as)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert (found, marker.exists(), peak < MEMORY) == (case.kind, False, True)


@pytest.mark.parametrize("form", ["REDUCE", "INST", "OBJ", "STACK_GLOBAL"])
def test_the_pickles_of_these_tests_do_run_when_they_are_unpickled(form, tmp_path):
    with pickle.loads(malice.in_words(tmp_path / "executed", form)):
        pass

    assert (tmp_path / "executed").exists()


def test_every_kind_of_file_has_its_malice_and_there_are_at_least_eighty():
    assert ({case.poses_as for case in malicious.ALL}, len({case.title for case in malicious.ALL}) >= 80) == (
        set(malicious.READER_OF),
        True,
    )
