"""A config file is a test file: what its run must keep, and one test a job.

The items share the one run of their config with ``flow_run``. Collecting reads the config and trains nothing.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from pytest_extractor_flow.once.replay import NotJudged
from pytest_extractor_flow.reference import hold_reference, reference_of
from pytest_extractor_flow.runs.choice import Choice, shown_path
from pytest_extractor_flow.runs.handing_out import broken_promise, study_of
from pytest_extractor_flow.shared import STATE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from extractor_flow.evidence.check import Layer
    from extractor_flow.study.jobs import Job
    from extractor_flow.study.records import JobRecord
    from extractor_flow.verify import Unchecked, Violation
    from pytest_extractor_flow.runs.session_runs import FlowRun

LAYERS = ("schema", "markdown", "consistency", "evidence")
_SPAWNING = {"spawn", "macos_spawn"}  # about how the whole run starts, which a job cannot promise


class ConfigFile(pytest.File):
    """A config; its items: the layers of verification, the project's own checks and the reference if any, the jobs."""

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """Read the config; what is wrong with it is a collection error with file, line and key."""
        from extractor_flow.errors import HarnessError

        self.add_marker(pytest.mark.flow(shown_path(self.path, self.config.rootpath)))
        try:
            study = study_of(self.path)
        except HarnessError as error:
            raise self.CollectError(str(error)) from None
        for layer in LAYERS:
            yield LayerItem.from_parent(self, name=layer)
        if self.config.hook.pytest_extractor_flow_violations.get_hookimpls():
            yield ProjectItem.from_parent(self, name="project")
        if (reference := reference_of(self.config)) is not None:
            yield ReferenceItem.from_parent(self, name="reference", reference=reference)
        yield Jobs.from_parent(self, name="job", jobs=study.jobs)


class Jobs(pytest.Collector):
    """The jobs of a config: ``study.yaml::job`` names all, ``study.yaml::job::mlp_small seed 3`` one."""

    def __init__(self, *, jobs: Sequence[Job], **more: Any) -> None:  # noqa: ANN401 - pytest's own arguments
        super().__init__(**more)
        self._jobs = jobs

    def collect(self) -> Iterator[pytest.Item]:
        """One item a job."""
        for job in self._jobs:
            yield JobItem.from_parent(self, name=_item_name(job), job=job)


class RunItem(pytest.Item):
    """A test of the run of its config, which is there once the item is set up."""

    waits_for_command = True
    run: FlowRun

    def setup(self) -> None:
        """Get the run, trained now if nobody has asked before; under ``--setup-plan`` nothing is done."""
        if not self.config.getoption("setupplan", default=False):
            self.run = self.config.stash[STATE].runs().get(Choice(self.path.resolve()))

    def _initrequest(self) -> None:
        """Nothing: pytest-retry, before it tries again, has every item forget its fixtures, and there are none."""

    def reportinfo(self) -> tuple[Path, int, str]:
        """The config, and a heading."""
        return self.path, 0, f"{self.path.name}: {self.name}"

    def _refuse(self, found: Iterable[Violation]) -> None:
        """Fail if anything was found, with a sentence for each."""
        from extractor_flow.verify import FORMATS, Verdict

        violations = tuple(found)
        if violations:
            count = f"{len(violations)} violation{'s' if len(violations) > 1 else ''}"
            ran = tuple(each for each in self.run.own_verdict.ran if each.layer == self.name)
            text = FORMATS["text"](Verdict(violations, ran=ran), str(self.run.path))
            pytest.fail(f"{self.name}: {count}: {_first_line(violations[0])}\n{text}", pytrace=False)


class LayerItem(RunItem):
    """One layer of the verdict."""

    def runtest(self) -> None:
        """Fail if this layer has violations; say what it could not check, and skip where that is essential."""
        verdict = self.run.own_verdict
        self._refuse(each for each in verdict.violations if verdict.layer_of(each) == self.name)
        for unchecked in verdict.unchecked:
            self._mention(unchecked, verdict.layer_of(unchecked))
        if all(ran.layer != self.name for ran in verdict.ran):
            msg = "not checked: no check of this layer could look"
            raise NotJudged(msg)

    def _mention(self, unchecked: Unchecked, layer: Layer | None) -> None:
        """Skip where *unchecked* is about this layer, or about several, and something else has to be mended first."""
        from extractor_flow.evidence.findings import Why

        sentence = f"{unchecked.what}: {unchecked.why}"
        concerned = layer == self.name or (layer is None and self.name != "schema")
        if concerned and unchecked.code in {Why.UNREADABLE, Why.UNPUBLISHED}:
            msg = f"not checked: {sentence}"
            raise NotJudged(msg)
        if self.name == "evidence":
            self.user_properties.append(("not_checked", sentence))
            self.add_report_section("call", "not checked", sentence)


class ProjectItem(RunItem):
    """What the project's own hooks found."""

    def runtest(self) -> None:
        """Fail if they found anything."""
        found = self.run.project_violations
        self._refuse(each for each in self.run.verdict.violations if each in found)


class ReferenceItem(RunItem):
    """That the run is as good as the reference run."""

    def __init__(self, *, reference: Path, **more: Any) -> None:  # noqa: ANN401 - pytest's own arguments, as it documents
        super().__init__(**more)
        self._reference = reference

    def runtest(self) -> None:
        """Fail if it is not; the report of a pass says on which ground it passed."""
        for judgement in hold_reference(self.run.path, self.path, self._reference):
            self.user_properties.append(("reference", str(judgement)))


class JobItem(RunItem):
    """One job's outcome."""

    skips_as_recorded = True  # the run has decided, and its reason is the better one

    def __init__(self, *, job: Job, **more: Any) -> None:  # noqa: ANN401 - pytest's own arguments, as it documents
        super().__init__(**more)
        self._job = job
        for name in set(job.requires) & set(self.config.stash[STATE].capabilities.names) - _SPAWNING:
            self.add_marker(name)

    def runtest(self) -> None:
        """Pass, skip or fail as the job's record does."""
        from extractor_flow.study.records import Failed, Skipped

        record = self._record()
        match record.outcome:
            case Skipped(reason=reason) as skipped:
                if broken_promise(skipped, self._job, self.config.stash[STATE]):
                    pytest.fail(f"{record.label}: {reason}", pytrace=False)
                raise NotJudged(reason)
            case Failed(reason=reason, log_tail=tail):
                log = "\n".join(tail) or "(nothing)"
                pytest.fail(f"{record.label}: {reason}\n--- the end of its log ---\n{log}", pytrace=False)

    def _record(self) -> JobRecord:
        from extractor_flow.errors import HarnessError

        try:
            found = {record.job_key: record for record in self.run.records}
        except HarnessError as error:
            pytest.fail(str(error), pytrace=False)
        if self._job.key not in found:
            pytest.fail(f"{self._job.label}: the run's journal has no record of it", pytrace=False)
        return found[self._job.key]


def _item_name(job: Job) -> str:
    """The job's label, without what others read as the start of a parameter or of another name."""
    from extractor_flow.readers.errors import one_line

    return one_line(job.label).replace("[", "%5B").replace("]", "%5D").replace("::", "%3A%3A")


def _first_line(violation: Violation) -> str:
    place = os.fspath(violation.file) + (f": {violation.path}" if violation.path else "")
    return f"{place}: {violation.claim}"
