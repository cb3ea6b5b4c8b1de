"""The templates of the pages, and what they write of a value."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from extractor_flow.files import printable
from extractor_flow.render.escaping import ABSENT


def rendered(template: str, **values: Any) -> str:  # noqa: ANN401 - whatever the template shows
    """The *template* of that name with *values*; every text in them is escaped."""
    return _templates().get_template(template).render(values)


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("extractor_flow.render.page"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _shown(value: object) -> object:
    """What an expression of a template writes: nothing that a screen would obey, and a mark for what is not there."""
    if value is None:
        return Markup('<span class="none">{}</span>').format(ABSENT)
    return printable(value).replace("\r", "\\r") if isinstance(value, str) and not isinstance(value, Markup) else value
