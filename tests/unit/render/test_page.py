"""The page is self-contained, obeys nothing that is written in it, and shows what the summary says."""

import base64
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractor_flow.files import printable
from extractor_flow.render.page.axis import Axis
from extractor_flow.render.page.curves import HEIGHT, spread
from extractor_flow.render.page.document import report
from extractor_flow.render.page.jobs_by_name import Named
from extractor_flow.render.page.ranking import Ranked, interval_name
from extractor_flow.study.page_spec import CurveSpec, Difference, GridSpec, MethodsSpec, PageSpec, PictureSpec
from extractor_flow.study.verdict import Verdict
from support.render_samples import (
    GPU,
    HOSTILE,
    WORDS,
    completed,
    failed,
    mixed,
    request,
    skipped,
    statistics_entry,
    summary,
)

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
VOID = {"meta", "img", "input"}
CURVE = CurveSpec("Curves", "How it went.", "curve", "x", "y")
GRID = GridSpec(
    title="Dose x view",
    explanation="Scores.",
    detail="cell",
    row="dose",
    column="view",
    row_title="Dose",
    shown=("best_mean_reward", Difference("Over nothing", "best_mean_reward", "floor")),
    methods=(MethodsSpec("Reward", {"trained": "best_mean_reward", "nothing": "floor"}),),
)
PLACES = replace(
    WORDS,
    page=PageSpec(curve=CURVE, grid=GRID, pictures=(PictureSpec("a.png", "A", "What a shows"),), ranked=("gain",)),
)


class Reader(HTMLParser):
    """Elements, attributes and texts of a page; wrong nesting is an error."""

    def __init__(self):
        super().__init__()
        self.open, self.elements, self.attributes, self.texts = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style" and data.strip():
            self.texts.append(data)


def read(page):
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def page_of(shown, words=WORDS, figures=(), **asked):
    return report(shown, request(**asked), words, dict(figures))


def after(reader, text, count):
    """The *count* texts that follow *text* for the last time."""
    place = len(reader.texts) - 1 - reader.texts[::-1].index(text)
    return reader.texts[place + 1 : place + 1 + count]


def cell(job, place, reward, curve):
    """A job of a grid."""
    name, seed = job
    job = replace(completed(seed=seed), name=name)
    details = {"cell": dict(zip(("dose", "view"), place, strict=True)), "curve": curve}
    metrics = {"best_mean_reward": reward, "floor": 1.0}
    return replace(job, outcome=replace(job.outcome, metrics=metrics, details=details))


def hostile_summary(text):
    entries = (
        statistics_entry(text, (1.0, 2.0), seeds=[1, 2], probability_of_improvement=0.5, baseline=text + "0"),
        statistics_entry(text + "0", (1.0, 2.0), seeds=[1, 2]),
    )
    jobs = [cell((name, seed), (text, text), 2.0, {text: 1}) for name in (text, text + "0") for seed in (1, 2)]
    return summary(
        replace(failed(reason=text, log_tail=(text,)), name=text),
        *jobs,
        run_id=text,
        output_root=text,
        notes=(text,),
        statistics=entries,
        hardware_overview=(replace(GPU, platform=text),),
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_adds_no_element_and_no_attribute(text):
    words = replace(PLACES, page=replace(PLACES.page, settings={"Environment": ("env", "other")}))

    def structure(text):
        asked = {"command": [text], "config": {"env": text, "other": {text: [text]}}, "config_path": text}
        found = read(page_of(hostile_summary(text), words, {"a.png": PNG}, **asked))
        return found.elements, [name for name, _ in found.attributes]

    assert structure(text) == structure("x")


@given(st.text(st.characters(codec=None), min_size=1).filter(str.strip))
def test_a_reason_is_shown_with_what_a_screen_would_obey_spelled_out(text):
    page = page_of(summary(failed(reason=text)))

    assert read(page).texts.count(printable(text).replace("\r", "\\r")) >= 2
    assert page.encode("utf-8")


def test_the_page_loads_nothing_and_runs_nothing():
    found = read(page_of(mixed(), PLACES, {"a.png": PNG}))

    assert {"script", "link", "iframe", "object", "form", "button"} & set(found.elements) == set()
    assert {name for name, _ in found.attributes if name.startswith("on")} == set()
    assert {value[:22] for name, value in found.attributes if name == "src"} == {"data:image/png;base64,"}
    assert {value for name, value in found.attributes if name == "href" and value[0] != "#"} == {
        "summary.csv",
        "extractors/lstm_small/seed-1/failure.html",
    }
    assert ("content", "default-src 'none'; img-src data:; style-src 'unsafe-inline'") in found.attributes


def test_links_inside_the_page_lead_somewhere_and_names_of_places_are_unique():
    found = read(page_of(mixed(), PLACES, {"a.png": PNG}))
    places = [value for name, value in found.attributes if name == "id"]

    assert {value[1:] for name, value in found.attributes if name == "href" and value[0] == "#"} - {*places} == set()
    assert len(places) == len(set(places))


@pytest.mark.parametrize("words", [WORDS, PLACES], ids=["every figure", "those that the flow names"])
def test_figures_are_inside_the_page(words):
    found = read(page_of(mixed(), words, {"a.png": PNG}))

    assert [base64.b64decode(value.partition(",")[2]) for name, value in found.attributes if name == "src"] == [PNG]


def test_a_figure_that_is_no_png_is_named_and_not_shown():
    found = read(page_of(mixed(), WORDS, {"page.png": b"<svg onload=alert(1)>"}))

    assert ("img" in found.elements, "page.png is not a PNG file and is not shown." in found.texts) == (False, True)


def test_jobs_that_failed_alike_are_told_together_and_failures_first():
    jobs = (skipped(seed=1), failed(seed=1), failed("other", 1), failed(seed=2, reason="another"))
    found = read(page_of(summary(*jobs)))

    assert found.texts.count("ValueError: boom") == 3  # once above, and in the rows of the two jobs
    place = found.texts.index("Failures and skips")
    told = "".join(found.texts[place:])
    assert told.index("lstm_small seed 1, other seed 1") < told.index("another") < told.index("needs CUDA")


def test_the_verdict_comes_first_with_its_details_and_limits():
    verdict = Verdict("winner", "a is better.", "a", ("on 5 of 5 seeds",), ("one environment",))
    found = read(page_of(summary(completed(), verdict=verdict, notes=("slow",))))

    place = found.texts.index("a is better.")
    assert found.texts[place : place + 6] == [
        *("a is better.", "on 5 of 5 seeds", "Limit:", " one environment", "Note:", " slow")
    ]


def test_the_end_of_a_failed_jobs_log_is_there():
    found = read(page_of(summary(failed(log_tail=("step 1", "<b>boom</b>")))))

    assert "step 1\n<b>boom</b>" in found.texts


def test_each_artifact_has_its_digest_and_its_size():
    found = read(page_of(summary(completed())))
    (artifact,) = completed().outcome.artifacts.values()

    assert after(found, artifact.path, 2) == [str(artifact.size_bytes), artifact.sha256]


def test_a_metric_that_a_job_lacks_is_marked_absent():
    other = completed(seed=43)
    other = replace(other, outcome=replace(other.outcome, metrics={"speed": 2.0}))
    found = read(page_of(summary(completed(), other)))

    row = found.texts.index("total_parameters")
    assert found.texts[row + 1 : row + 3] == ["54760.00", "n/a"]


def test_an_interrupted_run_says_so_and_another_does_not():
    interrupted, whole = (page_of(summary(completed(), interrupted=flag)) for flag in (True, False))

    assert ("interrupted:" in interrupted, "interrupted:" in whole) == (True, False)


def test_names_are_ranked_best_first_and_compared_with_the_baseline_seed_by_seed():
    jobs = [completed(name, seed, reward) for name, seed, reward in (("a", 1, 1.0), ("a", 2, 2.0), ("b", 1, 4.0))]
    entries = (
        statistics_entry("a", (1.0, 2.0), seeds=[1, 2]),
        statistics_entry("b", (4.0,), seeds=[1], probability_of_improvement=1.0, baseline="a"),
    )
    found = read(page_of(summary(*jobs, statistics=entries)))

    rows = found.texts[found.texts.index("Seeds won") :]
    assert rows[1:8] == ["b", "1", "4.00", "n/a", "+3.00", "+3.00 to +3.00", "1 of 1"]
    assert rows[8:15] == ["a", "baseline", "2", "1.50", "range 1.00 to 2.00", "n/a", "n/a"]
    assert "wins 1 of 1 seeds" in found.texts


@pytest.mark.parametrize(
    ("stated", "name"),
    [
        ([("range", None), ("order-statistics", 0.94), ("order-statistics", 0.95)], "94% interval"),
        ([("order-statistics", None)], "95% interval"),
        ([("range", None)], "Range"),
    ],
)
def test_an_interval_is_called_by_the_least_coverage_that_is_stated(stated, name):
    entries = [{"interval": kind, **({} if share is None else {"coverage": share})} for kind, share in stated]

    assert interval_name([Ranked(Named("a", 0, ()), {}, entry, None, is_baseline=False) for entry in entries]) == name


def test_without_a_headline_metric_there_is_no_ranking():
    found = read(page_of(summary(failed(), skipped())))

    assert "Ranking" not in found.texts


def test_a_grid_shows_means_and_ranges_by_place_and_what_is_not_there():
    jobs = (
        cell(("a", 1), (1000, "dense"), 2.0, [{"x": 0, "y": 1.0}, {"x": 1, "y": 2.0}]),
        cell(("a", 2), (1000, "dense"), 4.0, [{"x": 0, "y": 1.0}, {"x": 1, "y": 3.0}]),
        cell(("b", 1), (10, "sparse"), 1.0, "no curve"),
    )
    found = read(page_of(summary(*jobs), PLACES))

    table = found.texts[found.texts.index("Dose") :]
    assert table[:8] == ["Dose", "dense", "sparse", "1,000", "3.00", " reward", "2.00 to 4.00", "not trained"]
    assert [word in found.texts for word in ("Over nothing", "trained", "nothing", "Curves")] == [True] * 4


@pytest.mark.parametrize(
    "curve",
    [None, "text", 5, [], {}, {"x": 1, "y": 2}, {"x": ["a"], "y": [True]}, [1, {"x": 1}], {"x": [1.0], "y": [1e308]}],
)
def test_what_is_no_curve_is_not_drawn(curve):
    found = read(page_of(summary(cell(("a", 1), (1, "v"), 1.0, curve)), PLACES))

    assert "Curves" not in found.texts


def test_a_long_curve_is_thinned_out_and_keeps_its_ends():
    curve = {"x": list(range(10_001)), "y": [float(x) for x in range(10_001)]}
    words = replace(WORDS, page=PageSpec(curve=CURVE))
    points = dict(read(page_of(summary(cell(("a", 1), (1, "v"), 1.0, curve)), words)).attributes)["points"].split()

    assert (len(points) < 130, points[0], points[-1]) == (True, "0,100", "100,0")


def test_what_the_page_says_of_how_it_was_made():
    words = replace(WORDS, page=PageSpec(settings={"Environment": ("env.id", "env.kwargs"), "Budget": ("run.steps",)}))
    config = {"env": {"id": "Nav-v0", "kwargs": {"max_steps": 200}}, "run": {"steps": 64}}
    found = read(page_of(summary(completed()), words, config=config))

    assert after(found, "Environment", 1) == ["Nav-v0, max steps 200"]
    assert after(found, "Budget", 1) == ["steps 64"]
    assert after(found, "Commit", 1) == [f"{'a' * 12} (with uncommitted changes)"]
    assert [line.partition("  #")[0] for line in after(found, "Do it again", 1)[0].splitlines()] == [
        f"git checkout {'a' * 40}",
        "extractor-flow run 'my study.yaml'",
        "extractor-flow verify RUN_DIR --replay 'mlp_small seed 42'",
        "extractor-flow verify RUN_DIR",
    ]


@given(st.lists(st.floats(-1e299, 1e299), min_size=1, max_size=6))
def test_every_value_lies_on_the_axis_between_its_ends(values):
    axis = Axis.of(values)

    places = [axis.percent(value) for value in sorted(values)]

    assert places == sorted(places)
    assert all(0 <= place <= 100 for place in places)
    assert 2 <= len(axis.ticks()) <= 8


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (-7.1, 0.9, ["-8", "-6", "-4", "-2", "0", "2"]),
        (0.0, 0.0, ["0.0", "0.2"]),
        (3.0, 3.0, ["3", "4"]),
        (0.012, 0.058, ["0.01", "0.02", "0.03", "0.04", "0.05", "0.06"]),
        (1e-9, 5e-9, ["1e-09", "2e-09", "3e-09", "4e-09", "5e-09"]),
        (0, 15_000, ["0", "5k", "10k", "15k"]),
    ],
)
def test_an_axis_has_round_labels(low, high, labels):
    assert [label for _, label in Axis(low, high).ticks()] == labels


@given(st.lists(st.floats(0, HEIGHT), max_size=6))
def test_labels_at_the_ends_of_lines_do_not_hide_each_other(heights):
    placed = [height for _, height, _ in spread([("label", height, "") for height in heights])]

    assert all(after - before > 12.89 for before, after in pairwise(placed))  # each is rounded to a tenth
    assert not placed or placed[-1] <= HEIGHT + 0.1
