"""check_executor accepts our executors, and finds each way of breaking the protocol."""

from __future__ import annotations

import pytest
import yaml

from extractor_flow.executors.events import Finished, Started
from extractor_flow.executors.local import LocalExecutor
from extractor_flow.executors.serial import SerialExecutor
from extractor_flow.run.jobdir import unstarted
from extractor_flow.study.codes import Code
from extractor_flow.study.records import Failed
from extractor_flow.testing import ConformanceError, check_executor
from support.published import lines


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(lines({"name": "a"}, {"name": "b", "degree": 2})), encoding="utf-8")
    return path


@pytest.mark.parametrize("make", [SerialExecutor, lambda: LocalExecutor(slots=2, preload=("numpy",))])
def test_our_executors_conform(make, config, tmp_path):
    check_executor(make, config, tmp_path)


class Forgetting(SerialExecutor):
    """Loses the last job's record."""

    def execute(self, directories, stop):
        yield from list(super().execute(directories, stop))[:-1]


class Repeating(SerialExecutor):
    """Runs what has a result already."""

    def execute(self, directories, stop):
        for directory in directories:
            (directory.path / "result.json").unlink(missing_ok=True)
        yield from super().execute(directories, stop)


class Deaf(SerialExecutor):
    """Goes on after a request to stop."""

    def execute(self, directories, stop):
        yield from super().execute(directories, type(stop)())


class Telling(SerialExecutor):
    """Says of each job what is not in its directory."""

    def execute(self, directories, stop):
        for event in super().execute(directories, stop):
            outcome = Failed(Code.LOST, "lost")
            yield Finished(event.job, unstarted(event.job, outcome)) if isinstance(event, Finished) else event


class Promising(SerialExecutor):
    """Starts everything, and gives up when asked to stop."""

    def execute(self, directories, stop):
        for directory in directories if stop.signum is None else ():
            yield Started(directory.job)
        if stop.signum is None:
            for event in super().execute(directories, stop):
                if isinstance(event, Finished):
                    yield event


@pytest.mark.parametrize(
    ("make", "rule"),
    [(Forgetting, "once"), (Repeating, "again"), (Deaf, "stop"), (Telling, "once"), (Promising, "stop")],
)
def test_an_executor_that_breaks_the_protocol_is_found_out(make, rule, config, tmp_path):
    with pytest.raises(ConformanceError) as caught:
        check_executor(make, config, tmp_path)

    assert rule in {finding.rule for finding in caught.value.findings}, str(caught.value)
