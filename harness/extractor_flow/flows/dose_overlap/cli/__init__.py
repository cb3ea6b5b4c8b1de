"""``extractor-flow dose-overlap``: the phases of a study one by one, or all of them as a run."""
