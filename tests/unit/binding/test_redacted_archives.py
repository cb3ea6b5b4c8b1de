"""What an archive tells outsiders is told; a redacted one tells less, says so, and is never verified."""

from __future__ import annotations

import pytest

from extractor_flow.contracts import violations
from extractor_flow.evidence.findings import Why
from extractor_flow.files import read_json
from extractor_flow.run.archive import archive
from extractor_flow.run.outgoing import Outgoing, text_of
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.verify import verify
from extractor_flow.verify.verdict import Conclusion

KNOWN = Outgoing(home="/home/amy", user="amy", host="lab-7")
KEY = "sk-" + "a1B2" * 8


@pytest.mark.parametrize(
    ("text", "told", "redacted"),
    [
        ('"/home/amy/x.yaml"', ["a home directory"], '"/home/USER/x.yaml"'),
        ('"/Users/bob"', ["a home directory"], '"/home/USER"'),
        (" amy@lab-7.org", ["a user's name", "the host's name"], " USER@HOST.org"),
        ("/data/amy/x", ["a user's name"], "/data/USER/x"),
        ("events.out.tfevents.17.lab-7.9.0", ["the host's name"], "events.out.tfevents.17.HOST.9.0"),
        (f"KeyError: {KEY}", ["what looks like a secret"], "KeyError: REDACTED"),
        ("https://x.org/?token=abcdef&a=1", ["what looks like a secret"], "https://x.org/?token=REDACTED"),
        ('"/data/set/a.npz"', ["an absolute path"], '"/data/set/a.npz"'),
        ("amy, lab-70, relab-7, famy, tokens, home", [], "amy, lab-70, relab-7, famy, tokens, home"),
    ],
)
def test_what_a_text_tells_is_named_and_replaced_and_nothing_else(text, told, redacted):
    assert (list(KNOWN.revealed_in(text)), KNOWN.redacted(text)) == (told, redacted)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("of.npz", b"\x93NUMPY\x01\x00/home/amy/x.npz\x00\xff", ["a home directory"]),
        ("of.png", b"\x89PNG\r\n\x1a\n\xe4\xb1'/\xe9t/\xfcr\x00\x85 /a/b\xff\x00 /k/9\xb5", []),
        ("of.json", '{"by": "/home/amy/\u00fc"}'.encode(), ["a home directory"]),
    ],
    ids=["a path in an array's file", "what compression spells by chance", "text"],
)
def test_of_a_binary_file_only_what_a_person_could_read_is_told(name, content, told):
    assert list(KNOWN.revealed_in(f"{name}\n{text_of(name, content)}")) == told


def test_redacting_again_changes_nothing():
    once = KNOWN.redacted('"/home/amy/x" amy@lab-7')

    assert KNOWN.redacted(once) == once


@pytest.fixture
def personal(workbench):
    """A published run that tells of a home directory and a secret."""
    telling = {"name": f"of /home/amy with {KEY}", "requires": ["tpu"]}
    workbench.call("run", workbench.config({"name": "a"}, telling), "--jobs", "1")
    return workbench.latest().path


def everything(path):
    return "".join(file.read_text(encoding="utf-8") for file in path.rglob("*") if file.is_file())


def test_an_archive_says_what_it_tells_and_in_which_file(personal, tmp_path):
    copy = archive(personal, tmp_path / "copy")

    assert "run.json" in copy.tells["a home directory"]
    assert "summary.md" in copy.tells["what looks like a secret"]
    assert copy.redacted == ()


def test_a_redacted_archive_tells_it_no_more_and_names_the_run_and_the_files(personal, tmp_path):
    copy = archive(personal, tmp_path / "copy", redact=True)

    listed = read_json(tmp_path / "copy" / "archive.json")
    assert violations(listed, "archive") == []
    assert listed["redacted"] == {"root": RunDirectory(personal).root(), "files": list(copy.redacted)}
    assert {"run.json", "summary.json", "report.html"} <= set(copy.redacted)
    assert "/home/amy" not in everything(tmp_path / "copy")
    assert KEY not in everything(tmp_path / "copy")
    assert "of /home/USER with REDACTED" in (tmp_path / "copy" / "run.json").read_text(encoding="utf-8")


def test_a_redacted_archive_is_accepted_only_with_archived_and_never_verified(personal, tmp_path):
    archive(personal, tmp_path / "copy", redact=True)

    strict, lenient = verify(tmp_path / "copy"), verify(tmp_path / "copy", archived=True)

    assert (strict.conclusion, lenient.conclusion, lenient.violations) == (
        Conclusion.CONTRADICTED,
        Conclusion.INCONCLUSIVE,
        (),
    )
    assert Why.REDACTED in {each.code for each in lenient.unchecked}


def test_a_lie_in_a_file_that_was_not_redacted_is_caught_in_a_redacted_copy(personal, tmp_path):
    archive(personal, tmp_path / "copy", redact=True)
    (tmp_path / "copy" / "models/a/weights.json").write_text("[0.0]\n", encoding="utf-8")

    found = {each.file for each in verify(tmp_path / "copy", archived=True).violations}

    assert "models/a/weights.json" in found


def test_an_archive_for_git_keeps_its_line_ends(personal, tmp_path):
    archive(personal, tmp_path / "copy")

    assert (tmp_path / "copy" / ".gitattributes").read_text(encoding="utf-8") == "* -text\n"
