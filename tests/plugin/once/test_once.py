"""What a test can rely on when it asks for a command by ``run_once``, seen from inside one process."""

import json
import os
import stat
import sys
from dataclasses import replace

import pytest

from pytest_extractor_flow.once.execution import Command, Execution, Once
from pytest_extractor_flow.once.session_directory import SessionDirectory


@pytest.fixture
def session(tmp_path):
    """A session's directory with its controller in this process."""
    directory = SessionDirectory(tmp_path / "extractor-flow-here")
    yield directory
    if directory.path.exists():
        directory.stop()
    directory.remove()


@pytest.fixture
def once(session):
    return Once(session.path)


def python(code, **more):
    return Command("command", (sys.executable, "-S", "-c", code), timeout=60, **more)


def test_the_outcome_tells_how_the_command_ended(once):
    execution = once.execute(python("print('said'); raise SystemExit(3)"))

    directory = execution.log.parent
    assert execution == Execution(
        name="command",
        status="failed",
        reason="exit status 3",
        returncode=3,
        seconds=execution.seconds,
        left_processes=False,
        output=directory / "output",
        log=directory / "log",
    )


def test_the_log_holds_both_streams(once):
    execution = once.execute(python("import sys; print('out', flush=True); print('err', file=sys.stderr)"))

    assert execution.log_tail() == "out\nerr"


def test_the_end_of_a_log_cannot_command_a_terminal(once):
    execution = once.execute(python(r"print('one\ntwo \x1b[2J three')"))

    assert execution.log_tail(1) == "two \\x1b[2J three"


def test_only_the_end_of_a_long_log_is_shown(once):
    execution = once.execute(python("print('\\n'.join(str(number) for number in range(100_000)))"))

    assert execution.log_tail(3) == "99997\n99998\n99999"


ENDS = {
    "status 0": ("raise SystemExit(0)", "ok", "exit status 0", 0),
    "status 77": ("raise SystemExit(77)", "skipped", "exit status 77", 77),
    "status 5": ("raise SystemExit(5)", "failed", "exit status 5", 5),
    "killed": ("import os; os.kill(os.getpid(), 9)", "crashed", "killed by SIGKILL", -9),
    "aborted": ("import os; os.abort()", "crashed", "killed by SIGABRT", -6),
}


@pytest.mark.parametrize(("code", "status", "reason", "returncode"), ENDS.values(), ids=ENDS)
def test_an_exit_status_is_read_by_the_caller_and_a_signal_is_a_crash(once, code, status, reason, returncode):
    execution = once.execute(python(code), lambda number: {0: "ok", 77: "skipped"}.get(number, "failed"))

    assert (execution.status, execution.reason, execution.returncode) == (status, reason, returncode)


def test_a_command_that_does_not_exist_counts_as_crashed_with_the_reason(once):
    execution = once.execute(Command("command", ("/nowhere/to/be/found",), timeout=60))

    assert (execution.status, execution.returncode) == ("crashed", None)
    assert "No such file or directory: '/nowhere/to/be/found'" in execution.reason


def test_a_second_caller_gets_the_first_ones_outcome_whatever_it_would_have_read(once, session):
    first = once.execute(python("raise SystemExit(3)"))

    second = Once(session.path).execute(python("raise SystemExit(3)"), lambda _: "ok")

    assert second == first


@pytest.mark.parametrize(
    "change",
    [{"argv": ("true",)}, {"cwd": "elsewhere"}, {"environment": {"SEED": "1"}}],
    ids=["argv", "cwd", "environment"],
)
def test_another_command_under_the_same_name_is_refused(once, tmp_path, change):
    command = python("")
    once.execute(command)

    with pytest.raises(ValueError, match="another command ran under this name"):
        once.execute(replace(command, **change))


def test_names_that_look_alike_are_different_commands(once):
    statuses = [
        once.execute(replace(python(f"raise SystemExit({number})"), name=name)).returncode
        for number, name in enumerate(("a/b", "a-b", "a b"))
    ]

    assert statuses == [0, 1, 2]


def test_the_command_does_not_see_which_worker_started_it(once, monkeypatch):
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw7")
    code = "import json, os; print(json.dumps([name for name in os.environ if name.startswith('PYTEST_')]))"

    execution = once.execute(python(code))

    assert not {"PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST"} & set(json.loads(execution.log_tail()))


def test_the_command_runs_where_and_with_what_it_is_told(once, tmp_path):
    code = "import os; print(os.getcwd(), os.environ['SEED'])"

    execution = once.execute(python(code, cwd=tmp_path, environment={"SEED": "7"}))

    assert execution.log_tail() == f"{os.path.realpath(tmp_path)} 7"


def test_the_output_directory_is_known_before_the_command_runs(once):
    output = once.output("command")

    execution = once.execute(python(f"open({str(output / 'model')!r}, 'w')"))

    assert [path.name for path in execution.output.iterdir()] == ["model"]


def test_nothing_of_the_environment_is_written_down(once, monkeypatch, session):
    monkeypatch.setenv("A_SECRET", "do-not-tell")

    once.execute(python("", environment={"ANOTHER": "nor-this"}))

    texts = [path.read_bytes() for path in session.path.rglob("*") if path.is_file()]
    assert [text for text in texts if b"do-not-tell" in text or b"nor-this" in text] == []


def test_a_session_that_is_to_stop_starts_no_command(once, session):
    session.ask_to_stop()

    execution = once.execute(python("open('ran', 'w')"))

    assert (execution.status, execution.reason, session.executions()) == (
        "crashed",
        "no outcome: the session ended first",
        [],
    )


def test_the_first_reader_of_a_bad_outcome_stays_the_one_that_tells_it(once):
    once.execute(python("raise SystemExit(1)"))

    claims = [once.claim_report("command", reader) for reader in ("a", "b", "a")]

    assert claims == [True, False, True]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write where it is forbidden")
def test_what_the_command_made_read_only_is_removed_too(once, session):
    output = once.output("command")
    code = f"import os; os.makedirs({str(output / 'deep')!r}); open({str(output / 'deep' / 'file')!r}, 'w')"
    once.execute(python(f"{code}; os.chmod({str(output / 'deep')!r}, 0o500)"))

    session.remove()

    assert not session.path.exists()


def test_another_users_or_a_living_sessions_directory_is_not_swept(session, tmp_path):
    (tmp_path / "extractor-flow-unguarded").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "alive").touch()
    (tmp_path / "elsewhere" / "locked").mkdir(mode=0o500)
    (tmp_path / "extractor-flow-link").symlink_to(tmp_path / "elsewhere")

    other = SessionDirectory(tmp_path / "extractor-flow-other")
    other.remove()

    kept = [tmp_path / "extractor-flow-unguarded", session.path / "alive", tmp_path / "elsewhere" / "alive"]
    assert [path.exists() for path in kept] == [True, True, True]
    assert stat.S_IMODE((tmp_path / "elsewhere" / "locked").stat().st_mode) == 0o500
