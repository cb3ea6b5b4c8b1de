"""Which parts of an observation are a sequence, an image or a vector."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium import spaces

from extractor_flow.errors import JobError
from extractor_flow.flows.extractor_comparison.extractors.observation import Branches, Part, find_branches


def box(*shape):
    return spaces.Box(-1.0, 1.0, shape, np.float32)


def pixels(*shape):
    return spaces.Box(0, 255, shape, np.uint8)


NAVIGATION = spaces.Dict({"drive_state": box(3, 5), "rays": box(3, 272)})
TWO_LIDARS = spaces.Dict({"front": box(2, 64), "rear": box(32), "state": box(6)})


@pytest.mark.parametrize(
    ("space", "laid_out", "vectors"),
    [
        (NAVIGATION, [Part("rays", 3, (272,))], [Part("drive_state", 1, (15,))]),
        (TWO_LIDARS, [Part("front", 2, (64,))], [Part("rear", 1, (32,)), Part("state", 1, (6,))]),
        (spaces.Dict({"history": box(100, 6)}), [Part("history", 6, (100,), channels_last=True)], []),
        (
            spaces.Dict({"direction": spaces.Discrete(4), "image": pixels(7, 7, 3)}),
            [Part("image", 3, (7, 7), channels_last=True)],
            [Part("direction", 1, (4,))],
        ),
        (spaces.Dict({"image": pixels(3, 7, 7)}), [Part("image", 3, (7, 7))], []),
        (
            spaces.Dict({"image": box(1, 20, 30), "rays": box(64), "goal": box(2)}),
            [Part("image", 1, (20, 30)), Part("rays", 1, (64,))],
            [Part("goal", 1, (2,))],
        ),
        (box(4), [Part(None, 1, (4,))], []),
        (box(376), [Part(None, 1, (376,))], []),
        (box(84, 84, 4), [Part(None, 4, (84, 84), channels_last=True)], []),
        (spaces.Discrete(16), [Part(None, 1, (16,))], []),
        (spaces.MultiDiscrete([2, 3]), [Part(None, 1, (5,))], []),
        (
            spaces.Dict({"buttons": spaces.MultiBinary(3), "where": box(2), "which": spaces.MultiDiscrete([2, 2])}),
            [Part("which", 1, (4,))],
            [Part("buttons", 1, (3,)), Part("where", 1, (2,))],
        ),
        (
            spaces.Dict({"grid": box(20, 30, 40), "rays": box(40)}),
            [Part("rays", 1, (40,))],
            [Part("grid", 1, (24000,))],
        ),
    ],
)
def test_parts_are_found_by_shape(space, laid_out, vectors):
    assert find_branches(space) == Branches(tuple(laid_out), tuple(vectors))


@pytest.mark.parametrize(
    ("space", "names", "laid_out", "vectors"),
    [
        (
            TWO_LIDARS,
            {"sequence_key": "rear"},
            [Part("rear", 1, (32,))],
            [Part("front", 1, (128,)), Part("state", 1, (6,))],
        ),
        (
            TWO_LIDARS,
            {"vector_keys": ["front"]},
            [Part("rear", 1, (32,))],
            [Part("front", 1, (128,)), Part("state", 1, (6,))],
        ),
        (
            NAVIGATION,
            {"vector_keys": ["rays", "drive_state"]},
            [],
            [Part("drive_state", 1, (15,)), Part("rays", 1, (816,))],
        ),
        (
            spaces.Dict({"image": pixels(7, 7, 3), "goal": box(2)}),
            {"vector_keys": ["image"]},
            [Part("goal", 1, (2,))],
            [Part("image", 1, (147,))],
        ),
    ],
)
def test_names_go_before_shapes(space, names, laid_out, vectors):
    assert find_branches(space, **names) == Branches(tuple(laid_out), tuple(vectors))


@pytest.mark.parametrize(
    ("space", "names", "message"),
    [
        (
            NAVIGATION,
            {"sequence_key": "ray"},
            (
                "sequence_key names 'ray', which is no key of the observation; expected one of drive_state, rays"
                r"; did you mean 'rays'\?"
            ),
        ),
        (NAVIGATION, {"vector_keys": ["rays", "x"]}, "vector_keys names 'x', .* expected one of drive_state, rays$"),
        (box(4), {"sequence_key": "rays"}, "sequence_key names 'rays', .* the observation is no Dict and has no keys"),
        (
            spaces.Dict({"mission": spaces.Text(8), "rays": box(64)}),
            {},
            "the observation 'mission' is a Text, which no policy can read; filter it out",
        ),
    ],
)
def test_what_is_not_there_or_not_readable_is_refused(space, names, message):
    with pytest.raises(JobError, match=message):
        find_branches(space, **names)


def test_channels_come_first_whatever_their_place_in_the_observation():
    image = torch.arange(2 * 5 * 6 * 3).reshape(2, 5, 6, 3)
    last, first = Part("image", 3, (5, 6), channels_last=True), Part("image", 3, (5, 6))

    assert torch.equal(last.read({"image": image}), first.read({"image": image.permute(0, 3, 1, 2)}))


def test_a_one_hot_with_an_axis_too_many_is_read_as_a_vector():
    assert Part("direction", 1, (4,)).read({"direction": torch.eye(4)[:2, None]}).shape == (2, 1, 4)
