"""What a flow's jobs leave, stated once: files by role, metrics, details.

The core holds a job to it when the job ends, writes into ``run.json`` which version of it was in force, and uses it to
show, verify and train again. What a later version adds says since when, so that an older run is not missing it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from extractor_flow.errors import ResultError
from extractor_flow.study.records import Completed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from extractor_flow.files import Json
    from extractor_flow.study.records import JobRecord


REPEATABILITY = "repeatability"
"""The detail in which a job says, with ``repeats`` false, that what it measures comes out otherwise each time."""


@dataclass(frozen=True)
class Metric:
    """How a number is shown: its heading, its unit, and the decimals it is rounded to in Markdown."""

    title: str
    unit: str = ""
    decimals: int = 2


@dataclass(frozen=True, kw_only=True)
class Declared:
    """Whether every completed job has it, and since which version of the contract."""

    required: bool = True
    since: int = 1


@dataclass(frozen=True)
class MetricSpec(Declared, Metric):
    """One metric of a job.

    ``described`` metrics are described over the seeds, and ``compared`` ones with the baseline's, by the flow's
    comparison.
    """

    larger_is_better: bool = field(default=True, kw_only=True)
    described: bool = field(default=False, kw_only=True)
    compared: bool = field(default=False, kw_only=True)


@dataclass(frozen=True)
class ArtifactSpec(Declared):
    """One file, or one family of files: *path* is relative to the job's directory.

    A ``*`` in it stands for a part of a name. Where the role has one too, as in ``checkpoint_*``, both stand for the
    same text. A ``reproducible`` file is equal byte for byte whenever the same packages train the job on the same
    processor. A ``small`` one is kept in every slim copy of a run, however low its limit is.
    """

    path: str
    reproducible: bool = field(default=False, kw_only=True)
    small: bool = field(default=False, kw_only=True)

    def fits(self, pattern: str, role: str, path: str) -> bool:
        """Whether a file of *role* at *path* is one of those that *pattern* and this declaration mean."""
        named = re.fullmatch(_regex(pattern), role)
        wanted = self.path.replace("*", named[1]) if named and "*" in pattern else self.path
        return named is not None and re.fullmatch(_regex(wanted), path) is not None


@dataclass(frozen=True)
class Detail(Declared):
    """One member of a job's details; a ``reproducible`` one is equal whenever a file can be that is."""

    reproducible: bool = field(default=False, kw_only=True)


class Breach(NamedTuple):
    """One place where a result is not as declared: the member, what was found there, and what is declared."""

    member: str
    found: str
    declared: str


@dataclass(frozen=True)
class JobContract:
    """What completed jobs of a flow leave, as of *version*: artifacts by role, metrics and details by name."""

    artifacts: Mapping[str, ArtifactSpec]
    metrics: Mapping[str, MetricSpec]
    details: Mapping[str, Detail] = field(default_factory=dict)
    version: int = 1

    @property
    def paths(self) -> dict[str, str]:
        """The one path of each role that has one, relative to the job's directory."""
        return {role: spec.path for role, spec in self.artifacts.items() if "*" not in role + spec.path}

    def reproducible(self, roles: Iterable[str]) -> tuple[str, ...]:
        """Those of *roles* whose files are equal byte for byte when a job is trained again."""
        return _matching(roles, [role for role, spec in self.artifacts.items() if spec.reproducible])

    def small(self, roles: Iterable[str]) -> tuple[str, ...]:
        """Those of *roles* whose files are kept in every slim copy."""
        return _matching(roles, [role for role, spec in self.artifacts.items() if spec.small])

    @property
    def described(self) -> tuple[str, ...]:
        """The metrics to describe over the seeds, in the order of their declaration."""
        return tuple(name for name, spec in self.metrics.items() if spec.described)

    def to_json(self) -> dict[str, Json]:
        """What ``run.json`` keeps of it."""
        return {"version": self.version, "metrics": [*sorted(self.metrics)]}

    def younger_metrics(self, version: int) -> frozenset[str]:
        """The metrics that were declared after *version*: a run of that version has none of them."""
        return frozenset(name for name, spec in self.metrics.items() if spec.since > version)

    def require(self, metrics: Iterable[str], artifacts: Mapping[str, str], details: Iterable[str]) -> None:
        """Raise :class:`ResultError`, with all that is wrong, unless the result of a job is as declared."""
        breaches = list(self.breaches(metrics, artifacts, details))
        if breaches:
            complaints = (f"{each.member}: found {each.found}; {each.declared}" for each in breaches)
            msg = f"the job left something else than its flow declares: {' | '.join(complaints)}"
            raise ResultError(msg)

    def breaches(
        self,
        metrics: Iterable[str],
        artifacts: Mapping[str, str],
        details: Iterable[str],
        *,
        version: int | None = None,
    ) -> Iterator[Breach]:
        """Where a result is not as declared; nothing is missed in it that was declared after *version*."""
        made = self.version if version is None else version
        yield from _names("metrics", self.metrics, set(metrics), made)
        yield from _names("details", self.details, set(details), made)
        yield from self._files(artifacts, made)

    def _files(self, artifacts: Mapping[str, str], made: int) -> Iterator[Breach]:
        for role, path in sorted(artifacts.items()):
            if not any(spec.fits(pattern, role, path) for pattern, spec in self.artifacts.items()):
                paths = [spec.path for pattern, spec in self.artifacts.items() if re.fullmatch(_regex(pattern), role)]
                declared = f"{' or '.join(paths)} is declared" if paths else f"declared are {', '.join(self.artifacts)}"
                yield Breach(f"artifacts.{role}", path, declared)
        for pattern, spec in self.artifacts.items():
            missing = not any(re.fullmatch(_regex(pattern), role) for role in artifacts)
            if spec.required and spec.since <= made and missing:
                yield Breach(f"artifacts.{pattern}", "nothing", f"{spec.path} is declared")


def small_artifacts(contract: JobContract, records: Iterable[JobRecord]) -> frozenset[str]:
    """The paths of the files in *records* that every slim copy keeps, relative to the run directory."""
    artifacts = [record.outcome.artifacts for record in records if isinstance(record.outcome, Completed)]
    return frozenset(files[role].path for files in artifacts for role in contract.small(files))


def _names(kind: str, declared: Mapping[str, Declared], found: set[str], made: int) -> Iterator[Breach]:
    for name in sorted(found - declared.keys()):
        yield Breach(f"{kind}.{name}", "it", f"declared are {', '.join(declared) or 'none'}")
    for name, spec in declared.items():
        if spec.required and spec.since <= made and name not in found:
            yield Breach(f"{kind}.{name}", "nothing", "it is declared as one that every job has")


def _matching(roles: Iterable[str], patterns: Iterable[str]) -> tuple[str, ...]:
    wanted = [re.compile(_regex(pattern)) for pattern in patterns]
    return tuple(role for role in roles if any(pattern.fullmatch(role) for pattern in wanted))


def _regex(pattern: str) -> str:
    return "([^/]+)".join(map(re.escape, pattern.split("*")))
