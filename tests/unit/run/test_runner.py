"""What a run needs before anything is started."""

from __future__ import annotations

import platform
from importlib.util import find_spec

import pytest

from extractor_flow.errors import RequestError
from extractor_flow.flows.extractor_comparison import ExtractorComparison
from extractor_flow.request import require_packages
from line_fit import flow as line_fit
from support import ROOT


class Distant(ExtractorComparison):
    """A flow that trains with something nobody has."""

    packages = ("json", "no_such_package", "nor_this_one")
    extra = "distant[everything]"


def test_a_flow_whose_packages_are_not_installed_is_refused_with_what_to_install():
    with pytest.raises(RequestError) as caught:
        require_packages(Distant())

    absent = "no_such_package, nor_this_one"
    do = "pip install 'distant[everything]'"
    assert str(caught.value) == f"the flow extractor_comparison trains with {absent}, not installed here; do: {do}"


class Near(Distant):
    """A flow that trains with something everybody has."""

    packages = ("json",)


def test_only_a_flow_whose_packages_are_missing_is_refused():
    def refused(flow):
        try:
            require_packages(flow)
        except RequestError:
            return True
        return False

    assert [refused(flow) for flow in (line_fit, Near(), Distant())] == [False, False, True]


CONFIGS = {"multi_extractor_default.yaml": "train", "smoke.yaml": "dose"}


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is installed")
@pytest.mark.parametrize(("name", "extra"), CONFIGS.items())
def test_the_light_install_says_what_to_add_and_starts_nothing(workbench, name, extra):
    (config,) = (ROOT / "configs").rglob(name)

    answer = workbench.call("run", config, "--output-root", workbench.path)

    assert (answer.code, list(workbench.path.iterdir())) == (2, [])
    assert answer.err.endswith(f"not installed here; do: pip install 'pytest-extractor-flow[{extra}]'\n")


@pytest.mark.parametrize(("system", "told"), [("Linux", 0), ("Darwin", 1)])
def test_a_memory_limit_that_the_system_does_not_enforce_is_said_so(workbench, monkeypatch, system, told):
    monkeypatch.setattr(platform, "system", lambda: system)
    config = workbench.config({"name": "a"}, memory_limit_mb=3000)

    answer = workbench.call("run", config, "--executor", "serial")

    warning = "Darwin does not enforce memory limits: no job is ended by its own"
    assert (answer.code, answer.err.count(warning)) == (0, told), answer
