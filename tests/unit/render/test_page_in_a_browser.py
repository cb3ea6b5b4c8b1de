"""The page as a real browser shows it: wide and narrow, light, dark and in print, for runs of all kinds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from extractor_flow.flows.extractor_comparison import flow as extractor_comparison
from extractor_flow.registry import find_flow
from extractor_flow.render.page.document import report
from extractor_flow.render.page.failures import failure_page
from extractor_flow.run.publish import read_summary
from extractor_flow.run.rundir import RunDirectory
from extractor_flow.study.statistics import describe
from extractor_flow.study.verdict import Verdict
from support import ROOT
from support.chromium import AXE, PROGRAM, browsing
from support.render_samples import completed, failed, request, skipped, summary
from unit.render.test_page import PNG

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium here")

WORDS = extractor_comparison.vocabulary
LONG = "a_name_without_a_place_to_break_it_" * 6

OVERFLOWING = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
HEIGHT = "document.documentElement.scrollHeight"
# What axe-core finds by all of its rules: their names, each with its first element. The inside of a drawing is of no
# concern to a screen reader, which is given the drawing's label, and would take most of the time.
FINDINGS = """axe.run({exclude: [['[role=img] > *']]}).then((found) => Object.fromEntries(
  found.violations.map((each) => [each.id, each.nodes[0].html.slice(0, 200)])))"""
# Texts of drawings, which axe-core leaves out, with a contrast below the 4.5 to 1 of WCAG.
FAINT = """(() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const over = ([r, g, b, a = 1], [x, y, z]) => [r * a + x * (1 - a), g * a + y * (1 - a), b * a + z * (1 - a)];
  const behind = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) {
      layers.push(parse(getComputedStyle(each).backgroundColor));
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const light = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((part) => part / 255).map(
      (part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const faint = new Set();
  for (const element of document.querySelectorAll('svg text')) {
    if (!element.textContent.trim() || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const ink = parse(style.fill);
    const [high, low] = [light(ink), light(behind(element))].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) faint.add(`${element.tagName}.${element.getAttribute('class')} ${ratio.toFixed(2)}`);
  }
  return [...faint];
})()"""
MEDIA = (
    *((width, dark, "screen") for width in (1200, 400) for dark in (False, True)),
    (720, False, "print"),  # about what a sheet of A4 is wide
)
SCREEN = 900
# Where what everybody asks first ends: what is best, did everything run, what failed, is this page verified.
FIRST = """Math.max(...[...document.querySelectorAll('.badges, nav, .verdict h2, .failure .reason')].map(
  (each) => each.getBoundingClientRect().bottom))"""
OPENED = "document.querySelectorAll('details').forEach((each) => { each.open = true; })"

EMPTIED = """document.querySelectorAll('details').forEach(
  (each) => [...each.children].slice(1).forEach((inner) => inner.remove()))"""


def trained(name, seed, reward):
    job = replace(completed(seed=seed, reward=reward), name=name)
    metrics = {
        **job.outcome.metrics,
        WORDS.headline: reward,
        "final_mean_reward": reward - 1,
        "extractor_parameters": 10,
    }
    curve = {"timesteps": [0, 2048, 4096], "mean_rewards": [-8.0, reward / 2, reward]}
    return replace(job, outcome=replace(job.outcome, metrics=metrics, details={"curve": curve}))


def comparison(names, seeds, *others, **changes):
    """Jobs of *names* under so many seeds, the first name for a baseline, with statistics and a verdict."""
    jobs = [trained(name, seed, number + seed % 3) for number, name in enumerate(names) for seed in range(seeds)]
    entries = tuple(
        {
            "config_name": name,
            "metric": WORDS.headline,
            "seeds": list(range(seeds)),
            **describe([float(number + seed % 3) for seed in range(seeds)]).to_json(),
            **({} if name == names[0] else {"baseline": names[0], "probability_of_improvement": 0.5}),
        }
        for number, name in enumerate(names)
    )
    counts = {"completed_runs": len(jobs), "failed_runs": 0, "skipped_runs": 0}
    verdict = Verdict("winner", f"{names[-1]} is better.", names[-1], ("on every seed",), ("one environment",))
    members = {"statistics": entries, "aggregate_metrics": counts, "verdict": verdict}
    return summary(*jobs, *others, **{**members, **changes})


def fallen(count):
    return [failed(seed=seed, log_tail=("x" * 300,)) for seed in range(count)]


PAGES = {
    "one seed": comparison(["mlp", "cnn"], 1),
    "thirty jobs": comparison([f"extractor_{n}" for n in range(6)], 5),
    "two hundred jobs": comparison([f"extractor_{n}" for n in range(40)], 5),
    "hostile names": comparison(
        [LONG, "<script>alert(1)</script>", "\u202egnp\u0645\u0631\u062d\u0628\u0627 | x"], 2, run_id=LONG
    ),
    "failures and skips": comparison(["mlp", "cnn"], 2, *fallen(14), skipped(), interrupted=True, notes=("slow",)),
    "nothing done": summary(failed(reason="y" * 500), skipped()),
}


LOOKS = {
    "one seed": {"width": 1200},
    "hostile names": {"width": 400, "dark": True},
    "failures and skips": {"width": 720, "media": "print"},  # which shows what tabs hide
    "two hundred jobs": {"width": 400},
    "a failed job": {"width": 400},
    "robot_nav_study": {"width": 1200, "dark": True},
    "dose_overlap_study": {"width": 720, "media": "print"},
}
UNFOLDED = {"one seed", "hostile names", "failures and skips"}


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with browsing(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.mark.parametrize("kind", PAGES)
def test_the_page_can_be_read_everywhere(browser, tmp_path, kind):
    page = tmp_path / "report.html"
    page.write_text(report(PAGES[kind], request(), WORDS, {}), encoding="utf-8")
    browser.show(width=1200)
    browser.open(page.as_uri())
    height = browser.ask(HEIGHT)
    first = browser.ask(FIRST)
    found = {}
    browser.ask(OPENED)
    for width, dark, media in MEDIA:
        browser.show(width=width, dark=dark, media=media)
        found[width, dark, media] = (browser.ask(OVERFLOWING), browser.ask(FAINT))

    assert found == dict.fromkeys(MEDIA, (0, []))
    assert 0 < first <= SCREEN
    assert browser.trouble == []
    assert height < 5000


def page_of(kind):
    """A page of :data:`PAGES`, a failed job's, or that of a kept run, made from its journal."""
    if kind in PAGES:
        return report(PAGES[kind], request(), WORDS, {})
    return failure_page(failed(), PAGES["nothing done"]) if kind == "a failed job" else sample(kind)


def sample(name):
    run = RunDirectory.open(ROOT / "docs" / "samples" / name)
    flow = find_flow(run.request()["flow"])
    figures = dict.fromkeys(run.figures(), PNG)
    return report(read_summary(run, flow), run.request(), flow.vocabulary, figures)


@pytest.mark.skipif(AXE is None, reason="axe-core-python is not installed")
@pytest.mark.parametrize(("kind", "look"), LOOKS.items())
def test_axe_core_finds_nothing(browser, tmp_path, kind, look):
    page = tmp_path / "report.html"
    page.write_text(page_of(kind), encoding="utf-8")
    browser.show(**look)
    browser.open(page.as_uri())
    # axe-core takes a minute for the folded tables of hundreds of jobs; those of few are alike.
    browser.ask(OPENED if kind in UNFOLDED else EMPTIED)
    browser.ask(f"{AXE.read_text(encoding='utf-8')};0")

    assert (browser.ask(FINDINGS), browser.trouble) == ({}, [])


def test_a_tab_shows_its_own_table_and_print_shows_all_of_them(browser, tmp_path):
    page = tmp_path / "report.html"
    page.write_text(report(PAGES["thirty jobs"], request(), WORDS, {}), encoding="utf-8")
    browser.show(width=1200)
    browser.open(page.as_uri())
    visible = "[...document.querySelectorAll('.panel')].map((each) => each.checkVisibility())"

    first = browser.ask(visible)
    browser.ask("document.querySelectorAll('.tabs label')[1].click()")
    second = browser.ask(visible)
    browser.show(width=1200, media="print")

    assert (first, second, browser.ask(visible)) == ([True, False], [False, True], [True, True])
