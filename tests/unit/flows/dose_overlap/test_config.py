"""A study's config: what it becomes, and what it complains about; the jobs that it spans."""

from __future__ import annotations

import json

import pytest
import yaml
from jsonschema import Draft202012Validator

from extractor_flow.config import read_config
from extractor_flow.errors import ConfigError, DataError, RequestError
from extractor_flow.flows.dose_overlap import flow
from extractor_flow.flows.dose_overlap.config import schema
from extractor_flow.flows.dose_overlap.plan import Plan, dose_text
from extractor_flow.study.codes import Code
from extractor_flow.study.records import HardwareProfile, Skipped
from support import ROOT

MACHINE = HardwareProfile("Linux", "x86_64", "3.11", 1)
EXAMPLES = ROOT / "contracts" / "examples"
SHIPPED = sorted((ROOT / "configs" / "dose_overlap").glob("*.yaml"))

# What the meaning, and not the schema, forbids: the place and a word of the complaint.
MEANINGLESS = {
    "base_that_is_not_there": ("simulation.base_npz", "no such file is there"),
    "digest_without_a_base": ("simulation.base_sha256", "expected both or neither"),
    "frame_as_large_as_half_the_object": ("simulation.object_size", "at least twice that"),
    "probe_larger_than_the_frame": ("simulation.probe_diameter", "at most that"),
    "sparse_denser_than_dense": ("design.overlaps.sparse", "less than dense has"),
    "too_few_neighbours": ("design.neighbor_count", "at least 4"),
}


@pytest.fixture
def study(tmp_path):
    """The study of a config given as sections."""

    def build(*, overrides=None, **sections):
        path = tmp_path / "my_study.yaml"
        data = {"flow": "dose_overlap", "design": {"doses": [1000, 100000]}, **sections}
        path.write_text(yaml.safe_dump(data), encoding="utf-8")
        return flow.study(read_config(path), overrides or {})

    return build


def examples(kind):
    return sorted((EXAMPLES / kind).glob("dose_overlap_config.*"))


@pytest.mark.parametrize("path", examples("valid"), ids=lambda path: path.name)
def test_a_valid_example_is_a_study(path):
    assert flow.study(read_config(path), {}).jobs


@pytest.mark.parametrize("path", examples("invalid"), ids=lambda path: path.name)
def test_an_invalid_example_is_refused_with_one_complaint(path):
    with pytest.raises(ConfigError) as caught:
        flow.study(read_config(path), {})

    assert len(caught.value.problems) == 1


@pytest.mark.parametrize("name", MEANINGLESS)
def test_what_no_schema_can_say_is_said_with_its_place(name):
    path = EXAMPLES / "invalid" / f"dose_overlap_config.{name}.yaml"
    with pytest.raises(ConfigError) as caught:
        flow.study(read_config(path), {})

    place, words = MEANINGLESS[name]
    assert f": {place}: " in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize("path", examples("invalid"), ids=lambda path: path.name)
def test_the_schema_alone_refuses_every_other_invalid_example(path):
    text = path.read_text(encoding="utf-8")
    data = json.loads(text) if path.suffix == ".json" else read_config(path).data

    expected = path.name.split(".")[1] in MEANINGLESS
    assert Draft202012Validator(schema()).is_valid(data) is expected


def test_the_shipped_configs_are_studies_of_so_many_cells():
    studies = {path.stem: flow.study(read_config(path), {}) for path in SHIPPED}

    assert {name: len({job.name for job in study.jobs}) for name, study in studies.items()} == {
        "ablation": 18,
        "equal_frames": 6,
        "smoke": 9,
        "sparse_impossible": 2,
        "study": 9,
    }


def test_each_cell_is_trained_once_in_each_variant_of_an_ablation(study):
    variants = {"plain": {}, "groups": {"gridsize": 2, "input": "frame"}}
    jobs = study(design={"doses": [1000], "views": ["baseline"], "variants": variants}).jobs

    assert [(job.name, job.directory) for job in jobs] == [
        ("baseline (dose=1e+03, groups)", "dose_1000/baseline/gs2/groups"),
        ("baseline (dose=1e+03, plain)", "dose_1000/baseline/gs1/plain"),
    ]
    plan = Plan.from_parameters(jobs[0].parameters)
    assert (plan.cell.variant, plan.training.gridsize, plan.training.input) == ("groups", 2, "frame")


def test_the_matrix_goes_dose_by_dose_and_names_its_cells(study):
    assert [(job.name, job.directory, job.seed) for job in study().jobs] == [
        ("baseline (dose=1e+03)", "dose_1000/baseline/gs1", None),
        ("dense (dose=1e+03)", "dose_1000/dense/gs2", None),
        ("sparse (dose=1e+03)", "dose_1000/sparse/gs2", None),
        ("baseline (dose=1e+05)", "dose_100000/baseline/gs1", None),
        ("dense (dose=1e+05)", "dose_100000/dense/gs2", None),
        ("sparse (dose=1e+05)", "dose_100000/sparse/gs2", None),
    ]


def test_several_seeds_get_a_directory_each(study):
    jobs = study(run={"seeds": [0, 7]}, design={"doses": [1000], "views": ["dense"]}).jobs

    assert [(job.seed, job.directory) for job in jobs] == [
        (0, "dose_1000/dense/gs2/seed-0"),
        (7, "dose_1000/dense/gs2/seed-7"),
    ]


def test_a_seed_is_the_seed_of_the_training(study):
    jobs = study(run={"seeds": [0, 7]}, design={"doses": [1000], "views": ["dense"]}).jobs

    assert [Plan.from_parameters(job.parameters).training.seed for job in jobs] == [0, 7]


def test_a_cell_is_trained_for_its_own_dose_and_gridsize(study):
    plans = [Plan.from_parameters(job.parameters) for job in study().jobs]

    assert [(plan.cell.view, plan.training.dose, plan.training.gridsize) for plan in plans] == [
        ("baseline", 1e3, 1),
        ("dense", 1e3, 2),
        ("sparse", 1e3, 2),
        ("baseline", 1e5, 1),
        ("dense", 1e5, 2),
        ("sparse", 1e5, 2),
    ]


def test_the_parameters_of_a_job_hold_all_that_decides_its_result(study):
    job = study(training={"epochs": 3}, simulation={"object_size": 96, "seed": 5}).jobs[1]

    assert job.parameters == {
        "cell": {"dose": 1000, "view": "dense"},
        "simulation": {
            "base_sha256": None,
            "object_size": 96,
            "frame_size": 32,
            "probe_diameter": 16.0,
            "probe_defocus": 3.0,
            "scan_step": 4.1,
            "seed": 5,
        },
        "overlap": 0.7,
        "frames": None,
        "training": {**job.parameters["training"], "dose": 1000.0, "gridsize": 2, "epochs": 3, "neighbor_count": 7},
        "solver": {"iterations": 15, "momentum": 0.5, "map_steps": 30, "smoothness": 3.0, "trust": 100.0},
    }


@pytest.mark.parametrize(
    "sections",
    [
        {"simulation": {"seed": 1}},
        {"simulation": {"scan_step": 5}},
        {"training": {"epochs": 7}},
        {"solver": {"iterations": 3}},
        {"solver": {"trust": 1.0}},
        {"training": {"input": "frame"}},
        {"training": {"split": 1}},
        {"threads": 2},
        {"design": {"doses": [1000, 100000], "overlaps": {"dense": 0.5}}},
        {"design": {"doses": [1000, 100000], "grouping_seed": 5}},
        {"design": {"doses": [1000, 100000], "frames": 12}},
        {"training": {"device": "cuda"}},
    ],
    ids=str,
)
def test_a_setting_that_decides_a_result_decides_the_key_of_its_job(study, sections):
    assert study(**sections).jobs[1].key != study().jobs[1].key


def test_the_overlap_of_another_view_leaves_the_key_of_a_job_as_it_is(study):
    other = study(design={"doses": [1000, 100000], "overlaps": {"sparse": 0.1}})

    assert other.jobs[1].key == study().jobs[1].key


def test_the_baseline_keeps_all_frames_in_any_case(study):
    limited, free = (study(design={"doses": [1000], "frames": frames}).jobs for frames in (12, None))

    assert [job.parameters["frames"] for job in limited] == [None, 12, 12]
    assert limited[0].key == free[0].key


def test_a_plan_survives_its_parameters(study):
    job = study().jobs[0]

    assert Plan.from_parameters(job.parameters).to_parameters() == job.parameters


def test_parameters_of_another_flow_are_refused():
    with pytest.raises(DataError, match="not those of a dose x overlap study"):
        Plan.from_parameters({"extractor": {}})


def test_a_base_is_pinned_by_its_content_wherever_it_lies(study, tmp_path):
    keys = []
    for name in ("one.npz", "two.npz"):
        (tmp_path / name).write_bytes(b"the same scan")
        keys.append(study(simulation={"base_npz": str(tmp_path / name)}).jobs[0].key)
    (tmp_path / "two.npz").write_bytes(b"another scan")
    keys.append(study(simulation={"base_npz": str(tmp_path / "two.npz")}).jobs[0].key)

    assert (keys[0] == keys[1], keys[1] == keys[2]) == (True, False)


def test_settings_given_again_make_the_same_study_without_the_base(study, tmp_path):
    base = tmp_path / "scan.npz"
    base.write_bytes(b"a scan")
    first = study(simulation={"base_npz": str(base)})
    base.unlink()

    again = study(**{name: value for name, value in first.settings.items() if name != "flow"})

    assert (again.settings, again.jobs) == (first.settings, first.jobs)


def test_the_command_line_overrides_the_config(study):
    result = study(overrides={"run_id": "mine", "output_root": "elsewhere", "seeds": [3]})

    assert (result.run_id, result.output_root, {job.seed for job in result.jobs}) == ("mine", "elsewhere", {3})


def test_a_run_is_named_after_its_config(study):
    assert study().run_id == "my_study"


@pytest.mark.parametrize("overrides", [{"seeds": [1, 1]}, {"seeds": [-1]}, {"run_id": "  "}], ids=str)
def test_an_override_that_cannot_be_is_refused(study, overrides):
    with pytest.raises(RequestError):
        study(overrides=overrides)


@pytest.mark.parametrize(
    ("dose", "text"), [(1000, "1e+03"), (1500, "1.5e+03"), (1501, "1.501e+03"), (1, "1e+00"), (10**12, "1e+12")]
)
def test_a_dose_is_told_with_as_few_digits_as_say_it_exactly(dose, text):
    assert dose_text(dose) == text


@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_a_cell_on_the_cpu_runs_on_any_machine(study, device):
    job = study(training={"device": device}).jobs[0]

    assert flow.missing_requirement(job, MACHINE, {"cuda": "no driver", "mps": "not a Mac"}) is None


def test_a_cell_whose_device_is_missing_says_what_would_do(study):
    job = study(training={"device": "cuda"}).jobs[0]

    assert flow.missing_requirement(job, MACHINE, {"cuda": "no driver", "mps": "not a Mac"}) == Skipped(
        Code.MISSING_CAPABILITY,
        "needs cuda, which is missing here: no driver; run it on a machine that has it, "
        "or set training.device to cpu or auto",
    )
