"""What the command asks of an executor, and what every executor class provides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from extractor_flow.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from extractor_flow.config import ConfigDocument
    from extractor_flow.executors.events import Executor
    from extractor_flow.study.flow import Flow, Study

OPTION = "--executor-option"


@dataclass(frozen=True)
class ExecutorRequest:
    """What to run and how the user wants it run: ``settings`` come from the executor's section of the config.

    ``jobs`` at a time, and the ``start_method`` of processes; ``None`` leaves it to the executor.
    """

    flow: Flow
    study: Study
    settings: Mapping[str, Any] = field(default_factory=dict)
    jobs: int | None = None
    start_method: str | None = None
    dry_run: bool = False


class ExecutorClass(Protocol):
    """What an entry point in the group ``extractor_flow.executors`` leads to."""

    schema: Mapping[str, Any]
    """The JSON Schema of the executor's section of a config, which has the executor's name."""

    def made_for(self, request: ExecutorRequest) -> Executor:
        """An executor as *request* says; :class:`RequestError` where it cannot be used."""
        ...


def settings_for(
    name: str, schema: Mapping[str, Any], document: ConfigDocument, before: Mapping[str, Any], words: Sequence[str]
) -> dict[str, Any]:
    """The settings of the executor *name*: those of *document*, else those from *before*; *words* say otherwise.

    Each word is ``KEY=VALUE``; a list takes several. :class:`ConfigError` or :class:`RequestError` where one is wrong.
    """
    from extractor_flow.config import ConfigDocument, check_options, check_schema, dotted, resolve_defaults

    section: dict[str, Any] = {name: document.data.get(name, dict(before))}
    within: dict[str, Any] = {"type": "object", "properties": {name: dict(schema)}}
    written = ConfigDocument(document.path, section, document.positions)
    if problems := check_schema(written, within):
        raise written.complain(problems)
    settings: Any = resolve_defaults(section, within)
    said = _said(schema, words)
    check_options(said, schema, lambda path: f"{OPTION} {dotted(path)}:")
    return {**settings[name], **said}


def _said(schema: Mapping[str, Any], words: Sequence[str]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            keys = ", ".join(schema["properties"])
            known = f"expected KEY=VALUE, with one of {keys}" if keys else "this executor has no settings"
            msg = f"{OPTION} {word!r}: {known}"
            raise RequestError(msg)
        match schema["properties"].get(key, {}).get("type"):
            case "array":
                said.setdefault(key, []).append(value)
            case "integer" if value.isdecimal():
                said[key] = int(value)
            case _:
                said[key] = value
    return said


NO_SETTINGS: Mapping[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False, "default": {}}
"""The schema of an executor that has no settings of its own."""
