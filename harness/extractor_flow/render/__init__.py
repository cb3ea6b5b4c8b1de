"""Views of one :class:`extractor_flow.study.records.RunSummary`: JSON, Markdown, the historical layout, HTML."""
