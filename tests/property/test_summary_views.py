"""Every published file is a faithful view of the summary: it keeps its contract, and can be read back."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from extractor_flow.contracts import summary_schema, violations
from extractor_flow.files import dumps, parse_json
from extractor_flow.flows.extractor_comparison import flow as extractor_comparison
from extractor_flow.render.formats import number
from extractor_flow.render.legacy_results import complete_results
from extractor_flow.render.manifest import skip_summary, training_manifest
from extractor_flow.render.markdown import render
from extractor_flow.render.markdown_layout import page_of
from extractor_flow.render.page.document import report
from extractor_flow.render.summary_csv import COLUMNS, table
from extractor_flow.render.summary_json import to_json
from extractor_flow.verify.checks.markdown import check_page
from line_fit import flow as line_fit
from support.generated.strategies import hostile_text, summaries
from support.render_samples import request

views = settings(max_examples=20)
vocabularies = st.sampled_from([line_fit.vocabulary, extractor_comparison.vocabulary])


@views
@given(summary=summaries(), words=vocabularies)
def test_the_json_keeps_the_contract_of_its_flow(summary, words):
    data = parse_json(dumps(to_json(summary, words)), where="summary.json")

    assert violations(data, summary_schema(words.results_key)) == []


@views
@given(summary=summaries(), words=vocabularies)
def test_the_markdown_read_back_is_the_page_that_the_published_json_gives(summary, words):
    published = parse_json(dumps(to_json(summary, words)), where="summary.json")

    assert list(check_page(render(summary, words), page_of(published, words))) == []


@views
@given(summary=summaries(), selection=st.lists(hostile_text(), max_size=2), dry_run=st.booleans())
def test_the_manifest_and_the_skips_keep_their_contracts_and_agree(summary, selection, dry_run):
    manifest = training_manifest(summary, selection=selection, dry_run=dry_run)
    skips = skip_summary(summary)

    assert violations(parse_json(dumps(manifest), where="manifest"), "training_manifest") == []
    assert violations(parse_json(dumps(skips), where="skips"), "skip_summary") == []
    assert {key: manifest[key] for key in ("skipped_jobs", "skipped_count")}.items() <= skips.items()


@views
@given(summary=summaries())
def test_the_historical_layout_keeps_its_contract_and_loses_no_job(summary):
    data = parse_json(dumps(complete_results(summary, {"run": {"num_envs": 1}})), where="complete_results.json")

    assert (violations(data, "complete_results"), len(data["results"])) == ([], len(summary.records))


@settings(max_examples=10)
@given(summary=summaries())
def test_the_page_has_only_elements_of_its_own(summary):
    text = report(summary, request(), line_fit.vocabulary, {})

    assert not [tag for tag in ("<script", "<img", "<iframe", "<object", "<link") if tag in text.lower()]


@views
@given(summary=summaries())
def test_the_table_has_every_number_of_every_job(summary):
    rows = list(csv.DictReader(io.StringIO(table(summary))))

    assert [row["job_key"] for row in rows] == [record.job_key for record in summary.records]
    for row, record in zip(rows, summary.records, strict=True):
        metrics = record.outcome.metrics if record.status == "success" else {}
        assert {float(value) for value in list(row.values())[len(COLUMNS) :] if value} == {*metrics.values()}


@settings(max_examples=100)
@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 6))
def test_a_number_that_is_shown_differs_from_the_measured_one_by_its_rounding_alone(value, decimals):
    exact = Decimal(value)
    leading = exact.adjusted() if abs(value) >= 1e15 else 0

    assert abs(Decimal(number(value, decimals)) - exact) <= Decimal(5).scaleb(leading - decimals - 1)
