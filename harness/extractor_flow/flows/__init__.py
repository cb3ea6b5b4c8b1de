"""The flows that come with the package; the core finds them by entry point, as it does a third party's."""
