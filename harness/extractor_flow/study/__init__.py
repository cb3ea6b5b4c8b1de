"""Jobs, records and summaries: values and protocols, without disk or clock."""
