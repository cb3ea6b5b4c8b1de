"""The templates of the pages, and what they write of a value."""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from importlib.util import cache_from_source
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from jinja2 import BytecodeCache, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from extractor_flow.files import printable, write_bytes
from extractor_flow.render.escaping import ABSENT

if TYPE_CHECKING:
    from jinja2.bccache import Bucket


def rendered(template: str, **values: Any) -> str:  # noqa: ANN401 - whatever the template shows
    """The *template* of that name with *values*; every text in them is escaped."""
    return _templates().get_template(template).render(values)


class _CompiledBeside(BytecodeCache):
    """Compiled templates beside Python's own compiled files: compiling them takes longer than filling them in."""

    def get_source_checksum(self, source: str) -> str:
        """What the compiled template depends on: *source*, the settings in this module, and Jinja."""
        settings = Path(__file__).read_text(encoding="utf-8")
        return super().get_source_checksum(f"{version('jinja2')} {settings} {source}")

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take what an earlier process compiled, if it is whole."""
        with suppress(OSError, EOFError, UnpicklingError):
            bucket.bytecode_from_string(self._path(bucket).read_bytes())

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it for the next process, where Python itself would."""
        with suppress(OSError):
            if not sys.dont_write_bytecode:
                path = self._path(bucket)
                path.parent.mkdir(parents=True, exist_ok=True)
                write_bytes(path, bucket.bytecode_to_string(), durable=False)

    def _path(self, bucket: Bucket) -> Path:
        compiled = Path(cache_from_source(__file__))
        return compiled.with_name(f"{bucket.key}.{compiled.name}")


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("extractor_flow.render.page"),
        bytecode_cache=_CompiledBeside(),
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
