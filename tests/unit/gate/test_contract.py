"""The contract of a lane report's lines, by its examples."""

import pytest

from support.contract_examples import Examples

EXAMPLES = Examples("lane_report")
WHERE_AND_WHY = {
    "closing_negative_status": ("$.exit_status", "-9 is less than the minimum of 0"),
    "closing_no_records": ("$.records", "0 is less than the minimum of 1"),
    "closing_without_digest": ("$", "'sha256' is a required property"),
    "collected_marker_twice": ("$.markers", "non-unique"),
    "collected_unknown_member": ("$", "'outcome' was unexpected"),
    "collected_without_markers": ("$", "'markers' is a required property"),
    "header_another_version": ("$.schema_version", "1 was expected"),
    "header_capability_without_reason": ("$.capabilities.cuda", "'reason' is a required property"),
    "header_commit_without_source": ("$.git", "'source' is a required property"),
    "header_lane_with_markup": ("$.lane", "'<b>' does not match"),
    "header_short_commit": ("$.git.commit", "'0123abc' does not match"),
    "header_without_packages": ("$", "'packages' is a required property"),
    "no_record": ("$", "'record' is a required property"),
    "outcome_existing_run_denied": ("$.existing_run", "True was expected"),
    "outcome_failed_without_reason": ("$", "'reason' is a required property"),
    "outcome_negative_seconds": ("$.seconds", "-1 is less than the minimum of 0"),
    "outcome_null_reason": ("$.reason", "None is not of type 'string'"),
    "outcome_passed_not_executed": ("$.executed", "True was expected"),
    "outcome_skipped_but_executed": ("$.executed", "False was expected"),
    "outcome_unknown": ("$.outcome", "'success' is not one of"),
    "run_without_root": ("$", "'root' is a required property"),
    "uncollected_mentions_text": ("$.mentions", "is not of type 'array'"),
    "uncollected_passed": ("$.outcome", "'passed' is not one of"),
    "unknown_record": ("$.record", "'footer' is not one of"),
}


@pytest.mark.parametrize("name", EXAMPLES.names("valid"))
def test_a_valid_line_passes(name):
    assert EXAMPLES.found_in("valid", name) == []


@pytest.mark.parametrize("name", WHERE_AND_WHY)
def test_an_invalid_line_fails_once_where_its_defect_is(name):
    path, why = WHERE_AND_WHY[name]

    (found,) = EXAMPLES.found_in("invalid", name)

    assert (found.path, why in found.message) == (path, True), found


def test_every_invalid_line_is_checked():
    assert EXAMPLES.names("invalid") == sorted(WHERE_AND_WHY)
