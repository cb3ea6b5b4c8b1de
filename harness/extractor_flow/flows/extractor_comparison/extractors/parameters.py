"""How an extractor's parameters have to fit together, which their schemas cannot say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from extractor_flow.config import Problem, shown


def clashes(parameters: Mapping[str, object]) -> list[Problem]:
    """What does not fit together in parameters that are all right one by one."""
    return [
        *_unequal_lengths(parameters, "num_filters", "kernel_sizes"),
        *_unequal_lengths(parameters, "num_filters", "dropout_rates"),
        *_attention(parameters),
        *_recurrence(parameters),
        *_branches(parameters),
    ]


def _unequal_lengths(parameters: Mapping[str, object], first: str, second: str) -> list[Problem]:
    one, other = parameters.get(first), parameters.get(second)
    if not (isinstance(one, Sequence) and isinstance(other, Sequence)) or len(one) == len(other):
        return []
    return [Problem((second,), f"has {len(other)} values and {first} has {len(one)}; expected one for each layer")]


def _attention(parameters: Mapping[str, object]) -> list[Problem]:
    width, heads = parameters.get("embed_dim"), parameters.get("num_heads")
    if not (isinstance(width, int) and isinstance(heads, int)):
        return []
    problems = []
    if width % heads:
        divisors = [number for number in range(1, min(width, 256) + 1) if width % number == 0]
        message = f"is {heads}, which does not divide embed_dim {width}; expected one of {shown(divisors)}"
        problems.append(Problem(("num_heads",), message))
    if width % 2:
        message = f"is {width}; expected an even number, for positions are encoded in pairs"
        problems.append(Problem(("embed_dim",), message))
    return problems


def _branches(parameters: Mapping[str, object]) -> list[Problem]:
    sequence, vectors = parameters.get("sequence_key"), parameters.get("vector_keys")
    if sequence is None or not isinstance(vectors, Sequence) or sequence not in vectors:
        return []
    message = f"is {shown(sequence)}, which is one of vector_keys too; expected it in one of the two"
    return [Problem(("sequence_key",), message)]


def _recurrence(parameters: Mapping[str, object]) -> list[Problem]:
    if parameters.get("lstm_dropout") and parameters.get("num_layers") == 1:
        message = "acts between layers and num_layers is 1; expected a dropout of 0 or more layers"
        return [Problem(("lstm_dropout",), message)]
    return []
