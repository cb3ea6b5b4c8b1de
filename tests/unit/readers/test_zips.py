import io
import struct
import zipfile

import pytest

from extractor_flow.readers.errors import Kind, ReadError
from extractor_flow.readers.zips import Archive
from support.files import genuine

LIMIT = 10_000_000


def packed(members, *, method=zipfile.ZIP_STORED, comment=b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
        archive.comment = comment
    return buffer.getvalue()


def refusal(data: bytes, limit: int = LIMIT) -> Kind:
    with pytest.raises(ReadError) as caught:
        contents(data, limit)
    return caught.value.kind


def patched(data: bytes, old: bytes, new: bytes, count: int = -1) -> bytes:
    assert old in data
    return data.replace(old, new, count)


def contents(data: bytes, limit: int = LIMIT):
    archive = Archive(io.BytesIO(data), "x.zip", limit=limit)
    return {name: archive.read(name) for name in archive.members}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_are_read_as_the_standard_library_reads_them(method):
    members = [("a", b""), ("b/c", b"x" * 5000), ("Ω.txt", bytes(range(256)) * 9)]

    assert contents(packed(members, method=method)) == dict(members)


@pytest.mark.parametrize("kind", ["torch", "model", "npz"])
def test_archives_of_real_libraries_are_read_as_the_standard_library_reads_them(kind):
    data = genuine.files()[kind]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        expected = {name: archive.read(name) for name in archive.namelist()}

    assert contents(data) == expected


def test_sizes_beyond_32_bits_are_read_where_zip64_puts_them():
    data = packed([("a", b"12345")])
    entry = data.index(b"PK\1\2")
    extra = struct.pack("<HHQQ", 1, 16, 5, 5)
    start = entry + 46 + 1
    wide = bytearray(data[:start] + extra + data[start:])
    wide[entry + 20 : entry + 28] = b"\xff" * 8
    wide[entry + 30 : entry + 32] = struct.pack("<H", len(extra))
    size = struct.unpack_from("<L", wide, len(wide) - 10)[0] + len(extra)
    wide[len(wide) - 10 : len(wide) - 6] = struct.pack("<L", size)

    assert contents(bytes(wide)) == {"a": b"12345"}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("../up", Kind.OUTSIDE),
        ("/etc/passwd", Kind.OUTSIDE),
        ("a/../../b", Kind.OUTSIDE),
        ("a\\..\\b", Kind.OUTSIDE),
        ("folder/", Kind.OUTSIDE),
        ("./a", Kind.OUTSIDE),
    ],
)
def test_a_member_whose_name_could_leave_is_refused(name, kind):
    assert refusal(packed([(name, b"")])) == kind


def test_a_member_that_stands_twice_is_refused():
    assert refusal(patched(packed([("a", b"1"), ("b", b"2")]), b"b", b"a")) == Kind.DUPLICATE_MEMBER


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (b"hello", b"jello", Kind.CHECKSUM),
        (b"PK\1\2\x14\x03\x14\0\0\0", b"PK\1\2\x14\x03\x14\0\1\0", Kind.ENCRYPTED),
        (b"PK\1\2\x14\x03\x14\0\0\0\0\0", b"PK\1\2\x14\x03\x14\0\0\0\x0e\0", Kind.COMPRESSION),
        (b"PK\3\4", b"PK\3\5", Kind.HEADER),
        (b"PK\1\2", b"PK\1\3", Kind.HEADER),
        (b"PK\5\6\0\0", b"PK\5\6\1\0", Kind.HEADER),
        (b"PK\5\6", b"PK\5\7", Kind.NOT_ZIP),
        (struct.pack("<LL", 5, 5), struct.pack("<LL", 5, 9), Kind.HEADER),
        (struct.pack("<LL", 5, 5), struct.pack("<LL", 0xFFFFFFFF, 0xFFFFFFFF), Kind.HEADER),
    ],
)
def test_an_archive_that_contradicts_itself_is_refused_by_name(old, new, kind):
    assert refusal(patched(packed([("a", b"hello")]), old, new)) == kind


def test_a_stored_member_may_not_reach_into_the_directory():
    data = packed([("a", b"hello")])

    assert refusal(patched(data, struct.pack("<LL", 5, 5), struct.pack("<LL", 60, 60))) == Kind.TRUNCATED


def test_two_members_may_not_share_bytes():
    inner = packed([("b", b"world")])
    outer = packed([("a", inner)])
    start, size = struct.unpack_from("<LL", outer, len(outer) - 10)[::-1]
    hidden = bytearray(inner[inner.index(b"PK\1\2") : -22])
    hidden[42:46] = struct.pack("<L", outer.index(inner))
    directory = outer[start : start + size] + bytes(hidden)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, len(directory), start, 0)

    assert refusal(outer[:start] + directory + end) == Kind.OVERLAP


def test_a_link_in_an_archive_is_refused():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")

    assert refusal(buffer.getvalue()) == Kind.SYMLINK


def test_a_member_that_inflates_a_hundredfold_is_a_bomb():
    assert refusal(packed([("a", bytes(5_000_000))], method=zipfile.ZIP_DEFLATED)) == Kind.ZIP_BOMB


def test_a_member_that_inflates_to_more_than_it_declares_is_a_bomb():
    data = packed([("a", b"x" * 5000)], method=zipfile.ZIP_DEFLATED)

    assert refusal(patched(data, struct.pack("<L", 5000), struct.pack("<L", 50))) == Kind.ZIP_BOMB


def test_the_members_together_have_a_limit():
    assert refusal(packed([(str(n), b"x" * 1000) for n in range(20)]), limit=19_999) == Kind.TOO_LARGE


def test_an_archive_with_a_comment_could_be_read_in_two_ways_and_is_refused():
    assert refusal(packed([("a", b"1")], comment=b"PK\5\6")) == Kind.NOT_ZIP


@pytest.mark.parametrize("cut", [0, 1, 21, 30, 60])
def test_a_cut_archive_is_no_archive(cut):
    assert refusal(packed([("a", b"hello")])[:cut]) == Kind.NOT_ZIP
