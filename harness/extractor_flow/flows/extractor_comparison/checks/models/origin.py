"""Where and when a job's files were made: the machine, the packages and the clock, by each file that tells of them."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import TYPE_CHECKING

from extractor_flow.evidence.check import check
from extractor_flow.flows.extractor_comparison.checks.claims import contradiction
from extractor_flow.flows.extractor_comparison.checks.models.optimizer import EXTRACTORS
from extractor_flow.readers.models import POLICY, SYSTEM, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from extractor_flow.evidence.findings import Violation
    from extractor_flow.flows.extractor_comparison.checks.claims import Claims, Saved

# Clocks are set while a job runs, by NTP or by hand: a minute is honest, and a lie about time is about more.
CLOCK_STEP = 60.0
_LINE = re.compile(r"- ([A-Za-z0-9 -]+): (.*)")
_EVENT_FILE = re.compile(r".*/events\.out\.tfevents\.([0-9]{10,12})\..*", re.DOTALL)
_PACKAGES = {
    "gymnasium": "Gymnasium",
    "numpy": "Numpy",
    "stable_baselines3": "Stable-Baselines3",
    "torch": "PyTorch",
}


@check("ppo-clock", reads=("final_model", "best_model"))
def clock(job: Claims) -> Iterator[Violation]:
    """The models and the event file, by its name, were begun while the job ran, give or take a minute.

    Catches: models of another day's training. Cannot catch: times changed in all of them, or by less than a minute;
    those inside event and monitor files.
    """
    record = job.record
    begin, end = (datetime.fromisoformat(each) for each in (record.start_time, record.end_time or record.start_time))
    for path, place, stated, seconds in _moments(job):
        if not begin.timestamp() - CLOCK_STEP <= seconds <= end.timestamp() + CLOCK_STEP:
            yield contradiction(path, place, stated, f"the job ran from {record.start_time} to {record.end_time}")


@check("ppo-model-origin", reads=("final_model", "best_model"))
def model_origin(job: Claims) -> Iterator[Violation]:
    """The system, the versions and the device that a saved model tells of are those of the job's record.

    Catches: another machine, Python, package or device in the record. Cannot catch: the same lie in every model.
    """
    version = _versions(job).get("stable_baselines3")
    for saved in job.saved:
        texts = saved.model.texts
        for name in (SYSTEM, VERSION):
            if name not in texts:
                yield contradiction(saved.path, name, "a member of every saved model", "nothing")
        if SYSTEM in texts:
            system = {match[1]: match[2] for line in texts[SYSTEM].split("\n") if (match := _LINE.fullmatch(line))}
            yield from _compare_system(job, saved.path, system)
        if version is not None and VERSION in texts and texts[VERSION].strip() != version:
            yield contradiction(saved.path, VERSION, texts[VERSION], f"the journal has {version}")
        yield from _compare_device(job, saved)


def _moments(job: Claims) -> Iterator[tuple[str, str, object, float]]:
    """Path, place, what is told there, and the seconds since 1970 that it means; NaN where it means none."""
    for saved in job.saved:
        stated = saved.model.settings.get("start_time")
        nanoseconds = stated if isinstance(stated, int) and abs(stated) < 1 << 63 else math.nan
        yield saved.path, "data: $.start_time", stated, nanoseconds / 1e9
    artifact = job.outcome.artifacts.get("tensorboard")
    if artifact is not None and (name := _EVENT_FILE.fullmatch(artifact.path)):
        yield artifact.path, "the time in its name", name[1], int(name[1])


def _compare_system(job: Claims, path: str, system: Mapping[str, str]) -> Iterator[Violation]:
    """What the record tells, by the names of the model's list; its platform is the shorter form of the model's."""
    versions, hardware = _versions(job), job.record.hardware
    expected = {name: versions[key] for key, name in _PACKAGES.items() if key in versions}
    if hardware is not None:
        expected["Python"] = hardware.python_version
        # The library parts "#1" into "# 1", lest a website take it for a link.
        platform = re.sub(r"#(\d)", r"# \1", hardware.platform)
        if not system.get("OS", "").startswith(platform):
            yield contradiction(path, SYSTEM, f"OS: {system.get('OS', 'nothing')}", f"the journal has {platform}")
    if _kind(job.outcome.details.get("device")) == "cuda":
        expected["GPU Enabled"] = "True"
    for name, claim in expected.items():
        if system.get(name) != claim:
            yield contradiction(path, SYSTEM, f"{name}: {system.get(name, 'nothing')}", f"the journal has {claim}")


def _compare_device(job: Claims, saved: Saved) -> Iterator[Violation]:
    """The policy was on the recorded device; a user's own extractor may put its parts where it likes."""
    claim = _kind(job.outcome.details.get("device"))
    found = {_kind(place) for name, place in saved.model.locations.items() if EXTRACTORS not in name}
    if found - {claim}:
        yield contradiction(saved.path, POLICY, f"tensors of {', '.join(sorted(found))}", f"the journal has {claim}")


def _versions(job: Claims) -> Mapping[str, object]:
    versions = job.outcome.details.get("versions")
    return versions if isinstance(versions, dict) else {}


def _kind(device: object) -> str:
    return str(device).partition(":")[0]
