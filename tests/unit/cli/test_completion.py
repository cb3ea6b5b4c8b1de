"""The shell completes commands, options, choices and places by the script that the command prints."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from extractor_flow.cli import main

ASKED = {
    "extractor-flow ver": "verify",
    "extractor-flow run --re": "--resume --require --result",
    "extractor-flow gate me": "merge",
    "extractor-flow verify --format ju": "junit",
    "extractor-flow verify tmp/ru": "tmp/runs",
}


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_commands_options_choices_and_places(tmp_path, capsys):
    (tmp_path / "tmp" / "runs").mkdir(parents=True)
    assert main(["completion", "bash"]) == 0
    script = [capsys.readouterr().out]
    for words in ASKED:
        script.append(f"COMP_WORDS=({words}); COMP_CWORD={len(words.split()) - 1}; COMPREPLY=()")
        script.append("_shtab_extractor_flow; echo ${COMPREPLY[@]}")

    done = subprocess.run(["bash"], input="\n".join(script), cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout.splitlines()) == (0, list(ASKED.values())), done.stderr


@pytest.mark.parametrize("shell", ["zsh", "tcsh"])
def test_other_shells_have_a_script_too(shell, capsys):
    assert (main(["completion", shell]), "extractor-flow" in capsys.readouterr().out) == (0, True)
