"""Every valid example passes its contract; every invalid one fails for the one defect that its name tells."""

import json

import pytest

from extractor_flow.contracts import schema_names, violations
from support import ROOT

WHERE_AND_WHY = {
    "archive.largest_size_as_text": ("$.largest", "is not of type 'integer'"),
    "archive.path_outside_the_run": ("$.left_out[0].path", "does not match"),
    "archive.redacted_without_files": ("$.redacted", "'files' is a required property"),
    "attestation.another_statement": ("$._type", "'https://in-toto.io/Statement/v1' was expected"),
    "attestation.subject_elsewhere": ("$.subject[0].name", "does not match"),
    "attestation.without_verdict": ("$.predicate", "'verdict' is a required property"),
    "complete_results.failure_completed": ("$.results.lstm_small.completed", "False was expected"),
    "complete_results.failure_with_reward": ("$.results.lstm_small.best_reward", "must not be there"),
    "complete_results.failure_without_code": ("$.results.lstm_small", "'code' is a required property"),
    "complete_results.no_results": ("$.results", "should be non-empty"),
    "complete_results.skip_without_reason": ("$.results.attention_large", "'reason' is a required property"),
    "complete_results.success_not_completed": ("$.results.mlp_small.completed", "True was expected"),
    "complete_results.success_with_reason": ("$.results.mlp_small.reason", "must not be there"),
    "complete_results.success_without_artifacts": ("$.results.mlp_small", "'artifacts' is a required property"),
    "complete_results.total_time_null": ("$.comparison_metadata.total_time", "is not of type 'number'"),
    "job_record.artifact_above_the_run": ("$.artifacts.final_model.path", "does not match"),
    "job_record.artifact_as_path": ("$.artifacts.final_model", "is not of type 'object'"),
    "job_record.artifact_digest_in_capitals": ("$.artifacts.final_model.sha256", "does not match"),
    "job_record.artifact_empty": ("$.artifacts.final_model.size_bytes", "less than the minimum of 1"),
    "job_record.artifact_without_digest": ("$.artifacts.final_model", "'sha256' is a required property"),
    "job_record.failed_with_details": ("$.details", "must not be there"),
    "job_record.failed_with_the_code_of_a_skip": ("$.code", "'dry-run' is not one of"),
    "job_record.failed_without_code": ("$", "'code' is a required property"),
    "job_record.failed_without_log_tail": ("$", "'log_tail' is a required property"),
    "job_record.previous_in_capitals": ("$.previous", "does not match"),
    "job_record.skipped_with_end": ("$.end_time", "must not be there"),
    "job_record.killed_without_signal": ("$", "'signal' is a required property"),
    "job_record.raised_with_a_signal": ("$.signal", "must not be there"),
    "job_record.signal_by_number": ("$.signal", "does not match"),
    "job_record.skipped_with_the_code_of_a_failure": ("$.code", "'killed' is not one of"),
    "job_record.skipped_without_code": ("$", "'code' is a required property"),
    "job_record.success_with_code": ("$.code", "must not be there"),
    "job_record.success_with_log_tail": ("$.log_tail", "must not be there"),
    "job_record.success_without_details": ("$", "'details' is a required property"),
    "job_record.success_without_metrics": ("$", "'metrics' is a required property"),
    "job_record.unknown_member": ("$", "('test_mode' was unexpected)"),
    "run.command_as_text": ("$.command", "is not of type 'array'"),
    "run.commit_not_a_hash": ("$.git.commit", "does not match"),
    "run.config_as_text": ("$.config", "is not of type 'object'"),
    "run.contract_of_version_zero": ("$.job_contract.version", "less than the minimum of 1"),
    "run.git_without_dirty": ("$.git", "'dirty' is a required property"),
    "run.job_without_key": ("$.jobs[0]", "'job_key' is a required property"),
    "run.no_jobs": ("$.jobs", "should be non-empty"),
    "run.run_directory_is_a_path": ("$.run_directory", "does not match"),
    "run.selection_missing": ("$", "'selection' is a required property"),
    "run.start_as_number": ("$.start_sha256", "is not of type 'string'"),
    "run.unknown_member": ("$", "('test_mode' was unexpected)"),
    "run.without_config_digest": ("$", "'config_sha256' is a required property"),
    "run_comparison.job_nearly_equal": ("$.comparisons[0].jobs[0].match", "'close' is not one of"),
    "run_result.exit_code_as_text": ("$.exit_code", "is not of type 'integer'"),
    "run_result.failure_without_code": ("$.jobs[2]", "'code' is a required property"),
    "run_result.skip_with_the_code_of_a_failure": ("$.jobs[1].code", "'killed' is not one of"),
    "run_result.success_with_reason": ("$.jobs[0].reason", "must not be there"),
    "run_result.without_published": ("$", "'published' is a required property"),
    "run_start.directory_is_a_path": ("$.run_directory", "does not match"),
    "run_start.unknown_member": ("$", "('test_mode' was unexpected)"),
    "run_start.without_previous": ("$", "'previous' is a required property"),
    "skip_summary.count_as_text": ("$.skipped_count", "is not of type 'integer'"),
    "skip_summary.skip_without_code": ("$.skipped_jobs[0]", "'code' is a required property"),
    "skip_summary.skip_without_reason": ("$.skipped_jobs[0]", "'reason' is a required property"),
    "skip_summary.unknown_member": ("$", "('skipped' was unexpected)"),
    "slurm_settings.nothing_at_once": ("$.at_once", "is less than the minimum of 1"),
    "skip_summary.without_count": ("$", "'skipped_count' is a required property"),
    "subjects.no_files": ("$.files", "should be non-empty"),
    "subjects.path_outside_the_run": ("$.files[0].path", "does not match"),
    "subjects.without_size": ("$.files[0]", "'size_bytes' is a required property"),
    "training_manifest.artifact_without_size": (
        "$.jobs[0].artifacts.final_model",
        "'size_bytes' is a required property",
    ),
    "training_manifest.job_with_details": ("$.jobs[0]", "('details' was unexpected)"),
    "training_manifest.negative_skipped_count": ("$.skipped_count", "less than the minimum of 0"),
    "training_manifest.no_jobs": ("$.jobs", "should be non-empty"),
    "training_manifest.skip_summary_outside_the_run": ("$.skip_summary_path", "does not match"),
    "training_manifest.success_without_artifacts": ("$.jobs[0]", "'artifacts' is a required property"),
    "training_manifest.without_dry_run": ("$", "'dry_run' is a required property"),
    "training_summary.aggregate_as_text": ("$.aggregate_metrics.best_mean_reward", "is not of type 'number'"),
    "training_summary.another_schema_version": ("$.schema_version", "1 was expected"),
    "training_summary.artifact_above_the_run": ("$.extractor_results[0].artifacts.final_model", "does not match"),
    "training_summary.artifact_absolute": ("$.extractor_results[0].artifacts.final_model", "does not match"),
    "training_summary.artifact_is_the_run": ("$.extractor_results[0].artifacts.final_model", "does not match"),
    "training_summary.artifact_on_a_drive": ("$.extractor_results[0].artifacts.final_model", "does not match"),
    "training_summary.artifact_with_backslash": ("$.extractor_results[0].artifacts.final_model", "does not match"),
    "training_summary.artifact_with_line_break": ("$.extractor_results[0].artifacts.final_model", "does not match"),
    "training_summary.attempt_zero": ("$.extractor_results[0].attempt", "less than the minimum of 1"),
    "training_summary.blank_name": ("$.extractor_results[0].config_name", "does not match"),
    "training_summary.cuda_version_without_gpu": (
        "$.extractor_results[0].hardware_profile",
        "'gpu_model' is a dependency of 'cuda_version'",
    ),
    "training_summary.directory_outside_the_run": ("$.extractor_results[0].directory", "does not match"),
    "training_summary.failure_of_no_job": ("$.failures[0].jobs", "should be non-empty"),
    "training_summary.failed_with_an_end_and_no_duration": (
        "$.extractor_results[0]",
        "'duration_seconds' is a dependency of 'end_time'",
    ),
    "training_summary.failed_with_artifacts": ("$.extractor_results[0].artifacts", "must not be there"),
    "training_summary.failed_with_blank_reason": ("$.extractor_results[0].reason", "does not match"),
    "training_summary.failed_with_metrics": ("$.extractor_results[0].metrics", "must not be there"),
    "training_summary.failed_with_training_steps": ("$.extractor_results[0].training_steps", "must not be there"),
    "training_summary.failed_without_reason": ("$.extractor_results[0]", "'reason' is a required property"),
    "training_summary.gpu_without_cuda_version": (
        "$.hardware_overview[0]",
        "'cuda_version' is a dependency of 'gpu_model'",
    ),
    "training_summary.improvement_above_one": (
        "$.statistics[1].probability_of_improvement",
        "greater than the maximum of 1",
    ),
    "training_summary.improvement_without_baseline": ("$.statistics[1]", "'baseline' is a dependency"),
    "training_summary.interval_of_one_seed": ("$.statistics[2].low", "must not be there"),
    "training_summary.interval_without_coverage": ("$.statistics[3]", "'coverage' is a required property"),
    "training_summary.job_key_ends_in_a_line_break": ("$.extractor_results[0].job_key", "does not match"),
    "training_summary.job_key_too_short": ("$.extractor_results[0].job_key", "does not match"),
    "training_summary.range_called_interval": ("$.statistics[0].interval", "'range' was expected"),
    "training_summary.restricted_mean_of_unknown_seeds": ("$.statistics[4]", "'censored' is a dependency"),
    "training_summary.test_without_correction": ("$.statistics[3].paired", "'p_adjusted' is a dependency"),
    "training_summary.metric_as_text": ("$.extractor_results[0].metrics.best_mean_reward", "is not of type 'number'"),
    "training_summary.metric_null": ("$.extractor_results[0].metrics.best_mean_reward", "is not of type 'number'"),
    "training_summary.metric_true": ("$.extractor_results[0].metrics.best_mean_reward", "is not of type 'number'"),
    "training_summary.negative_duration": ("$.extractor_results[0].duration_seconds", "less than the minimum of 0"),
    "training_summary.no_hardware": ("$.hardware_overview", "should be non-empty"),
    "training_summary.no_results": ("$.extractor_results", "should be non-empty"),
    "training_summary.no_statistics": ("$.statistics", "should be non-empty"),
    "training_summary.no_workers": ("$.hardware_overview[0].workers", "less than the minimum of 1"),
    "training_summary.result_with_unknown_member": ("$.extractor_results[0]", "('rank' was unexpected)"),
    "training_summary.result_without_start": ("$.extractor_results[0]", "'start_time' is a required property"),
    "training_summary.seed_as_text": ("$.extractor_results[0].seed", "is not of type 'integer'"),
    "training_summary.several_seeds_without_interval": ("$.statistics[0]", "'low' is a required property"),
    "training_summary.skipped_with_artifacts": ("$.extractor_results[0].artifacts", "must not be there"),
    "training_summary.skipped_with_hardware": ("$.extractor_results[0].hardware_profile", "must not be there"),
    "training_summary.skipped_with_metrics": ("$.extractor_results[0].metrics", "must not be there"),
    "training_summary.skipped_without_reason": ("$.extractor_results[0]", "'reason' is a required property"),
    "training_summary.statistics_without_values": ("$.statistics[0].values", "should be non-empty"),
    "training_summary.success_with_empty_artifacts": ("$.extractor_results[0].artifacts", "should be non-empty"),
    "training_summary.success_with_empty_metrics": ("$.extractor_results[0].metrics", "should be non-empty"),
    "training_summary.success_with_half_a_step": ("$.extractor_results[0].training_steps", "is not of type 'integer'"),
    "training_summary.success_with_no_training_steps": (
        "$.extractor_results[0].training_steps",
        "less than the minimum of 1",
    ),
    "training_summary.success_with_reason": ("$.extractor_results[0].reason", "must not be there"),
    "training_summary.success_without_artifacts": ("$.extractor_results[0]", "'artifacts' is a required property"),
    "training_summary.success_without_duration": (
        "$.extractor_results[0]",
        "'duration_seconds' is a required property",
    ),
    "training_summary.success_without_end": ("$.extractor_results[0]", "'end_time' is a required property"),
    "training_summary.success_without_hardware": (
        "$.extractor_results[0]",
        "'hardware_profile' is a required property",
    ),
    "training_summary.success_without_metrics": ("$.extractor_results[0]", "'metrics' is a required property"),
    "training_summary.success_without_training_steps": (
        "$.extractor_results[0]",
        "'training_steps' is a required property",
    ),
    "training_summary.time_not_in_the_calendar": ("$.extractor_results[0].end_time", "is not a 'date-time'"),
    "training_summary.time_with_offset": ("$.created_at", "does not match"),
    "training_summary.unknown_member": ("$", "('winner' was unexpected)"),
    "training_summary.unknown_status": ("$.extractor_results[0].status", "is not one of"),
    "training_summary.unknown_worker_mode": ("$.extractor_results[0].worker_mode", "is not one of"),
    "training_summary.verdict_without_limits": ("$.verdict", "'limits' is a required property"),
    "training_summary.without_counts": ("$.aggregate_metrics", "'skipped_runs' is a required property"),
    "training_summary.without_results": ("$", "'extractor_results' is a required property"),
    "training_summary.without_run_id": ("$", "'run_id' is a required property"),
}
EXAMPLES = ROOT / "contracts/examples"
CHECKED_HERE = {name.partition(".")[0] for name in WHERE_AND_WHY}


def names(kind):
    files = [entry.name for entry in (EXAMPLES / kind).iterdir() if entry.name.endswith(".json")]
    return sorted(name.removesuffix(".json") for name in files)


def checked(kind, name):
    data = json.loads((EXAMPLES / kind / f"{name}.json").read_text(encoding="utf-8"))
    return violations(data, name.partition(".")[0])


@pytest.mark.parametrize("name", names("valid"))
def test_a_valid_example_passes(name):
    assert checked("valid", name) == []


@pytest.mark.parametrize("name", WHERE_AND_WHY)
def test_an_invalid_example_fails_once_where_its_defect_is_and_for_that_reason(name):
    path, why = WHERE_AND_WHY[name]

    (found,) = checked("invalid", name)

    assert (found.path, why in found.message) == (path, True), found


def test_every_invalid_example_of_these_contracts_is_checked():
    assert {name for name in names("invalid") if name.partition(".")[0] in CHECKED_HERE} == WHERE_AND_WHY.keys()


@pytest.mark.parametrize("kind", ["valid", "invalid"])
def test_every_contract_that_is_checked_here_has_examples_of_both_kinds(kind):
    assert CHECKED_HERE - {name.partition(".")[0] for name in names(kind)} == set()


def test_an_example_is_named_after_its_contract():
    assert {name.partition(".")[0] for kind in ("valid", "invalid") for name in names(kind)} - {
        *schema_names()
    } == set()
