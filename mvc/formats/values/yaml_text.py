"""YAML: texts, lists and maps, built from the events of the parser; tags construct nothing.

    names:            map ─ "names" ─ map ─ "0" ─ "helmet"
      0: helmet

Every scalar is a text: a class called `no` or `1.0` is not a truth value or a number. `load_typed` has the numbers and
truth values that a trainer reads. Anchors that are used are refused, since a few of them make a document of any size.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from typing import Any

from mvc import lazy
from mvc.formats.values.malformed import MalformedError
from mvc.model.paths import escape_name

MAX_CHARS = 1 << 20
"""Characters of a text, at most: about a second of work."""
MAX_DEPTH = 32
"""Nested lists and maps, at most."""


_TEXT = "tag:yaml.org,2002:str"
_SHORT_FLOAT = re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+\Z")
"""A number that YAML 1.1 takes for a text, for lack of a point: `1e-3`."""


def load(text: str) -> Any:
    """Return the value of the only document, every scalar as a text; an empty one is an empty map. Raises MalformedError."""
    return _document(text, lambda event: event.value)


def load_typed(text: str, *, dates: bool = False) -> Any:
    """Return the value of the only document, as PyYAML reads it safely: numbers, truth values, null. Raises MalformedError.

    A date is malformed; with `dates`, it is a text.
    """
    yaml = lazy.load("yaml")
    maker = yaml.SafeLoader("")

    def scalar(event: Any) -> Any:
        if not event.implicit[0]:
            return event.value
        if _SHORT_FLOAT.match(event.value):
            return float(event.value)
        tag = maker.resolve(yaml.ScalarNode, event.value, (True, False))
        construct = maker.yaml_constructors.get(tag, maker.yaml_constructors[_TEXT])
        try:
            value = construct(maker, yaml.ScalarNode(tag, event.value))
        except ValueError as error:
            raise MalformedError(f"{escape_name(event.value[:40])} is not valid: {error}") from None
        if isinstance(value, dt.date) and dates:
            return event.value
        if isinstance(value, dt.date):
            raise MalformedError(f"{escape_name(event.value[:40])} is a date; write it in quotes")
        return value

    return _document(text, scalar)


def dump(values: dict[str, Any]) -> str:
    """Return a map as YAML, its keys in their order. Characters that act on a terminal or reorder a line are escapes."""
    yaml = lazy.load("yaml")

    class Dumper(yaml.SafeDumper):  # type: ignore[misc,name-defined]
        """Writes texts in double quotes, which have escapes, if they need one."""

    def scalar(dumper: Any, text: str) -> Any:
        return dumper.represent_scalar(_TEXT, text, style=None if _is_plain(text) else '"')

    Dumper.add_representer(str, scalar)
    text: str = yaml.dump(values, Dumper=Dumper, sort_keys=False, allow_unicode=True)
    return "".join(char if _is_plain(char) else f"\\U{ord(char):08x}" for char in text)


def _is_plain(text: str) -> bool:
    return all(char.isprintable() or char == "\n" for char in text)


def _document(text: str, scalar: Callable[[Any], Any]) -> Any:
    if len(text) > MAX_CHARS:
        raise MalformedError(f"it is larger than {MAX_CHARS >> 20} MiB")
    yaml = lazy.load("yaml")
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    events = yaml.parse(text, Loader=loader)
    try:
        return _Builder(yaml, events, scalar).document()
    except yaml.YAMLError as error:
        raise MalformedError(f"it is not YAML{_position(error)}") from None


class _Builder:
    """The values of a stream of events."""

    def __init__(self, yaml: Any, events: Iterator[Any], scalar: Callable[[Any], Any]) -> None:
        self._yaml = yaml
        self._events = events
        self._scalar = scalar

    def document(self) -> Any:
        """Return the value of the only document."""
        next(self._events)  # the stream
        if isinstance(next(self._events), self._yaml.StreamEndEvent):
            return {}
        value = self._value(next(self._events), 0)
        next(self._events)  # the end of the document
        if not isinstance(next(self._events), self._yaml.StreamEndEvent):
            raise MalformedError("it has more than one document")
        return {} if value in ("", None) else value

    def _value(self, event: Any, depth: int) -> Any:
        if isinstance(event, self._yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, self._yaml.AliasEvent):
            raise MalformedError(f"it uses the anchor {escape_name(event.anchor[:40])}; write the value out")
        if depth == MAX_DEPTH:
            raise MalformedError("it is nested too deeply")
        if isinstance(event, self._yaml.SequenceStartEvent):
            return [self._value(item, depth + 1) for item in self._items(self._yaml.SequenceEndEvent)]
        return self._map(depth)

    def _map(self, depth: int) -> dict[str, Any]:
        table: dict[str, Any] = {}
        for event in self._items(self._yaml.MappingEndEvent):
            if not isinstance(event, self._yaml.ScalarEvent):
                raise MalformedError("a key is not a text")
            if event.value in table:
                raise MalformedError(f"{escape_name(event.value[:40])} occurs twice")
            table[event.value] = self._value(next(self._events), depth + 1)
        return table

    def _items(self, end: type) -> Iterator[Any]:
        for event in self._events:
            if isinstance(event, end):
                return
            yield event


def _position(error: Any) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    at = f", line {mark.line + 1}" if mark is not None else ""
    return f"{at}: {problem}" if problem else at
