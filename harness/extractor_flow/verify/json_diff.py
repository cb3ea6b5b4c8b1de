"""The differences between two JSON values, as violations in the published one."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from extractor_flow.contracts import json_path
from extractor_flow.evidence.findings import Violation, brief, close
from extractor_flow.files import dump_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from extractor_flow.files import Json

MOST_A_FILE = 100
Steps = tuple[str | int, ...]
Difference = tuple[Steps, Any, Any]


class Absent:
    """Stands for a missing member."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT = Absent()


def differences(
    demanded: Json, found: Json, rounded: Callable[[Steps], bool] = lambda _: False
) -> Iterator[Difference]:
    """The places where *found* is not *demanded*, with what is demanded and found there.

    ``1`` and ``1.0`` are equal, ``1`` and ``true`` are not. Where *rounded* says so of a path, numbers may differ by
    the rounding of sums.
    """
    if dump_line(demanded) != dump_line(found):  # which takes a tenth of the time, and mostly settles it
        yield from _differences((), demanded, found, rounded)


def violations(
    file: str, demanded: Json, found: Json, why: str, rounded: Callable[[Steps], bool] = lambda _: False
) -> Iterator[Violation]:
    """The violations of *file*, which holds *found* and must hold *demanded*, as *why* says; at most 100."""
    all_of_them = differences(demanded, found, rounded)
    for steps, wanted, stated in islice(all_of_them, MOST_A_FILE):
        yield Violation(file, json_path(steps), brief(stated), f"{why}: {brief(wanted)}", "inconsistent")
    if next(all_of_them, None) is not None:
        yield Violation(file, "", "agrees with its sources", f"more than {MOST_A_FILE} differences", "inconsistent")


def _differences(
    steps: Steps,
    demanded: Any,  # noqa: ANN401 - any JSON
    found: Any,  # noqa: ANN401
    rounded: Callable[[Steps], bool],
) -> Iterator[Difference]:
    if isinstance(demanded, dict) and isinstance(found, dict):
        for key in sorted(demanded.keys() | found.keys()):
            yield from _differences((*steps, key), demanded.get(key, ABSENT), found.get(key, ABSENT), rounded)
    elif isinstance(demanded, list) and isinstance(found, list):
        for position in range(max(len(demanded), len(found))):
            wanted, stated = (values[position] if position < len(values) else ABSENT for values in (demanded, found))
            yield from _differences((*steps, position), wanted, stated, rounded)
    elif not _equal(demanded, found) and not (rounded(steps) and _near(demanded, found)):
        yield steps, demanded, found


def _equal(demanded: object, found: object) -> bool:
    if isinstance(demanded, bool) or isinstance(found, bool):
        return demanded is found
    return demanded == found


def _near(demanded: object, found: object) -> bool:
    numbers = isinstance(demanded, int | float) and isinstance(found, int | float)
    return numbers and not isinstance(demanded, bool) and not isinstance(found, bool) and close(demanded, found)
