"""``--flow-reference DIR``: a run has to be as good as an earlier one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_extractor_flow.options import existing_run, ini_key
from pytest_extractor_flow.rootdir_trap import refuse_stray_root

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from extractor_flow.compare.reference import Judgement


def reference_of(config: pytest.Config) -> Path | None:
    """The directory of the reference, if the session has one; ``pytest.UsageError`` if it is no run directory."""
    given, key = config.option.flow_reference, config.getini("flow_reference")
    if given is None and not key:
        return None
    origin = f"{ini_key(config, 'flow_reference')}: {key}" if given is None else f"--flow-reference {given}"
    path: Path = config.rootpath / key if given is None else config.invocation_params.dir / given
    if given is not None:
        refuse_stray_root(config, origin, path)
        config.option.flow_reference = str(path)  # in which form xdist hands it to its workers
    return existing_run(path, origin)


def reference_for(item: pytest.Item) -> Path:
    """The reference of the nearest mark ``flow`` that names one, else the session's; without any the test fails."""
    named = next((mark.kwargs["reference"] for mark in item.iter_markers("flow") if "reference" in mark.kwargs), None)
    found = reference_of(item.config) if named is None else item.config.rootpath / named
    if found is None:
        msg = "no reference was named: mark the test with flow(..., reference='DIR'), or give --flow-reference DIR"
        pytest.fail(msg, pytrace=False)
    return found


def hold_reference(run: Path, study: Path | None, reference: Path) -> Sequence[Judgement]:
    """How *run*, which is of the config *study*, stands against *reference*; the test fails where it does not hold."""
    from extractor_flow.compare.reading import read_run
    from extractor_flow.compare.reference import judge
    from extractor_flow.config import read_config
    from extractor_flow.errors import HarnessError

    try:
        criterion = None if study is None else read_config(study).reference
        judgements = judge(read_run(run), read_run(reference), criterion)
    except HarnessError as error:
        pytest.fail(f"reference: {error}", pytrace=False)
    failing = [each for each in judgements if not each.passes]
    if failing:
        verdicts = " and ".join(dict.fromkeys(each.word for each in failing))
        lines = "\n".join(f"  {each}" for each in judgements)
        pytest.fail(f"reference: {verdicts}: {failing[0]}\n{reference}\n{lines}", pytrace=False)
    return judgements
