"""The report page, ``report.html``: what each part shows, computed here; how it looks is in ``templates``."""
