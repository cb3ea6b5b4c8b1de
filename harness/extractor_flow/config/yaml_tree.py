"""YAML text to a value and the line of every key: bounded in depth and size, and nothing in it is ever executed.

The values are put together here, from the parser's events: no constructor of the YAML package runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import yaml

from extractor_flow.config.messages import Keys, found_kind, location, shown
from extractor_flow.config.scalars import Scalar, plain, tagged
from extractor_flow.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from extractor_flow.files import Json

DEPTH_LIMIT = 32
VALUE_LIMIT = 10_000
_CHARACTERS_A_VALUE = 100  # a scalar counts once more for every so many characters: bounds repetition by aliases too
_CORE_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class _Node:
    """A value as written; ``size`` counts it with all below it, ``height`` the levels below it."""

    line: int
    content: Scalar | list[_Node] | dict[str, tuple[int, _Node]]
    size: int
    height: int = 0


def compose(text: str, file: Path) -> tuple[Json, dict[Keys, int]]:
    """The one document of *text* and the 1-based line of every key and item in it.

    Raises :class:`ConfigError` with every complaint up to the first from which parsing cannot go on. *file* is only
    named in the complaints. A text without a document is null.
    """
    root = _Composer(text, file).document()
    if root is None:
        return None, {(): 1}
    positions: dict[Keys, int] = {(): root.line}
    return _unfolded(root, (), positions), positions


def _unfolded(node: _Node, keys: Keys, positions: dict[Keys, int]) -> Json:
    """Fresh lists and mappings at every place, so that what an alias repeats is not shared."""
    if isinstance(node.content, dict):
        for key, (line, _) in node.content.items():
            positions[*keys, key] = line
        return {key: _unfolded(child, (*keys, key), positions) for key, (_, child) in node.content.items()}
    if isinstance(node.content, list):
        for index, child in enumerate(node.content):
            positions[*keys, index] = child.line
        return [_unfolded(child, (*keys, index), positions) for index, child in enumerate(node.content)]
    return node.content


class _Composer:
    """Reads one document; it collects complaints as long as parsing can go on."""

    def __init__(self, text: str, file: Path) -> None:
        self._file = file
        self._complaints: list[tuple[int, str]] = []
        self._anchors: dict[str, _Node | None] = {}
        self._size = 0
        try:
            self._parser: Any = yaml.SafeLoader(text)
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            self._stop(line, (), f"not YAML: the character U+{error.character:04X} may only be written as an escape")

    def document(self) -> _Node | None:
        """The root of the only document; ``None`` if there is none."""
        self._next()
        start = self._next()
        if isinstance(start, yaml.StreamEndEvent):
            return None
        root = self._node(self._next(), ())
        self._next()
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            self._stop(_line(after), (), "a second document starts here; expected one document in the file")
        if self._complaints:
            raise self._error()
        return root

    def _next(self) -> yaml.Event:
        try:
            event: yaml.Event = self._parser.get_event()
        except yaml.MarkedYAMLError as error:
            self._stop_at_syntax_error(error)
        except (ValueError, OverflowError):
            # The scanner hands the number of an escape such as "\UFFFFFFFF" to chr() unchecked.
            self._stop(self._parser.line + 1, (), "not YAML: a number here is out of range, such as an escape's")
        return event

    def _node(self, event: yaml.Event, keys: Keys) -> _Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, keys)
        anchor = event.anchor if isinstance(event, yaml.NodeEvent) else None
        if anchor is not None:
            self._anchors[anchor] = None
        node = self._scalar(event, keys) if isinstance(event, yaml.ScalarEvent) else self._collection(event, keys)
        if anchor is not None:
            self._anchors[anchor] = node
        return node

    def _alias(self, event: yaml.AliasEvent, keys: Keys) -> _Node:
        name = str(event.anchor)
        target = self._anchors.get(name)
        if target is None:
            what = "stands inside what it repeats" if name in self._anchors else "has no anchor before it"
            return self._refused(event, keys, f"the alias {shown('*' + name)} {what}")
        self._refuse_too_deep(event, keys, target.height)
        self._count(event, target.size)
        return target

    def _scalar(self, event: yaml.ScalarEvent, keys: Keys) -> _Node:
        size = 1 + len(event.value) // _CHARACTERS_A_VALUE
        self._count(event, size)
        try:
            value = _scalar_value(event)
            if isinstance(value, str):
                value.encode("utf-8")
        except UnicodeEncodeError:
            return self._refused(event, keys, "holds half of a surrogate pair; write the character itself")
        except ValueError as error:
            return self._refused(event, keys, str(error))
        except KeyError:
            return self._refused(event, keys, f"has the tag {_shown_tag(event.tag)}; expected a plain value")
        return _Node(_line(event), value, size)

    def _collection(self, event: yaml.Event, keys: Keys) -> _Node:
        self._refuse_too_deep(event, keys, 1)
        self._count(event, 1)
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        tag = event.tag if isinstance(event, yaml.CollectionStartEvent) else None
        if tag not in (None, "!", _CORE_TAG + ("map" if is_mapping else "seq")):
            self._refused(event, keys, f"has the tag {_shown_tag(tag)}; expected a plain value")
        return self._mapping(event, keys) if is_mapping else self._list(event, keys)

    def _list(self, event: yaml.Event, keys: Keys) -> _Node:
        items: list[_Node] = []
        while not isinstance(item := self._next(), yaml.SequenceEndEvent):
            items.append(self._node(item, (*keys, len(items))))
        return _Node(_line(event), items, *_extent(iter(items)))

    def _mapping(self, event: yaml.Event, keys: Keys) -> _Node:
        entries: dict[str, tuple[int, _Node]] = {}
        while not isinstance(key_event := self._next(), yaml.MappingEndEvent):
            key = self._key(key_event, keys)
            value = self._node(self._next(), (*keys, "?" if key is None else key))
            if key is None:
                continue
            if key in entries:
                message = f"the key {shown(key)} stands twice; the first is on line {entries[key][0]}"
                self._complain(_line(key_event), (*keys, key), message)
                continue
            entries[key] = (_line(key_event), value)
        return _Node(_line(event), entries, *_extent(node for _, node in entries.values()))

    def _key(self, event: yaml.Event, keys: Keys) -> str | None:
        """The text of a key; ``None`` once it has been complained about."""
        before = len(self._complaints)
        content = self._node(event, (*keys, "?")).content
        if isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.implicit[0]:
            self._complain(_line(event), keys, "the merge key << is not supported; repeat the keys that it stands for")
            return None
        if isinstance(content, str):
            return content
        if len(self._complaints) == before:
            what = found_kind(content) if not isinstance(content, (list, dict)) else "is a list or a mapping"
            self._complain(_line(event), keys, f"a key {what}; expected text (put it in quotes)")
        return None

    def _count(self, event: yaml.Event, size: int) -> None:
        self._size += size
        if self._size > VALUE_LIMIT:
            counting = f"{_CHARACTERS_A_VALUE} characters of a text and each repetition by an alias count as values too"
            self._stop(_line(event), (), f"the file holds more than {VALUE_LIMIT} values ({counting})")

    def _refuse_too_deep(self, event: yaml.Event, keys: Keys, height: int) -> None:
        if len(keys) + height > DEPTH_LIMIT:
            self._stop(_line(event), (), f"nested deeper than {DEPTH_LIMIT} levels")

    def _refused(self, event: yaml.Event, keys: Keys, message: str) -> _Node:
        self._complain(_line(event), keys, message)
        return _Node(_line(event), None, 1)

    def _complain(self, line: int, keys: Keys, message: str) -> None:
        self._complaints.append((line, f"{location(self._file, line, keys)}: {message}"))

    def _stop(self, line: int, keys: Keys, message: str) -> NoReturn:
        self._complain(line, keys, message)
        raise self._error()

    def _stop_at_syntax_error(self, error: yaml.MarkedYAMLError) -> NoReturn:
        mark = error.problem_mark
        if mark is None:
            self._stop(self._parser.line + 1, (), f"not YAML: {error.problem}")
        if mark.buffer is not None and mark.buffer[mark.pointer : mark.pointer + 1] == "\t":
            self._stop(mark.line + 1, (), f"not YAML: a tab stands at column {mark.column + 1}; expected spaces")
        start = error.context_mark
        begun = f", {error.context} (line {start.line + 1})" if start is not None and start.line != mark.line else ""
        self._stop(mark.line + 1, (), f"not YAML: {error.problem} at column {mark.column + 1}{begun}")

    def _error(self) -> ConfigError:
        in_order = sorted(self._complaints, key=lambda complaint: complaint[0])
        return ConfigError([message for _, message in in_order])


def _extent(children: Iterator[_Node]) -> tuple[int, int]:
    """Size and height of a collection with these *children*."""
    extents = [(child.size, child.height) for child in children]
    return 1 + sum(size for size, _ in extents), 1 + max((height for _, height in extents), default=0)


def _scalar_value(event: yaml.ScalarEvent) -> Scalar:
    """``ValueError`` carries a complaint about the text, ``KeyError`` means a tag that is not known."""
    if event.tag is None:
        return plain(event.value) if event.implicit[0] else event.value
    if event.tag == "!":
        return event.value
    if not event.tag.startswith(_CORE_TAG):
        raise KeyError(event.tag)
    return tagged(event.tag.removeprefix(_CORE_TAG), event.value)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark is not None else 1


def _shown_tag(tag: str | None) -> str:
    return shown(str(tag).replace(_CORE_TAG, "!!", 1))
