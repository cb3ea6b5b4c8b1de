"""What a run needs before anything is started."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from harness.errors import RequestError
from harness.flows.extractor_comparison import ExtractorComparison
from harness.runner import require_packages
from harness.testing.line_fit import flow as line_fit


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


def test_a_flow_that_names_no_packages_needs_none():
    require_packages(line_fit)


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is installed")
@pytest.mark.parametrize(("flow", "extra"), [("extractor_comparison", "train"), ("dose_overlap", "dose")])
def test_the_light_install_says_what_to_add_and_starts_nothing(workbench, flow, extra):
    config = workbench.path / "study.yaml"
    config.write_text(f"flow: {flow}\n", encoding="utf-8")

    answer = workbench.run("run", config)

    assert (answer.code, list(workbench.path.iterdir())) == (2, [config])
    assert answer.err.endswith(f"not installed here; do: pip install 'pytest-extractor-flow[{extra}]'\n")
