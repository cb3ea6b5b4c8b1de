"""Images."""

import io
import struct

import pytest

from extractor_flow.readers.errors import Kind, ReadError
from extractor_flow.readers.images import read_png
from support.files import genuine


def refusal(kind: str, data: bytes) -> Kind:
    with pytest.raises(ReadError) as caught:
        genuine.read(kind, data)
    return caught.value.kind


def test_a_png_gives_its_size():
    assert genuine.read("png", genuine.picture()) == (20, 20)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda data: b"", Kind.IMAGE),
        (lambda data: b"GIF89a" + data, Kind.IMAGE),
        (lambda data: data[:-4], Kind.TRUNCATED),
        (lambda data: data[:40] + b"\1" + data[41:], Kind.CHECKSUM),
        (lambda data: data + b"more", Kind.IMAGE),
        (lambda data: data[:8] + data[-12:], Kind.IMAGE),
        (lambda data: data[:33] + data[-12:], Kind.IMAGE),
        (lambda data: data[:8] + b"\xff\xff\xff\xffIHDR", Kind.TOO_LARGE),
    ],
)
def test_an_image_that_is_none_is_refused_by_name(change, kind):
    assert refusal("png", change(genuine.picture())) == kind


def test_an_image_of_a_trillion_pixels_is_refused():
    import zlib

    body = b"IHDR" + struct.pack(">2L5B", 1_000_000, 1_000_000, 8, 2, 0, 0, 0)
    data = genuine.picture()[:8] + struct.pack(">L", 13) + body + struct.pack(">L", zlib.crc32(body))

    with pytest.raises(ReadError, match="1000000 x 1000000"):
        read_png(io.BytesIO(data), "f")
