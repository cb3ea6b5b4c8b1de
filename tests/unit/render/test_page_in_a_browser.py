"""The page as a real browser shows it: wide and narrow, light, dark and in print, for runs of all kinds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from extractor_flow.flows.extractor_comparison import flow as extractor_comparison
from extractor_flow.render.page.document import report
from extractor_flow.study.statistics import describe
from extractor_flow.study.verdict import Verdict
from support.chromium import PROGRAM, browsing
from support.render_samples import completed, failed, request, skipped, summary

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium here")

WORDS = extractor_comparison.vocabulary
LONG = "a_name_without_a_place_to_break_it_" * 6

OVERFLOWING = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
HEIGHT = "document.documentElement.scrollHeight"
# What a screen reader needs, by rule: the elements that break it.
UNREADABLE = """(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const levels = all('h1,h2,h3,h4').map((each) => +each.tagName[1]);
  const ids = all('[id]').map((each) => each.id);
  const broken = {
    language: document.documentElement.lang ? [] : ['html'],
    title: document.title ? [] : ['title'],
    headings: levels.filter((level, place) => level > (levels[place - 1] || 0) + 1),
    oneTitle: levels.filter((level) => level === 1).slice(1),
    alternatives: all('img').filter((each) => !each.alt),
    drawings: all('svg').filter((each) => !each.closest('[role=img]')),
    labels: all('input').filter((each) => !each.labels.length || !each.labels[0].textContent.trim()),
    named: all('[role=img],[role=region],nav').filter((each) => !each.getAttribute('aria-label')),
    headers: all('table').filter((each) => !each.querySelector('thead th[scope=col]')),
    rows: all('tbody tr').filter((each) => !each.querySelector('th[scope=row]')),
    unique: ids.filter((id, place) => ids.indexOf(id) !== place),
    references: all('[aria-labelledby]').filter(
      (each) => !document.getElementById(each.getAttribute('aria-labelledby'))),
    reachable: all('pre,.scroll').filter((each) => each.tabIndex < 0),
  };
  return Object.fromEntries(Object.entries(broken).filter(([, found]) => found.length).map(
    ([rule, found]) => [rule, found.map((each) => each.outerHTML ? each.outerHTML.slice(0, 120) : each)]));
})()"""
# Texts that stand out from what is behind them by less than the 4.5 to 1 of WCAG.
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
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest('title')) continue;
    const style = getComputedStyle(element);
    const ink = parse(element.closest('svg') ? style.fill : style.color);
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
OPENED = "document.querySelectorAll('details').forEach((each) => { each.open = true; })"


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
    found = {"broken": browser.ask(UNREADABLE)}
    browser.ask(OPENED)
    for width, dark, media in MEDIA:
        browser.show(width=width, dark=dark, media=media)
        found[width, dark, media] = (browser.ask(OVERFLOWING), browser.ask(FAINT))

    assert found == {"broken": {}, **dict.fromkeys(MEDIA, (0, []))}
    assert browser.trouble == []
    assert height < 5000


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
