"""Runs a training comparison for real, and verifies that its summary is true.

Data flows one way::

    YAML --config--> mapping --Flow.jobs--> Job* --executor--> JobRecord* --summarize--> RunSummary
         --render--> JSON, Markdown, figures --rundir--> files --verify--> Verdict --gate--> lanes

Importing this package imports nothing heavy; ``docs/design.md`` shows the layers.
"""

__version__ = "0.2.0.dev0"
