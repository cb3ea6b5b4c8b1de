"""Views of one :class:`harness.records.RunSummary`: JSON, Markdown, the historical layout, HTML."""
