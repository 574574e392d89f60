"""YAML: texts, lists and maps, built from the events of the parser; tags construct nothing.

    names:            map ─ "names" ─ map ─ "0" ─ "helmet"
      0: helmet

Every scalar is a text: a class called `no` or `1.0` is not a truth value or a number. Anchors that are used are
refused, since a few of them make a document of any size.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mvc import errors, lazy
from mvc.model.paths import escape_name

MAX_CHARS = 1 << 20
"""Characters of a text, at most: about a second of work."""
MAX_DEPTH = 32
"""Nested lists and maps, at most."""


def load(text: str, where: str) -> Any:
    """Return the value of the only document; an empty one is an empty map. Raises BadLabels."""
    if len(text) > MAX_CHARS:
        raise errors.BadLabels(where=where, reason=f"it is larger than {MAX_CHARS >> 20} MiB")
    yaml = lazy.load("yaml")
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    events = yaml.parse(text, Loader=loader)
    try:
        return _Builder(yaml, events, where).document()
    except yaml.YAMLError as error:
        raise errors.BadLabels(where=where, reason=f"it is not YAML{_position(error)}") from None


class _Builder:
    """The values of a stream of events."""

    def __init__(self, yaml: Any, events: Iterator[Any], where: str) -> None:
        self._yaml = yaml
        self._events = events
        self._where = where

    def document(self) -> Any:
        """Return the value of the only document."""
        next(self._events)  # the stream
        if isinstance(next(self._events), self._yaml.StreamEndEvent):
            return {}
        value = self._value(next(self._events), 0)
        next(self._events)  # the end of the document
        if not isinstance(next(self._events), self._yaml.StreamEndEvent):
            raise self._error("it has more than one document")
        return {} if value == "" else value

    def _value(self, event: Any, depth: int) -> Any:
        if isinstance(event, self._yaml.ScalarEvent):
            return event.value
        if isinstance(event, self._yaml.AliasEvent):
            raise self._error(f"it uses the anchor {escape_name(event.anchor[:40])}; write the value out")
        if depth == MAX_DEPTH:
            raise self._error("it is nested too deeply")
        if isinstance(event, self._yaml.SequenceStartEvent):
            return [self._value(item, depth + 1) for item in self._items(self._yaml.SequenceEndEvent)]
        return self._map(depth)

    def _map(self, depth: int) -> dict[str, Any]:
        table: dict[str, Any] = {}
        for event in self._items(self._yaml.MappingEndEvent):
            if not isinstance(event, self._yaml.ScalarEvent):
                raise self._error("a key is not a text")
            if event.value in table:
                raise self._error(f"{escape_name(event.value[:40])} occurs twice")
            table[event.value] = self._value(next(self._events), depth + 1)
        return table

    def _items(self, end: type) -> Iterator[Any]:
        for event in self._events:
            if isinstance(event, end):
                return
            yield event

    def _error(self, reason: str) -> errors.BadLabels:
        return errors.BadLabels(where=self._where, reason=reason)


def _position(error: Any) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    at = f", line {mark.line + 1}" if mark is not None else ""
    return f"{at}: {problem}" if problem else at
