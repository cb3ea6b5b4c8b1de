"""The documented hooks exist under the plugin's names, and a misspelled one is noticed."""

import pytest

HOOKS = """
def pytest_extractor_flow_capabilities():
    return {}

def pytest_extractor_flow_violations(run_directory, summary):
    return ["never good enough"]

def pytest_extractor_flow_before_cleanup(execution):
    pass
"""


def test_every_documented_hook_can_be_implemented(pytester):
    pytester.makeconftest(HOOKS)
    pytester.makepyfile("def test_it(): pass")

    pytester.runpytest_subprocess().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "wrong",
    ["def pytest_extractor_flow_violation(run_directory): pass", "def pytest_extractor_flow_violations(path): pass"],
    ids=["name", "argument"],
)
def test_a_hook_that_is_not_documented_is_an_error(pytester, wrong):
    pytester.makeconftest(wrong)

    assert pytester.runpytest_subprocess().ret != pytest.ExitCode.OK


def test_everybodys_violations_are_asked_for(pytester):
    pytester.makeconftest(HOOKS)
    pytester.makepyfile(
        "from pathlib import Path\n"
        "def test_it(pytestconfig):\n"
        "    hook = pytestconfig.hook.pytest_extractor_flow_violations\n"
        "    assert hook(run_directory=Path('.'), summary=None) == [['never good enough']]\n"
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=1)
