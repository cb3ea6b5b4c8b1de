"""Devices as people set them, by stand-ins: no GPU is needed, and none of these tests has seen one."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from extractor_flow.executors.local import slots_for
from extractor_flow.run.hardware import NvidiaDriver, visible_gpus, with_gpu_in_use
from extractor_flow.run.job import _failure
from extractor_flow.study.codes import Code
from extractor_flow.study.records import Completed, HardwareProfile
from extractor_flow.verify.replay import _accelerators

DRIVER = NvidiaDriver("NVIDIA H100", "13.0", 3)
MACHINE = HardwareProfile("Linux-6.1", "x86_64", "3.11.7", 8, "NVIDIA T4", "13.0")
SEVERAL = ("GPU-5f5c1a8e-0000-1111-2222-333344445555", "MIG-a5c1a8e0-0000-1111-2222-333344445555")


@pytest.mark.parametrize(
    ("variable", "gpus"),
    [
        (None, ("0", "1", "2")),
        ("3", ("3",)),
        ("2, 0", ("2", "0")),
        (",".join(SEVERAL), SEVERAL),
        ("MIG-GPU-5f5c1a8e/3/0", ("MIG-GPU-5f5c1a8e/3/0",)),
        ("1,-1,2", ("1",)),
        ("", ()),
        ("NoDevFiles", ()),
    ],
)
def test_the_gpus_that_a_user_has_named_are_those_that_jobs_share(monkeypatch, variable, gpus):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if variable is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", variable)

    assert visible_gpus(DRIVER) == gpus


@pytest.mark.parametrize(("requires", "gpus", "slots"), [(("cuda",), 1, 2), (("cuda",), 0, 64), ((), 1, 64)])
def test_jobs_that_need_cuda_are_two_a_gpu_by_default(monkeypatch, requires, gpus, slots):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(64), raising=False)
    study = SimpleNamespace(jobs=[SimpleNamespace(requires=()), SimpleNamespace(requires=requires)])

    assert slots_for(study, gpus) == slots


def torch_like(cuda, hip=None, *, initialized=True):
    device = SimpleNamespace(is_initialized=lambda: initialized, get_device_name=lambda: "NVIDIA A100")
    return {"torch": SimpleNamespace(cuda=device, version=SimpleNamespace(cuda=cuda, hip=hip))}


@pytest.mark.parametrize(
    ("modules", "found"),
    [
        ({}, ("NVIDIA T4", "13.0")),
        (torch_like("12.4", initialized=False), ("NVIDIA T4", "13.0")),
        (torch_like("12.4"), ("NVIDIA A100", "12.4")),
        (torch_like(None, "6.2.41133"), ("NVIDIA A100", "HIP 6.2.41133")),
    ],
    ids=["no torch", "unused", "CUDA", "ROCm"],
)
def test_a_record_names_the_card_and_the_cuda_that_its_job_has_used(modules, found):
    machine = with_gpu_in_use(MACHINE, modules)

    assert (machine.gpu_model, machine.cuda_version) == found


def test_a_gpu_out_of_memory_is_out_of_memory_and_says_what_helps():
    error = type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory. Tried to allocate 2.00 GiB.")

    failed = _failure(error, job=None)

    assert failed.code is Code.MEMORY_LIMIT
    assert failed.reason.endswith("Tried to allocate 2.00 GiB.; fewer jobs at a time (--jobs) leave each of them more")


@pytest.mark.parametrize(
    ("requires", "device", "named"), [((), "cuda:0", ["cuda"]), (("cuda",), "cuda:0", ["cuda"]), ((), "cpu", [])]
)
def test_a_replay_goes_by_the_device_that_the_job_was_on(requires, device, named):
    done = Completed({"loss": 1.0}, {"weights": None}, 1, {"device": device})

    said = list(_accelerators(SimpleNamespace(job=SimpleNamespace(requires=requires), outcome=done)))

    assert [words.partition(" ")[0] for words in said] == named
