"""Models that harm whoever loads them: a pickle in them calls something. Verifying names it, and runs nothing."""

from __future__ import annotations

import base64
import functools
import json
import os
import pickle
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from extractor_flow.verify import verify
from support.files import malice
from support.lies.about_models import FINAL, unpacked
from support.published import COMPARISON

cloudpickle = pytest.importorskip("cloudpickle")
pytestmark = pytest.mark.train

JOB = "extractors/mlp"
STUDY = {
    **COMPARISON,
    "run": {**COMPARISON["run"], "seeds": [1], "save_freq": None},
    "extractors": [{"name": "mlp", "preset": "mlp_small"}],
}
Members = dict[str, bytes]


class Calls:
    """A value whose unpickling calls a function."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


def text(value: str) -> bytes:
    """The instruction that puts *value* on the stack."""
    return b"\x8c" + bytes([len(value)]) + value.encode()


def put(name: str, program: bytes) -> Callable[[Members, Path], None]:
    """Arm the attribute *name* of the algorithm, and leave what is said beside it."""

    def change(members: Members, _: Path) -> None:
        data = json.loads(members["data"])
        data.setdefault(name, {})[":serialized:"] = base64.b64encode(program).decode()
        members["data"] = json.dumps(data).encode()

    return change


def touching(name: str, form: Callable[[Path], bytes]) -> Callable[[Members, Path], None]:
    """Arm the attribute *name* with a pickle that is made for the file that it would create."""
    return lambda members, marker: put(name, form(marker))(members, marker)


def shell(marker: Path) -> Calls:
    return Calls(os.system, f"touch {marker}")


def before_the_genuine(members: Members, marker: Path) -> None:
    """Call, drop what it gives, and go on with the genuine object."""
    genuine = base64.b64decode(json.loads(members["data"])["policy_class"][":serialized:"])
    call = pickle.dumps(shell(marker), 0).removesuffix(b".")
    put("policy_class", call + b"0" + genuine)(members, marker)


def among_rubbish(members: Members, marker: Path) -> None:
    """Base64 as a strict decoder refuses it, and Stable-Baselines3 does not."""
    data = json.loads(members["data"])
    encoded = base64.b64encode(pickle.dumps(shell(marker))).decode()
    data["policy_class"][":serialized:"] = "\n!".join(encoded)
    members["data"] = json.dumps(data).encode()


def remembered(marker: Path) -> bytes:
    """A module's and a function's name that are remembered and fetched in the other order."""
    names = text("system") + b"\x94" + text("posix") + b"\x94" + b"00"
    return b"\x80\x04" + names + b"h\x01h\x00\x93" + text(f"touch {marker}") + b"\x85R."


def in_member(name: str, program: Callable[[Path], bytes]) -> Callable[[Members, Path], None]:
    """Arm a file of tensors."""

    def change(members: Members, marker: Path) -> None:
        members[name] = malice.zipped({"archive/data.pkl": program(marker), "archive/version": b"3\n"})

    return change


CHANGED_CLASS = (
    b"\x80\x04" + text("stable_baselines3.common.utils") + text("FloatSchedule") + b"\x93N}" + text("__call__")
) + (text("collections") + text("OrderedDict") + b"\x93s\x86b.")
DOTTED = b"\x80\x04" + text("numpy") + text("dtype.__class__.__base__") + b"\x93."
ARMS: dict[str, tuple[str, Callable[[Members, Path], None]]] = {
    "the policy's class": ("posix.system", touching("policy_class", lambda marker: pickle.dumps(shell(marker)))),
    "protocol 0": ("posix.system", touching("lr_schedule", lambda marker: pickle.dumps(shell(marker), 0))),
    "INST": ("builtins.eval", touching("clip_range", lambda marker: malice.in_words(marker, "INST"))),
    "OBJ": ("builtins.eval", touching("action_space", lambda marker: malice.in_words(marker, "OBJ"))),
    "NEWOBJ": ("builtins.eval", touching("observation_space", lambda marker: malice.in_words(marker, "NEWOBJ"))),
    "names from the memo": ("posix.system", touching("policy_class", remembered)),
    "an attribute that no model has": ("posix.system", touching("extra", lambda marker: pickle.dumps(shell(marker)))),
    "before the genuine object": ("posix.system", before_the_genuine),
    "base64 among rubbish": ("posix.system", among_rubbish),
    "a program of its own": (
        "subprocess.Popen",
        touching("_last_obs", lambda marker: pickle.dumps(Calls(subprocess.Popen, ["touch", str(marker)]))),
    ),
    "a function with its code": (
        "calls cloudpickle.cloudpickle.",
        touching("lr_schedule", lambda marker: cloudpickle.dumps(lambda _: marker.touch())),
    ),
    "an extractor that is a partial": (
        "functools.partial",
        touching("policy_kwargs", lambda marker: pickle.dumps({"a": functools.partial(os.system, f"touch {marker}")})),
    ),
    "a class that is changed": ("stable_baselines3.common.utils.FloatSchedule", put("clip_range", CHANGED_CLASS)),
    "a path of attributes": ("numpy.dtype.__class__.__base__", put("action_space", DOTTED)),
    "an extension code": ("EXT1", put("policy_class", b"\x80\x02\x82\x01.")),
    "a name made as it runs": ("made as it runs", put("policy_class", b"\x80\x04" + text("os") + b"N\x93.")),
    "what it has made is called": (
        "calls what it has from collections.deque",
        put("lr_schedule", b"\x80\x04" + text("collections") + text("deque") + b"\x93)R)R."),
    ),
    "other tensors": ("posix.system", in_member("pytorch_variables.pth", lambda marker: pickle.dumps(shell(marker)))),
    "tensors of no name": ("posix.system", in_member("extra.pth", lambda marker: pickle.dumps(shell(marker)))),
    "the weights": ("posix.system", in_member("policy.pth", lambda marker: pickle.dumps(shell(marker), 2))),
    "the optimizer": ("posix.system", in_member("policy.optimizer.pth", lambda marker: pickle.dumps(shell(marker), 2))),
}


@pytest.fixture(scope="module")
def genuine_run(shared_run):
    return shared_run(STUDY, drawn=False)


@pytest.fixture
def run(genuine_run, tampering_with):
    return tampering_with(genuine_run)


@pytest.mark.parametrize(("name", "arm"), ARMS.values(), ids=ARMS)
def test_an_armed_model_is_one_violation_that_names_what_it_would_call(run, name, arm, tmp_path):
    path = run.path / JOB / FINAL
    members = unpacked(path)
    arm(members, tmp_path / "executed")
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    run.digested(JOB)

    found = [violation.found for violation in verify(run.path).violations if violation.kind == "pickle"]

    assert (len(found), name in found[0], (tmp_path / "executed").exists()) == (1, True, False)


def test_the_arms_of_these_tests_do_go_off(tmp_path):
    pickle.loads(remembered(tmp_path / "executed"))

    assert (tmp_path / "executed").exists()
