"""Hardware markers: a missing capability is a skip that names its probe, or an error before anything runs."""

import json
import sys
from pathlib import Path

import pytest

from pytest_extractor_flow.capabilities import Capabilities

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="says what the probes find on Linux")
HIDDEN = "CUDA_VISIBLE_DEVICES='' hides every GPU"
TESTS = """
import pytest

@pytest.fixture(scope="session")
def trained():
    open("trained", "w").close()

@pytest.mark.cuda
def test_gpu(trained): pass

@pytest.mark.macos_spawn
class TestMac:
    def test_mac(self, trained): pass

@pytest.mark.spawn
def test_spawn(): pass

def test_plain(): pass
"""


@pytest.fixture
def machine(pytester, monkeypatch, without_slurm):
    """A project on a machine without a visible GPU and without Slurm."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    pytester.makepyfile(test_hardware=TESTS)
    return pytester


@ON_LINUX
def test_a_missing_capability_is_a_skip_at_the_test_that_names_the_probe(machine):
    result = machine.runpytest_subprocess("-rs")

    result.assert_outcomes(passed=2, skipped=2)
    result.stdout.fnmatch_lines(
        [
            f"SKIPPED [[]1[]] test_hardware.py:7: cuda: {HIDDEN}",
            "SKIPPED [[]1[]] test_hardware.py:12: macos_spawn: platform.system() is 'Linux', not 'Darwin'; *",
        ]
    )


@ON_LINUX
def test_no_fixture_is_set_up_for_a_skipped_test(machine):
    machine.runpytest_subprocess("-m", "cuda or macos_spawn")

    assert not (machine.path / "trained").exists()


@ON_LINUX
@pytest.mark.parametrize("chosen", ["spawn", "fork"])
def test_the_spawn_start_method_does_not_make_macos(machine, chosen):
    machine.makeconftest(f"import multiprocessing\nmultiprocessing.set_start_method({chosen!r})")

    result = machine.runpytest_subprocess("-m", "macos_spawn")

    result.assert_outcomes(skipped=1, deselected=3)


@pytest.mark.parametrize(
    ("expression", "understood"),
    [
        ("macos-spawn", "macos_spawn"),
        ("not macos-spawn and not cuda", "not macos_spawn and not cuda"),
        ("cuda or(macos-spawn)", "cuda or(macos_spawn)"),
        ("not-macos-spawn", "not-macos-spawn"),
        ("flow(name='macos-spawn')", "flow(name='macos-spawn')"),
    ],
)
def test_a_marker_may_be_spelled_with_hyphens_and_quoted_text_is_left_alone(expression, understood):
    assert Capabilities(()).with_underscores(expression) == understood


def test_a_marker_is_selected_with_hyphens_in_a_worker_too(machine):
    result = machine.runpytest_subprocess("-m", "spawn or macos-spawn and not cuda", "-n1", "-v")

    assert {line.split()[-1].rpartition("::")[2] for line in result.outlines if line.startswith("[gw0]")} == {
        "test_spawn",
        "test_mac",
    }


@pytest.mark.parametrize(
    ("arguments", "variable", "ini"),
    [
        (["--require-hardware", "spawn,cuda"], "", ""),
        (["-n1", "--require-hardware=cuda"], "", ""),
        ([], "cuda", ""),
        ([], "", "cuda"),
        (["--require-hardware=spawn"], "cuda", "spawn"),
    ],
    ids=["option", "workers", "environment", "ini", "all three"],
)
def test_required_hardware_that_is_missing_stops_the_session_before_anything_runs(
    machine, monkeypatch, arguments, variable, ini
):
    monkeypatch.setenv("EXTRACTOR_FLOW_REQUIRE_HARDWARE", variable)
    machine.makeini(f"[pytest]\nrequire_hardware = {ini}")

    result = machine.runpytest_subprocess(*arguments)

    assert (result.ret, (machine.path / "trained").exists()) == (pytest.ExitCode.USAGE_ERROR, False)
    result.stderr.fnmatch_lines(["*required hardware is missing, nothing was run:", f"  cuda: {HIDDEN}"])


def test_required_hardware_that_is_there_lets_the_session_run(machine):
    result = machine.runpytest_subprocess("--require-hardware=spawn", "-m", "spawn")

    result.assert_outcomes(passed=1, deselected=3)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("GPU", "  GPU: no such capability; known are cuda, macos_spawn, spawn, slurm; did you mean cuda?"),
        ("", "ERROR: --require-hardware names nothing: *"),
    ],
)
def test_a_promise_of_what_nobody_knows_or_of_nothing_is_refused(machine, given, told):
    result = machine.runpytest_subprocess(f"--require-hardware={given}")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([told])


@ON_LINUX
def test_macos_spawn_cannot_be_required_elsewhere_however_it_is_spelled(machine):
    result = machine.runpytest_subprocess("--require-hardware=macos-spawn")

    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_help_is_there_whatever_hardware_is_required(machine, monkeypatch):
    monkeypatch.setenv("EXTRACTOR_FLOW_REQUIRE_HARDWARE", "cuda")

    assert machine.runpytest_subprocess("--help").ret == pytest.ExitCode.OK


def test_the_markers_are_registered_with_what_they_mean(machine):
    result = machine.runpytest_subprocess("--markers")

    result.stdout.fnmatch_lines(
        [
            f"@pytest.mark.{name}*"
            for name in (
                "cuda:",
                "macos_spawn:",
                "spawn:",
                "slurm:",
                "flow(config, ..., allow_failures=False, reference=None):",
            )
        ]
    )


def test_slurm_is_there_when_sbatch_is_on_the_path(machine, monkeypatch):
    machine.makepyfile(test_slurm="import pytest\n@pytest.mark.slurm\ndef test_it(): pass")
    (machine.path / "sbatch").write_text("#!/bin/sh\n", encoding="utf-8")
    (machine.path / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    without = machine.runpytest_subprocess("-m", "slurm")

    monkeypatch.setenv("PATH", str(machine.path), prepend=":")
    with_sbatch = machine.runpytest_subprocess("-m", "slurm")

    assert [result.parseoutcomes() for result in (without, with_sbatch)] == [
        {"skipped": 1, "deselected": 4},
        {"passed": 1, "deselected": 4},
    ]


def test_a_further_capability_is_a_marker_a_skip_and_a_requirement(machine):
    machine.makeconftest(
        "from pytest_extractor_flow.capabilities import Capability\n"
        "def pytest_extractor_flow_capabilities():\n"
        "    return {'big_disk': lambda: Capability(available=False, reason='3 GB free, 100 needed')}\n"
    )
    machine.makepyfile(test_disk="import pytest\n@pytest.mark.big_disk\ndef test_it(): pass")

    skipped = machine.runpytest_subprocess("--strict-markers", "-rs", "-m", "big-disk")
    required = machine.runpytest_subprocess("--require-hardware=big_disk")

    skipped.assert_outcomes(skipped=1, deselected=4)
    skipped.stdout.fnmatch_lines(["SKIPPED * test_disk.py:2: big_disk: 3 GB free, 100 needed"])
    required.stderr.fnmatch_lines(["  big_disk: 3 GB free, 100 needed"])


ANSWERS = {
    "no mapping": (["big_disk"], "pytest_extractor_flow_capabilities gave .'big_disk'.; expected a dict of marker"),
    "no function": ({"big_disk": True}, "pytest_extractor_flow_capabilities gave {'big_disk': True}; expected a"),
    "a hyphen": ({"big-disk": lambda: 1}, "the capability 'big-disk' cannot be a marker's name; write it with"),
    "no capability": (
        {"big_disk": lambda: 1},
        "the probe of the capability 'big_disk' answered 1; expected a",
    ),
    "an error": ({"big_disk": lambda: 1 / 0}, "the probe of the capability 'big_disk' failed: ZeroDivisionError: "),
    "another's": ({"macos_spawn": lambda: 1}, "the capability 'macos_spawn' exists already"),
}


@pytest.mark.parametrize(("answer", "complaint"), ANSWERS.values(), ids=ANSWERS)
def test_what_a_plugin_answers_wrongly_is_a_usage_error(answer, complaint):
    with pytest.raises(pytest.UsageError, match=complaint):
        Capabilities([answer])["big_disk"]


def test_nobody_answers_for_a_capability_in_the_plugins_place(machine):
    machine.makeconftest(
        "from pytest_extractor_flow.capabilities import Capability\n"
        "def pytest_extractor_flow_capabilities():\n"
        "    return {'macos_spawn': lambda: Capability(available=True, reason='trust me')}\n"
    )

    result = machine.runpytest_subprocess()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*the capability 'macos_spawn' exists already*"])


def test_looking_for_a_gpu_initialises_nothing(machine, cold_session, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    machine.makeconftest(
        "import json, sys\n"
        "def pytest_sessionfinish():\n"
        "    libraries = open('/proc/self/maps').read() if sys.platform == 'linux' else ''\n"
        "    found = [name for name in ('torch', 'numpy') if name in sys.modules]\n"
        "    found += [name for name in ('libcuda.so',) if name in libraries]\n"
        "    open('found.json', 'w').write(json.dumps(found))\n"
    )

    cold_session("-m", "cuda")

    assert json.loads((machine.path / "found.json").read_text(encoding="utf-8")) == []
