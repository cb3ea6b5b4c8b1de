"""Monitor files, event files and images."""

import csv
import io
import struct

import numpy as np
import pytest

from extractor_flow.readers.errors import Kind, ReadError
from extractor_flow.readers.events import Scalars, masked_crc32c, read_events
from extractor_flow.readers.images import read_png
from extractor_flow.readers.monitor import LINE_LIMIT, read_monitor
from support.files import genuine

HEAD = b'#{"t_start": 1.5, "env_id": "E"}\nr,l,t\n'


def refusal(kind: str, data: bytes) -> Kind:
    with pytest.raises(ReadError) as caught:
        genuine.read(kind, data)
    return caught.value.kind


def frame(payload: bytes) -> bytes:
    length = struct.pack("<Q", len(payload))
    parts = length, struct.pack("<L", masked_crc32c(length)), payload, struct.pack("<L", masked_crc32c(payload))
    return b"".join(parts)


def scalar(tag: bytes, step: int, value: float) -> bytes:
    inner = b"\x0a" + bytes([len(tag)]) + tag + b"\x15" + struct.pack("<f", value)
    summary = b"\x0a" + bytes([len(inner)]) + inner
    return frame(b"\x10" + bytes([step]) + b"\x2a" + bytes([len(summary)]) + summary)


def test_a_monitor_file_that_sb3_wrote_is_read_as_a_table():
    data = genuine.training()["monitor"]
    expected = list(csv.DictReader(io.StringIO(data.decode().split("\n", 1)[1])))

    read = genuine.read("monitor", data)

    assert (read.rewards.tolist(), read.lengths.tolist(), read.times.tolist()) == (
        [float(row["r"]) for row in expected],
        [int(row["l"]) for row in expected],
        [float(row["t"]) for row in expected],
    )


def test_a_monitor_file_without_episodes_has_none():
    read = read_monitor(io.BytesIO(HEAD), "m")

    told = read.header["env_id"], read.columns, read.rewards.shape, read.lengths.dtype

    assert told == ("E", ("r", "l", "t"), (0,), np.int64)


def test_more_columns_are_allowed_when_every_row_has_them():
    read = read_monitor(io.BytesIO(HEAD.replace(b"r,l,t", b"r,l,t,success") + b"-1.5e0,3,0.25,True\r\n"), "m")

    values = read.rewards.tolist(), read.lengths.tolist(), read.times.tolist()

    assert (read.columns, *values) == (("r", "l", "t", "success"), [-1.5], [3], [0.25])


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", Kind.TABLE),
        (HEAD.replace(b"r,l,t", b"l,r,t"), Kind.TABLE),
        (HEAD.replace(b"#", b""), Kind.TABLE),
        (HEAD.replace(b"1.5", b"NaN"), Kind.NOT_FINITE),
        (b"#[]\nr,l,t\n", Kind.NOT_JSON),
        (HEAD + b"1,2\n", Kind.TABLE),
        (HEAD + b"1,2,3,4\n", Kind.TABLE),
        (HEAD + b"nan,2,3\n", Kind.NOT_FINITE),
        (HEAD + b"1,2,-inf\n", Kind.NOT_FINITE),
        (HEAD + b"1,2.0,3\n", Kind.TABLE),
        (HEAD + b"1,-2,3\n", Kind.TABLE),
        (HEAD + b"1,99999999999999999999,3\n", Kind.TABLE),
        (HEAD + b"1e999,2,3\n", Kind.TABLE),
        (HEAD + b"1_0,2,3\n", Kind.TABLE),
        (HEAD + "１,2,3\n".encode(), Kind.TABLE),
        (HEAD + b"\n1,2,3\n", Kind.TABLE),
        (HEAD + b"1,2,3", Kind.TRUNCATED),
        (HEAD + b"1,2,\xff\n", Kind.NOT_UTF8),
        (HEAD + b"1,2,\0\n", Kind.NUL_BYTE),
        (HEAD + b"1" * LINE_LIMIT + b",2,3\n", Kind.TOO_LARGE),
    ],
)
def test_a_monitor_file_that_is_not_one_is_refused_by_name(data, kind):
    assert refusal("monitor", data) == kind


def test_events_are_read_as_tensorboard_reads_them(tmp_path):
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

    (tmp_path / "events.out.tfevents.1").write_bytes(genuine.training()["events"])
    accumulator = accumulators.EventAccumulator(str(tmp_path))
    accumulator.Reload()
    expected = {tag: accumulator.Scalars(tag) for tag in accumulator.Tags()["scalars"]}

    read = genuine.read("events", genuine.training()["events"])

    assert read.values == {tag: [(event.step, event.value) for event in events] for tag, events in expected.items()}


def test_the_times_of_the_records_are_told():
    read = genuine.read("events", genuine.training()["events"])

    assert (0 <= read.times[-1] - read.times[0] < 600, list(read.times)) == (True, sorted(read.times))


def test_the_checksum_is_castagnolis():
    unmasked = (masked_crc32c(b"123456789") - 0xA282EAD8) & 0xFFFFFFFF

    assert ((unmasked >> 17) | (unmasked << 15)) & 0xFFFFFFFF == 0xE3069283


def test_the_scalars_of_a_tag_keep_their_order():
    data = scalar(b"a", 9, 1.0) + scalar(b"a", 4, 2.0) + scalar(b"b", 1, 0.5)

    assert read_events(io.BytesIO(data), "e") == Scalars({"a": [(9, 1.0), (4, 2.0)], "b": [(1, 0.5)]}, (0.0,) * 3)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (scalar(b"a", 1, 1.0)[:-1], Kind.TRUNCATED),
        (scalar(b"a", 1, 1.0)[:5], Kind.TRUNCATED),
        (scalar(b"a", 1, 1.0)[:-1] + b"\0", Kind.CHECKSUM),
        (b"\1" + scalar(b"a", 1, 1.0)[1:], Kind.CHECKSUM),
        (struct.pack("<QL", 1 << 50, masked_crc32c(struct.pack("<Q", 1 << 50))), Kind.TOO_LARGE),
        (frame(b"\x2a\x7f"), Kind.PROTOBUF),
        (frame(b"\xff" * 12), Kind.PROTOBUF),
        (frame(b"\x80"), Kind.PROTOBUF),
        (frame(b"\x0b"), Kind.PROTOBUF),
        (scalar(b"\xff", 1, 1.0), Kind.NOT_UTF8),
    ],
)
def test_an_event_file_that_is_broken_is_refused_by_name(data, kind):
    assert refusal("events", data) == kind


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
