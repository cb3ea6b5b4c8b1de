"""What lies beside the page: drawings as files of their own, and a page for each job that failed."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from extractor_flow.flows.extractor_comparison import flow as extractor_comparison
from extractor_flow.render.page.charts import charts
from extractor_flow.render.page.document import report
from extractor_flow.render.page.failures import failure_page, has_page
from support.render_samples import HOSTILE, WORDS, completed, failed, request, skipped, statistics_entry, summary
from unit.render.test_page import PLACES, hostile_summary, read

SVG = "{http://www.w3.org/2000/svg}"


def job_page(job):
    return failure_page(job, summary(job))


def test_a_failed_job_has_a_page_that_the_report_links_to_and_that_links_back():
    job = failed(log_tail=("step 1", "<b>boom</b>"))
    links = [value for name, value in read(report(summary(job), request(), WORDS, {})).attributes if name == "href"]
    found = read(job_page(job))

    assert links.count("extractors/lstm_small/seed-42/failure.html") == 2  # at its reason, and in the table of all jobs
    assert ("href", "../../../report.html") in found.attributes
    assert {"lstm_small seed 42", "ValueError: boom", "step 1\n<b>boom</b>"} <= {*found.texts}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_adds_nothing_to_a_failed_jobs_page(text):
    def structure(text):
        job = replace(failed(reason=text, log_tail=(text,)), name=text, start_time=text)
        found = read(failure_page(job, summary(job, run_id=text)))
        return found.elements, [name for name, _ in found.attributes]

    assert structure(text) == structure("x")


def test_the_end_of_a_log_is_bounded():
    page = job_page(failed(log_tail=("x" * 10**6,) * 1000))

    assert 40_000 < len(page) < 60_000


@pytest.mark.parametrize(
    "job",
    [
        completed(),
        skipped(),
        failed(log_tail=()),
        *(
            failed(directory=place)
            for place in ("", "/etc", "..", "a/../../b", "javascript:x", "a//b", "a\udc80", ".git")
        ),
    ],
)
def test_what_has_no_log_or_no_place_in_the_run_has_no_page(job):
    assert not has_page(job)


def test_a_drawing_in_a_file_shows_the_jobs_that_the_page_shows():
    jobs = [completed(name, seed, reward) for name, seed, reward in (("a", 1, 1.0), ("a", 2, 2.0), ("b", 1, 4.0))]
    shown = summary(*jobs, statistics=(statistics_entry("a", (1.0, 2.0), seeds=[1, 2]),))
    found = read(report(shown, request(), WORDS, {}))

    (drawn,) = charts(shown, WORDS).values()
    circles = [each.get("cx") for each in ET.fromstring(drawn).iter(f"{SVG}circle")]

    assert circles == [value for name, value in found.attributes if name == "cx"]
    assert len(circles) == len(jobs)
    assert ("var(" in drawn, "Best mean reward, reward (more is better)" in drawn) == (False, True)


@pytest.mark.parametrize("words", [extractor_comparison.vocabulary, PLACES], ids=["names", "a grid"])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_leaves_a_drawing_whole(text, words):
    def structure(text):
        made = charts(hostile_summary(text), words)
        return [[each.tag for each in ET.fromstring(drawn).iter()] for drawn in made.values()]

    assert structure(text) == structure("x")
