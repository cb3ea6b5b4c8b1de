"""What a job of the flow ``spirals`` leaves, declared once."""

from extractor_flow.study.job_contract import ArtifactSpec, JobContract, MetricSpec

CONTRACT = JobContract(
    artifacts={"model": ArtifactSpec("model.json", reproducible=True)},
    metrics={
        "accuracy": MetricSpec("Accuracy on points not trained on", decimals=3, described=True, compared=True),
        "untrained_accuracy": MetricSpec("Accuracy before training", decimals=3),
        "loss": MetricSpec("Loss on the training points", decimals=4, larger_is_better=False),
    },
)
