"""The contract of an evidence folder's index, by its examples."""

import pytest

from support.contract_examples import Examples

EXAMPLES = Examples("evidence_index")
WHERE_AND_WHY = {
    "complete_with_a_reason": ("$.incomplete_because", "must not be there"),
    "complete_without_exit_status": ("$", "'exit_status' is a required property"),
    "file_of_unknown_kind": ("$.files[0].kind", "'notes' is not one of"),
    "file_outside_of_the_folder": ("$.files[0].path", "does not match"),
    "file_without_digest": ("$.files[0]", "'sha256' is a required property"),
    "incomplete_without_a_reason": ("$", "'incomplete_because' is a required property"),
    "unknown_member": ("$", "('winner' was unexpected)"),
    "unknown_outcome": ("$.tests.outcomes", "'success' is not one of"),
    "without_pytest": ("$.packages", "'pytest' is a required property"),
}


@pytest.mark.parametrize("name", EXAMPLES.names("valid"))
def test_a_valid_index_passes(name):
    assert EXAMPLES.found_in("valid", name) == []


@pytest.mark.parametrize("name", WHERE_AND_WHY)
def test_an_invalid_index_fails_once_where_its_defect_is(name):
    path, why = WHERE_AND_WHY[name]

    (found,) = EXAMPLES.found_in("invalid", name)

    assert (found.path, why in found.message) == (path, True), found


def test_every_invalid_index_is_checked():
    assert EXAMPLES.names("invalid") == sorted(WHERE_AND_WHY)
