import io
import zipfile

import numpy as np
import pytest
from safetensors.numpy import load

from extractor_flow.readers.errors import Kind, ReadError
from extractor_flow.readers.models import Optimizer, read_model, read_optimizer, read_torch
from extractor_flow.readers.weights import digest_of, read_weights
from support.files import genuine

torch = pytest.importorskip("torch")
save_torch = pytest.importorskip("safetensors.torch").save


def plain(tensors):
    return {name: (np.asarray(value).tolist(), np.asarray(value).shape) for name, value in tensors.items()}


def safetensors(header: str | bytes, data: bytes = b"") -> bytes:
    encoded = header.encode() if isinstance(header, str) else header
    return len(encoded).to_bytes(8, "little") + encoded + data


def refusal(data: bytes) -> Kind:
    with pytest.raises(ReadError) as caught:
        genuine.read("safetensors", data)
    return caught.value.kind


def test_safetensors_are_read_as_the_library_reads_them():
    assert plain(genuine.read("safetensors", genuine.weights())) == plain(load(genuine.weights()))


def test_bfloat16_comes_as_the_float32_of_the_same_value():
    tensor = torch.tensor([[1.5, -3.0e38], [0.0, 2.0**-130]], dtype=torch.bfloat16)

    read = genuine.read("safetensors", save_torch({"w": tensor}))

    assert (read["w"].dtype, read["w"].tolist()) == (np.float32, tensor.float().tolist())


@pytest.mark.parametrize(
    ("header", "data", "kind"),
    [
        ('{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', b"", Kind.TRUNCATED),
        ('{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', b"12345", Kind.TRUNCATED),
        ('{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', b"12345678", Kind.OVERLAP),
        ('{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', b"1234", Kind.SHAPE),
        ('{"w":{"dtype":"F32","shape":[-1],"data_offsets":[4,0]}}', b"1234", Kind.SHAPE),
        ('{"w":{"dtype":"F32","shape":[true],"data_offsets":[0,4]}}', b"1234", Kind.SHAPE),
        ('{"w":{"dtype":"F32","shape":[0,9000000000],"data_offsets":[0,0]}}', b"", Kind.SHAPE),
        ('{"w":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}', b"1", Kind.DTYPE),
        ('{"w":{"dtype":"F32","shape":[1]}}', b"1234", Kind.HEADER),
        ('{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1}}', b"1234", Kind.HEADER),
        ('{"__metadata__":{"a":1}}', b"", Kind.HEADER),
        ('{"w":1,"w":2}', b"", Kind.DUPLICATE_KEY),
        ("[]", b"", Kind.NOT_JSON),
    ],
)
def test_a_header_that_does_not_fit_its_data_is_refused_by_name(header, data, kind):
    assert refusal(safetensors(header, data)) == kind


def test_two_tensors_may_not_share_bytes():
    entry = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'

    assert refusal(safetensors(f'{{"a":{entry},"b":{entry}}}', b"1234")) == Kind.OVERLAP


def test_a_header_longer_than_its_file_costs_nothing_and_is_refused():
    assert refusal((1 << 60).to_bytes(8, "little") + b"{}") == Kind.HEADER


def test_a_torch_file_is_read_as_torch_reads_it():
    expected = torch.load(io.BytesIO(genuine.torch_state()), weights_only=True)

    assert plain(genuine.read("torch", genuine.torch_state())) == plain(
        {name: tensor.float().numpy() for name, tensor in expected.items()}
    )


def test_a_model_gives_its_weights_and_its_steps():
    from stable_baselines3 import PPO

    data = genuine.model()
    loaded = PPO.load(io.BytesIO(data), device="cpu")

    model = read_model(io.BytesIO(data), "final_model.zip")

    expected = {name: tensor.numpy() for name, tensor in loaded.policy.state_dict().items()}
    assert (plain(model.weights), model.num_timesteps) == (plain(expected), 32)


def test_the_optimizer_of_a_model_tells_its_updates_and_what_it_updated():
    from stable_baselines3 import PPO

    data = genuine.model()
    policy = PPO.load(io.BytesIO(data), device="cpu").policy
    parameters, states = list(policy.parameters()), policy.optimizer.state_dict()["state"].values()

    optimizer = read_optimizer(io.BytesIO(data), "final_model.zip")

    shapes = tuple(tuple(parameter.shape) for parameter in parameters)
    due = Optimizer(tensors=len(parameters), steps=(2,) * len(parameters), shapes=shapes, rates=(0.0003,))
    moments = [state[name].numpy() for name in ("exp_avg", "exp_avg_sq") for state in states]
    assert optimizer == due
    assert all(map(np.array_equal, (*optimizer.means, *optimizer.squares), moments))


def test_tensors_that_are_one_are_told():
    shared = torch.ones(2, 2)
    policy = io.BytesIO()
    torch.save({"a": shared, "b": shared, "c": shared.t(), "d": shared.clone()}, policy)
    model = io.BytesIO()
    with zipfile.ZipFile(model, "w") as archive:
        archive.writestr("policy.pth", policy.getvalue())

    assert read_model(model, "m").aliases == {"b": "a"}


def test_equal_weights_have_one_digest_wherever_they_are_stored():
    state = torch.load(io.BytesIO(genuine.torch_state()), weights_only=True)
    state = {name: tensor.contiguous().clone() for name, tensor in state.items()}

    assert digest_of(read_weights(io.BytesIO(save_torch(state)), "s")) == digest_of(
        read_torch(io.BytesIO(genuine.torch_state()), "t")
    )


@pytest.mark.parametrize(
    "other",
    [
        {"a": np.array([1.0, 3.0])},
        {"b": np.array([1.0, 2.0])},
        {"a": np.array([[1.0, 2.0]])},
        {"a": np.array([1.0, 2.0], dtype=np.float32)},
        {"a": np.array([1.0, 2.0]), "b": np.array(1.0)},
    ],
)
def test_weights_that_differ_anywhere_have_another_digest(other):
    assert digest_of(other) != digest_of({"a": np.array([1.0, 2.0])})
