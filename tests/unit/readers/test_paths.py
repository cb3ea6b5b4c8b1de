import gc
import hashlib
import os
import socket
from pathlib import Path

import pytest

from extractor_flow.readers.errors import Kind, ReadError
from extractor_flow.readers.paths import DEPTH_LIMIT, ConfinedDirectory


@pytest.fixture
def inside(tmp_path):
    """A directory ``run`` with two files and, beside it, a secret."""
    root = tmp_path / "run"
    (root / "deep").mkdir(parents=True)
    (root / "a.txt").write_bytes(b"alpha")
    (root / "deep" / "b.txt").write_bytes(b"beta")
    (tmp_path / "secret").write_bytes(b"secret")
    return ConfinedDirectory(root)


def refusal(inside: ConfinedDirectory, path: str, **options) -> Kind:
    with pytest.raises(ReadError) as caught, inside.open(path, **options):
        pass
    return caught.value.kind


def content(inside: ConfinedDirectory, path: str) -> bytes:
    with inside.open(path) as stream:
        return stream.read()


def test_files_beneath_the_directory_are_read(inside):
    assert (content(inside, "a.txt"), content(inside, "deep/b.txt")) == (b"alpha", b"beta")


def test_the_directory_itself_may_be_reached_by_a_link(inside, tmp_path):
    (tmp_path / "latest").symlink_to("run")

    assert content(ConfinedDirectory(tmp_path / "latest"), "a.txt") == b"alpha"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/etc/passwd",
        "..",
        "../secret",
        "deep/../a.txt",
        "./a.txt",
        "deep//b.txt",
        "deep/",
        "a\\b",
        "a\0b",
        "x/" * DEPTH_LIMIT + "x",
        "y" * 5000,
    ],
)
def test_a_path_that_could_lead_elsewhere_is_refused_before_it_is_tried(inside, path):
    assert refusal(inside, path) == Kind.OUTSIDE


def test_a_name_that_no_file_can_have_is_refused(inside):
    assert (refusal(inside, "\ud800"), refusal(inside, "z" * 300)) == (Kind.NOT_UTF8, Kind.UNREADABLE)


@pytest.mark.parametrize("target", ["../secret", "a.txt", "deep", "nowhere", "/dev/zero", "link"])
def test_a_link_is_refused_wherever_it_leads(inside, target):
    (inside.root / "link").symlink_to(target)

    assert refusal(inside, "link") == Kind.SYMLINK


@pytest.mark.parametrize("target", ["deep", "..", "/", "folder"])
def test_a_link_on_the_way_is_refused(inside, target):
    (inside.root / "folder").symlink_to(target)

    assert refusal(inside, "folder/b.txt") == Kind.SYMLINK


def test_only_regular_files_are_opened(inside, monkeypatch):
    os.mkfifo(inside.root / "fifo")
    monkeypatch.chdir(inside.root)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        kinds = [refusal(inside, name) for name in ("fifo", "socket", "deep", "a.txt/b")]

    assert kinds == [Kind.NOT_A_FILE] * 4


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can make a device file")
def test_a_device_is_not_opened(inside):
    try:
        os.mknod(inside.root / "zero", 0o600 | 0o020000, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("this root may not make a device file")

    assert refusal(inside, "zero") == Kind.NOT_A_FILE


def test_what_is_not_there_is_missing(inside, tmp_path):
    kinds = (
        refusal(inside, "c.txt"),
        refusal(inside, "no/c.txt"),
        refusal(ConfinedDirectory(tmp_path / "none"), "a.txt"),
    )

    assert kinds == (Kind.MISSING, Kind.MISSING, Kind.MISSING)


def test_a_file_beyond_its_limit_is_not_read(inside):
    assert (refusal(inside, "a.txt", limit=4), content(inside, "a.txt")) == (Kind.TOO_LARGE, b"alpha")


def test_size_digest_and_presence_are_those_of_the_file(inside):
    facts = (
        inside.size("a.txt"),
        inside.sha256("a.txt"),
        inside.has("a.txt"),
        inside.has("deep"),
        inside.has("../secret"),
    )

    assert facts == (5, hashlib.sha256(b"alpha").hexdigest(), True, False, False)


def test_a_walk_lists_the_files_and_refuses_the_rest(inside):
    (inside.root / "link").symlink_to("deep")
    os.mkfifo(inside.root / "deep" / "fifo")
    (inside.root / os.fsdecode(b"bad\xff")).write_bytes(b"")

    listing = inside.walk()

    assert (listing.files, sorted(problem.kind for problem in listing.refused)) == (
        {"a.txt": 5, "deep/b.txt": 4},
        [Kind.NOT_A_FILE, Kind.NOT_UTF8, Kind.SYMLINK],
    )


def test_a_walk_has_bounds(inside):
    (inside.root.joinpath(*"x" * (DEPTH_LIMIT + 1))).mkdir(parents=True)

    with pytest.raises(ReadError) as too_deep:
        inside.walk()
    with pytest.raises(ReadError) as too_many:
        inside.walk(limit=2)
    assert (too_deep.value.kind, too_many.value.kind) == (Kind.TOO_DEEP, Kind.TOO_MANY)


def test_no_descriptor_stays_open_when_the_directory_is_not_needed_any_more(inside):
    (inside.root / "link").symlink_to("a.txt")
    gc.collect()
    before = len(list(Path("/dev/fd").iterdir()))

    files = ConfinedDirectory(inside.root)
    for path in ("a.txt", "deep/b.txt", "link", "none", "deep", "link/x", "../x"):
        files.has(path)
    files.walk()
    del files
    gc.collect()

    assert len(list(Path("/dev/fd").iterdir())) == before
