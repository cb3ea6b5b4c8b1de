"""A conformance suite for flows: whoever writes one calls :func:`check_flow` in a test of their own.

    def test_my_flow_conforms(tmp_path):
        check_flow(flow, Path("configs/tiny.yaml"), tmp_path)

The flow has to be installed under its entry point, as for any run, and the config to span two jobs or more, one of
which this machine can train in reasonable time: it is trained five times.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from extractor_flow.config import ConfigDocument, read_config
from extractor_flow.registry import DEFAULT_FLOW, GROUP, find_flow
from extractor_flow.testing.comparing import check_comparison
from extractor_flow.testing.findings import ConformanceError, Finding, Findings
from extractor_flow.testing.studying import check_complaints, check_jobs, check_members, check_study
from extractor_flow.testing.training import Sandbox, cheapest, check_failures, check_light, train_twice

if TYPE_CHECKING:
    from extractor_flow.study.flow import Flow, Study

__all__ = ["ConformanceError", "Finding", "check_flow"]


def check_flow(
    flow: Flow,
    config: str | Path,
    tmp_path: Path,
    *,
    light: bool = True,
    timeout: float = 600,
) -> None:
    """Check *flow* with *config*, a file or the text of one, against everything the harness relies on.

    Its members, its study (deterministic; the same from its own settings), its jobs, its complaints about unknown keys,
    and unless *light* is false that it loads no deep-learning package before it runs. Then its cheapest job, and those
    of the same name, are trained by the command, in two runs: both must verify and measure the same, and the artifacts
    that its contract calls reproducible must be equal byte for byte. Disturbed in the middle, the job must be recorded
    as failed. Last, its comparison must be pure, independent of the order of records, fit for the contracts, and free
    of invented numbers. *timeout* limits each process, in seconds. Everything is written below *tmp_path*.

    :class:`ConformanceError` lists every finding; what needs an earlier part to be sound is left out where it is not.
    """
    found = Findings()
    document = _document(config, tmp_path)
    ground = Sandbox(document.path, tmp_path / "conformance", timeout)
    check_members(flow, found)
    if not found.all:
        _check_before_training(flow, document, ground, found, light=light)
    if not found.all:
        _check_training(flow, document, ground, found)
    if found.all:
        raise ConformanceError(str(getattr(flow, "name", flow)), found.all)


def _document(config: str | Path, tmp_path: Path) -> ConfigDocument:
    if isinstance(config, Path) or ("\n" not in config and config.endswith((".yaml", ".yml"))):
        return read_config(Path(config))
    path = tmp_path / "conformance.yaml"
    path.write_text(config, encoding="utf-8")
    return read_config(path)


def _check_before_training(
    flow: Flow, document: ConfigDocument, ground: Sandbox, found: Findings, *, light: bool
) -> None:
    study = check_study(flow, document, found)
    if study is not None:
        check_jobs(flow, study, found)
    check_complaints(flow, document, found)
    named = document.data.get("flow", DEFAULT_FLOW)
    found.require(named == flow.name, "config", f"the config's flow is {named!r}; expected {flow.name!r}")
    installed = found.attempt(
        "installed", f"looking for {flow.name!r} in the group {GROUP}", lambda: find_flow(flow.name)
    )
    if installed is None:
        return
    own = type(installed) is type(flow)
    found.require(own, "installed", f"under the name {flow.name!r} another flow is installed: {installed!r}")
    if light:
        check_light(flow, ground, found)


def _check_training(flow: Flow, document: ConfigDocument, ground: Sandbox, found: Findings) -> None:
    study: Study = flow.study(document, {"output_root": str(ground.place / "first"), "run_id": "conformance"})
    job = cheapest(flow, study, found)
    if job is None:
        return
    run = train_twice(flow.contract, job, ground, found)
    if run is None:
        return
    check_failures(job, run, ground, found)
    check_comparison(flow, study, run.records(), found)
