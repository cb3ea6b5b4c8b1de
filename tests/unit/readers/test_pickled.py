import collections
import io
import pickle
import struct
import zipfile

import numpy as np
import pytest

from extractor_flow.readers.errors import Kind, ReadError
from extractor_flow.readers.models import read_model, read_torch
from extractor_flow.readers.pickle_names import uses_in
from extractor_flow.readers.pickled import state_dict, table
from support.files import genuine

torch = pytest.importorskip("torch")


def torch_file(program: bytes, storages: dict[str, bytes] | None = None, **others: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", program)
        for key, data in (storages or {}).items():
            archive.writestr(f"archive/data/{key}", data)
        for name, data in others.items():
            archive.writestr(f"archive/{name}", data)
    return buffer.getvalue()


def program(*, offset=0, shape=(2,), strides=(1,), count=2, storage="FloatStorage") -> bytes:
    """The pickle of ``{"w": tensor}`` in the words that torch uses."""

    def number(value: int) -> bytes:
        encoded = pickle.encode_long(value)
        return b"\x8a" + bytes([len(encoded)]) + encoded

    def tuple_of(values) -> bytes:
        return b"(" + b"".join(number(value) for value in values) + b"t"

    def text(value: str) -> bytes:
        return b"X" + struct.pack("<L", len(value)) + value.encode()

    kind = b"ctorch\n" + storage.encode() + b"\n"
    identity = b"(" + text("storage") + kind + text("0") + text("cpu") + number(count) + b"tQ"
    hooks = b"ccollections\nOrderedDict\n)R"
    call = b"ctorch._utils\n_rebuild_tensor_v2\n(" + identity + number(offset) + tuple_of(shape) + tuple_of(strides)
    return b"\x80\x02}" + text("w") + call + b"\x89" + hooks + b"tR" + b"s."


def refusal(data: bytes) -> tuple[Kind, str]:
    with pytest.raises(ReadError) as caught:
        read_torch(io.BytesIO(data), "policy.pth")
    return caught.value.kind, caught.value.what


def test_the_programs_of_these_tests_are_ones_that_torch_reads():
    data = torch_file(program(), {"0": struct.pack("<2f", 1, 2)}, version=b"3\n", byteorder=b"little")

    theirs = torch.load(io.BytesIO(data), weights_only=True)
    ours = read_torch(io.BytesIO(data), "f")

    assert (theirs["w"].tolist(), ours["w"].tolist()) == ([1.0, 2.0], [1.0, 2.0])


def test_numbers_are_read_in_the_order_of_bytes_that_the_file_names():
    data = torch_file(program(), {"0": struct.pack(">2f", 1, 2)}, byteorder=b"big")

    assert read_torch(io.BytesIO(data), "f")["w"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"shape": (3,)}, Kind.OVERLAP),
        ({"offset": 1}, Kind.OVERLAP),
        ({"offset": 3, "shape": (0,)}, Kind.OVERLAP),
        ({"strides": (2,)}, Kind.OVERLAP),
        ({"shape": (4,), "strides": (0,)}, Kind.OVERLAP),
        ({"shape": (1 << 40,), "strides": (0,)}, Kind.ZIP_BOMB),
        ({"shape": (0, 1 << 47, 1 << 47), "strides": (1, 1, 1)}, Kind.ZIP_BOMB),
        ({"shape": (2, 1)}, Kind.SHAPE),
        ({"shape": (1,) * 17, "strides": (1,) * 17}, Kind.SHAPE),
        ({"count": 3}, Kind.SHAPE),
        ({"storage": "DoubleStorage"}, Kind.SHAPE),
        ({"shape": (-1,)}, Kind.PICKLE),
        ({"strides": (-1,)}, Kind.PICKLE),
        ({"offset": -1}, Kind.PICKLE),
        ({"count": 1 << 60}, Kind.PICKLE),
        ({"storage": "UntypedStorage"}, Kind.PICKLE),
    ],
)
def test_a_tensor_that_does_not_fit_its_storage_is_refused_by_name(options, kind):
    assert refusal(torch_file(program(**options), {"0": bytes(8)}))[0] == kind


def test_many_views_of_one_storage_are_a_bomb():
    views = {str(n): "view" for n in range(3)}
    state = torch.zeros(1000)
    buffer = io.BytesIO()
    torch.save(dict.fromkeys(views, state[:]), buffer)

    with pytest.raises(ReadError) as caught:
        read_torch(buffer, "f", limit=11_000)
    assert caught.value.kind == Kind.ZIP_BOMB


class Calls:
    """A value whose unpickling calls a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call

    def __repr__(self):
        return f"call of {self.call[0].__name__}"


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "value",
    [
        {"w": Calls(print, "executed")},
        Calls(eval, "1"),
        {"w": 1},
        [],
        {1: 2},
        {"w": {}},
        {"w": b"raw"},
        {"w": collections.deque([1])},
        {"w": np.zeros(2)},
        torch.nn.Linear(1, 1).state_dict,
    ],
    ids=["call inside", "call", "number", "list", "number as key", "mapping", "bytes", "deque", "array", "method"],
)
def test_a_pickle_of_anything_else_is_refused_without_running_it(value, protocol, capsys):
    with pytest.raises(ReadError) as caught:
        state_dict(pickle.dumps(value, protocol=protocol), "data.pkl")
    assert (caught.value.kind, capsys.readouterr().out) == (Kind.PICKLE, "")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b".",
        b"\x80\x02}",
        b"\x80\x02}}.",
        b"\x80\x02)R.",
        b"(((",
        b"t.",
        b"s.",
        b"(s.",
        b"h\x05.",
        b"X\xff\xff\xff\xffa.",
        b"\x8b\xff\xff\xff\x7f.",
        b"cos\nsystem\n.",
        b"ctorch\nFloatStorage\n)R.",
        b"ctorch._utils\n_rebuild_tensor_v2\n)R.",
        b"ccollections\nOrderedDict\n)R}X\x01\0\0\0aNsb.",
        b"}X\x01\0\0\0aNX\x01\0\0\0aNu.",
        b"}(X\x01\0\0\0aNX\x01\0\0\0aNu.",
        b"I12345" + b"0" * 5000 + b"\n.",
        b"\xff.",
    ],
)
def test_a_malformed_program_is_refused(data):
    with pytest.raises(ReadError) as caught:
        state_dict(data, "data.pkl")
    assert caught.value.kind == Kind.PICKLE


def test_the_name_that_would_have_been_imported_is_in_the_message():
    data = torch_file(pickle.dumps(Calls(eval, "1"), protocol=2))

    assert refusal(data) == (Kind.PICKLE, "names '__builtin__.eval', which reading would have to import")


def test_a_model_needs_a_policy_in_it():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("data", b"{}")

    with pytest.raises(ReadError) as caught:
        read_model(buffer, "m")
    assert caught.value.kind == Kind.MISSING


@pytest.mark.parametrize("steps", ["12", 1.5, True, [1]])
def test_the_steps_of_a_model_are_an_integer(steps):
    import json

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("policy.pth", genuine.torch_state())
        archive.writestr("data", json.dumps({"num_timesteps": steps}))

    with pytest.raises(ReadError, match="num_timesteps is not an integer"):
        read_model(buffer, "m")


@pytest.mark.parametrize("read", [table, uses_in])
def test_equal_pickles_are_refused_each_where_it_is(read):
    broken = pickle.dumps(1)[:-1] + b"\xff."
    refused = []
    for place in ("a.zip!data.pkl", "b.zip!data.pkl"):
        with pytest.raises(ReadError) as caught:
            read(broken, place)
        refused.append((caught.value.where, str(caught.value).partition(": ")[0]))

    assert refused == [("a.zip!data.pkl",) * 2, ("b.zip!data.pkl",) * 2]
