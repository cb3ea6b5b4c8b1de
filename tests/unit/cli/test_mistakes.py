"""A slip of the hand is answered in one line that says what would do."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import yaml

from extractor_flow.cli import main
from support import ROOT

CONFIG = """
run: {seeds: [1, 2], total_timesteps: 64}
extractors: [{name: mlp, preset: mlp_small}]
"""
STUDY = (ROOT / "configs/dose_overlap/smoke.yaml").read_text(encoding="utf-8").replace("flow: dose_overlap\n", "")
MISTAKES = {
    "a file to resume": (["run", "--resume", "study.yaml"], "study.yaml: not a run directory: it is no directory"),
    "a config of another ending": (["run", "study.yml"], "did you mean study.yaml?"),
    "a config of no name that is near": (["run", "gone.yaml"], "gone.yaml: cannot be read: No such file or directory"),
    "a device by its common name": (["run", "gpu.yaml"], "gpu.yaml:2: run.device: is 'gpu'; * did you mean 'cuda'?"),
    "a name that is a place": (["run", "study.yaml", "--run-id", "a/b", "--dry-run"], "the run id 'a/b' names a place"),
    "a name without a letter": (
        ["run", "dash.yaml"],
        "dash.yaml:3: extractors[[]0].name: is '---'; expected *a letter",
    ),
    "a part of a name": (["run", "study.yaml", "--only", "ml", "--dry-run"], "there are: mlp; did you mean 'ml[*]'?"),
    "a name of dots": (
        ["run", "study.yaml", "--run-id", "..", "--dry-run"],
        "the run id '..' has no letter and no digit",
    ),
    "a command misspelt": (["verfy", "x"], "there is no 'verfy'; did you mean 'verify'?"),
    "an option where a command stands": (["--verson"], "there is no '--verson'; did you mean '--version'?"),
    "a place that is not there": (
        ["init", "extractor_comparison", "no/x.yaml"],
        "no/x.yaml: there is no directory no;",
    ),
    "no run to compare with": (["compare", "gone", "gone"], "gone: not a run directory: there is no such directory"),
    "no check of that name": (
        ["explain", "zzz"],
        "explain 'zzz': there is no such check; `extractor-flow checks` lists",
    ),
    "a setting of no executor": (
        ["run", "study.yaml", "--executor-option", "x"],
        "--executor-option 'x': this executor has no settings",
    ),
    "a config that names no flow": (["run", "dose.yaml"], "dose.yaml: names no flow, and is a config of dose_overlap"),
}


@pytest.mark.parametrize(("words", "answer"), MISTAKES.values(), ids=MISTAKES)
def test_it_is_told_in_one_line_and_nothing_starts(words, answer, tmp_path, monkeypatch, capsys):
    from fnmatch import fnmatchcase

    monkeypatch.chdir(tmp_path)
    configs = {
        "study.yaml": CONFIG,
        "gpu.yaml": CONFIG.replace("{seeds", "{device: gpu, seeds"),
        "dash.yaml": CONFIG.replace("name: mlp,", "name: '---',"),
        "dose.yaml": STUDY,
    }
    for name, text in configs.items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    code, told = main(words), capsys.readouterr().err

    assert (code, told.count("\n"), sorted(path.name for path in tmp_path.iterdir())) == (2, 1, sorted(configs))
    assert fnmatchcase(told, f"*{answer}*")
    assert ("did you mean" in told) == ("did you mean" in answer)


@pytest.mark.parametrize(
    ("words", "usage", "answer"),
    [
        (["verify", "--nonsense", "x"], "verify", "unrecognized arguments: --nonsense"),
        (["gate", "merge", "x", "--nonsense"], "gate merge", "unrecognized arguments: --nonsense"),
        (["verify", "x", "--budget", "0"], "verify", "'0' is not a number above 0 and up to 1000"),
        (["verify", "x", "--trust", "thing"], "verify", "'thing' is not MODULE:NAME"),
        (["run", "study.yaml", "--seeds", "3"], "run", "unrecognized arguments: --seeds 3; did you mean --seed?"),
        (["run", "study.yaml", "--output-root", ""], "run", "argument --output-root: it names nothing"),
        (["run", "study.yaml", "--seed", "-1"], "run", "'-1' is not a whole number of at least 0"),
    ],
)
def test_a_wrong_option_is_answered_with_its_own_commands_usage(words, usage, answer, capsys):
    with pytest.raises(SystemExit):
        main(words)
    told = capsys.readouterr().err
    assert (told.startswith(f"usage: extractor-flow {usage} [-h]"), answer in told) == (True, True), told


def test_runs_are_found_where_they_go_unless_told_otherwise(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.yaml").write_text(CONFIG, encoding="utf-8")
    main(["run", "study.yaml", "--dry-run", "-q"])

    assert main(["list"]) == 0
    assert capsys.readouterr().out.startswith("tmp/multi_extractor_training/2")


def test_a_bare_command_shows_its_help(capsys):
    assert main([]) == 2
    assert "COMMAND" in capsys.readouterr().out


def test_resuming_with_another_setting_names_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.yaml").write_text(CONFIG, encoding="utf-8")
    main(["run", "study.yaml", "--output-root", "runs", "--dry-run"])
    run = next((tmp_path / "runs").glob("*-study"))

    assert main(["run", "study.yaml", "--resume", str(run), "--seed", "99", "--dry-run"]) == 2
    assert "run.seeds is [1, 2] there and [99] here; resume with the same ones" in capsys.readouterr().err


def test_what_a_config_names_is_made_once_before_anything_starts(tmp_path, monkeypatch, capsys):
    pytest.importorskip("stable_baselines3")
    monkeypatch.chdir(tmp_path)
    extractors = [
        {"name": "falls", "class": "falls:Thing"},
        {"name": "sound", "preset": "mlp_small"},
        {"name": "nowhere", "class": "no_such:Thing"},
        {"name": "again", "class": "no_such:Thing"},
    ]
    text = yaml.safe_dump({"run": {"seeds": [1, 2], "total_timesteps": 64}, "extractors": extractors})
    (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "falls.py").write_text("import os\n\nos._exit(7)\n", encoding="utf-8")

    code, told = main(["run", "study.yaml", "--output-root", "runs"]), capsys.readouterr().err

    assert (code, (tmp_path / "runs").exists()) == (2, False)
    absent = f"class is 'no_such:Thing': there is no module 'no_such', also not in {tmp_path}"
    assert told.splitlines() == [
        "extractor-flow: study.yaml: falls: making it once ended the process: exit code 7",
        f"study.yaml: nowhere, again: {absent}",
    ]


def test_a_script_that_starts_a_run_wherever_it_is_imported_is_told_what_would_do(workbench):
    pytest.importorskip("stable_baselines3")
    (workbench.path / "study.yaml").write_text(CONFIG, encoding="utf-8")
    script = workbench.path / "script.py"
    script.write_text(
        "import sys\nfrom extractor_flow.cli import main\n"
        "sys.exit(main(['run', 'study.yaml', '--start-method', 'spawn', '--output-root', 'runs']))\n",
        encoding="utf-8",
    )

    answer = subprocess.run([sys.executable, script], cwd=workbench.path, capture_output=True, text=True, check=False)

    assert (answer.returncode, (workbench.path / "runs").exists()) == (2, False)
    advice = 'a run is started below: if __name__ == "__main__":'
    assert answer.stderr.splitlines() == [
        f"extractor-flow: each process of a job imports the script that started it; {advice}",
        "extractor-flow: no process can be started for a job: the first one ended at once, with exit code 2",
    ]


def test_what_a_config_names_may_be_absent_where_it_is_submitted(workbench, monkeypatch):
    """A cluster's login node need not have what the nodes have."""
    pytest.importorskip("stable_baselines3")
    sbatch = workbench.path / "bin" / "sbatch"
    sbatch.parent.mkdir()
    sbatch.write_text("#!/bin/sh\necho 7\n", encoding="utf-8")
    sbatch.chmod(0o755)
    monkeypatch.setenv("PATH", str(sbatch.parent), prepend=os.pathsep)
    text = yaml.safe_dump({"run": {"total_timesteps": 64}, "extractors": [{"name": "mlp", "class": "no_such:Thing"}]})
    (workbench.path / "study.yaml").write_text(text, encoding="utf-8")

    answer = workbench.call("run", "study.yaml", "--output-root", "runs", "--executor", "slurm")

    assert (answer.code, "Slurm has 1 jobs" in answer.out) == (0, True), answer


def test_a_quiet_run_still_says_what_failed(workbench):
    answer = workbench.call("run", workbench.config({"name": "good"}, {"name": "bad", "fault": "raise"}), "-q")

    assert (answer.code, answer.out, answer.err.count("\n")) == (1, "", 1)
    assert answer.err.startswith("failed: bad seed 0: ")
