"""The commands and programs that the documents show are run as they stand."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from extractor_flow.cli import main
from pytest_extractor_flow.declared import pytest_addoption
from support import ROOT
from support.calling import Answer, call
from support.published import DOSES

COPIES = ("changelog.md", "contributing.md")
"""What `make docs` copies from the top for the site."""
PAGES = [
    page for page in sorted((ROOT / "docs").rglob("*.md")) if "samples" not in page.parts and page.name not in COPIES
]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *PAGES]
AS_IT_STANDS = "extractor-flow run first.yaml"
"""What is run as a newcomer runs it: by the installed command, with each job in a process of its own."""
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LEFT = {
    "dose_overlap.md": {"tmp/e/comparison.md": "| 1e+03 | dense | trained |", "tmp/e/figures/images_amplitude.png": ""}
}
"""What lies there after a document's commands, by its name: files, and what stands in their text."""
SET_UP = ("make", "pip", "git", "tox", "cd")
"""What a document tells a newcomer to do once; the test environment has been made that way."""
BUDGET = {
    "total_timesteps": 256,
    "eval_freq": 128,
    "save_freq": 128,
    "n_eval_episodes": 1,
    "final_eval_episodes": 1,
    "n_steps": 32,
    "doses": "[1e4]",
    "seeds": "[1, 2]",
}
"""What the documents' configs are cut down to: the commands are what is tested, and they still train for real."""


def blocks(language: str) -> list[tuple[Path, str]]:
    return [
        (document, text)
        for document in DOCUMENTS
        for kind, text in BLOCK.findall(document.read_text(encoding="utf-8"))
        if kind == language
    ]


def commands(document: Path) -> list[list[str]]:
    lines = [line for path, text in blocks("sh") if path == document for line in text.splitlines()]
    words = [shlex.split(line, comments=True) for line in lines]
    return [line for line in words if line and line[0] not in SET_UP]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A place with the files that the documents name, their configs on a small budget, and room for runs."""
    for name in ("configs", "scripts", "docs/samples"):
        shutil.copytree(ROOT / name, tmp_path / name)
    cut_down_the_configs(tmp_path)
    return tmp_path


def cut_down_the_configs(directory: Path) -> None:
    for config in (*directory.glob("*.yaml"), *(directory / "configs").rglob("*.yaml")):
        config.write_text(on_a_small_budget(config.read_text(encoding="utf-8")), encoding="utf-8")


def on_a_small_budget(config: str) -> str:
    cut = re.sub(
        rf"(?m)^( +)({'|'.join(BUDGET)}): .*$", lambda found: f"{found[1]}{found[2]}: {BUDGET[found[2]]}", config
    )
    data = yaml.safe_load(cut)
    if data.get("flow") != DOSES["flow"]:
        return cut
    small = {section: {**data.get(section, {}), **DOSES[section]} for section in ("simulation", "training", "solver")}
    return yaml.safe_dump({**data, **small})


@pytest.mark.train
@pytest.mark.parametrize("document", [path for path in DOCUMENTS if commands(path)], ids=lambda path: path.name)
def test_the_commands_work_in_the_order_shown(request, document, checkout):
    if not any("--deep" in words for words in commands(document)):
        request.getfixturevalue("undrawn")
    answers = {}
    for words in commands(document):
        answers[shlex.join(words)] = obeyed(words, checkout)
        cut_down_the_configs(checkout)

    assert {command: answer for command, answer in answers.items() if answer.code != 0} == {}
    left = LEFT.get(document.name, {}).items()
    assert [name for name, part in left if part.encode() not in (checkout / name).read_bytes()] == []


OURS = ("--flow", "--lane", "--require", "--evidence")


def plugin_options() -> set[str]:
    parser = pytest.Parser(_ispytest=True)
    pytest_addoption(parser)
    return {name for group in parser._groups for option in group.options for name in option.names()}


def obeyed(words: list[str], directory: Path) -> Answer:
    """What a command said; ours is obeyed here with its jobs, where the heavy libraries are loaded once."""
    program, *rest = words
    if program == "extractor-flow" and shlex.join(words) != AS_IT_STANDS:
        here = () if {"run", "study"}.isdisjoint(rest) else ("--executor", "serial")
        return call(main, *rest, *here, cwd=directory)
    start = sys.executable if program == "python" else str(Path(sys.executable).parent / program)
    done = subprocess.run([start, *rest], cwd=directory, capture_output=True, text=True, check=False)
    return Answer(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_commands_that_are_only_shown_are_ones_that_there_are(document):
    from extractor_flow.cli import parser

    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    shown = [text.replace("\\\n", " ") for path, text in blocks("console") if path == document]
    lines = [line for text in shown for line in text.splitlines() if line]
    for program, *words in [shlex.split(line, comments=True) for line in lines]:
        if program == "make":
            assert words[0] in targets
        elif Path(program).name == "pytest":
            assert {word.partition("=")[0] for word in words if word.startswith(OURS)} <= plugin_options()
        elif Path(program).name == "extractor-flow" and words[0] not in ("dose-overlap", "import"):
            parser().parse_args(words)  # exits where it would be refused


@pytest.mark.train
@pytest.mark.parametrize(("document", "program"), blocks("python"), ids=lambda value: getattr(value, "name", ""))
def test_the_programs_work(document, program, checkout):
    if "latest" in program:
        run = ("run", "configs/scenarios/multi_extractor_gpu.yaml", "--executor", "serial")
        assert call(main, *run, cwd=checkout).code == 0

    done = call(lambda _: exec(program, {"__name__": "shown"}), cwd=checkout)

    assert (done.code, done.err) == (None, "")


def test_the_config_shown_keeps_its_contract():
    from extractor_flow.contracts import violations

    shown = [yaml.safe_load(text) for _, text in blocks("yaml")]

    assert [violations(config, "run_config") for config in shown] == [[] for _ in shown]
    assert shown


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_to_a_file_leads_somewhere(document):
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text(encoding="utf-8"))

    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_every_public_name_is_there():
    from pkgutil import resolve_name

    text = (ROOT / "docs/library.md").read_text(encoding="utf-8")
    names = re.findall(r"`((?:pytest_)?extractor_flow(?:\.\w+)+)`", text.partition("## Read a run")[0])

    assert [
        name for name in names if resolve_name(f"{name.rpartition('.')[0]}:{name.rpartition('.')[2]}") is None
    ] == []
    assert len(names) > 30
