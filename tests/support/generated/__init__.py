"""What Hypothesis makes up: hostile texts, whole studies, records and summaries."""
