r"""Class names in a property: Ultralytics writes the `repr` of a dict of Python, others JSON.

{0: 'helmet', 1: "driver's cab"}   ['helmet', 'head']   {"0": "helmet"}   →   ((0, "helmet"), …)

A text that is neither has no classes. It is matched, never evaluated.
"""

from __future__ import annotations

import ast
import dataclasses
import itertools
import json
import re
from typing import Any

from mvc.model.metadata import Metadata

KEYS = ("names", "classes", "class_names", "labels", "id2label")
"""Properties that may have the names of classes, the first one counts."""
MAX_CHARS = 1 << 20
"""Characters of a property that is parsed, at most."""
MAX_CLASSES = 50_000
"""Classes of a file, at most."""

Classes = tuple[tuple[int, str], ...]
_TEXT = r"'(?:[^'\\\n]|\\.)*+'|\"(?:[^\"\\\n]|\\.)*+\""
_ITEM = re.compile(rf"\s*+(?:(?P<number>[0-9]{{1,9}})\s*+:\s*+)?(?P<text>{_TEXT})\s*+(?P<end>,\s*+[\]}}]|[,\]}}])")


def with_classes(metadata: Metadata) -> Metadata:
    """Return `metadata` with the classes that its properties name."""
    candidates = (parse(metadata.properties[key]) for key in KEYS if key in metadata.properties)
    return dataclasses.replace(metadata, classes=next(filter(None, candidates), ()))


def parse(text: str) -> Classes:
    """Return the classes of a text in one of these forms, sorted by number; none if it has another form."""
    text = text.strip()
    if len(text) > MAX_CHARS or text[:1] not in ("{", "["):
        return ()
    classes = _of_python(text) or _of_json(text)
    numbers = [number for number, _ in classes]
    return tuple(sorted(classes)) if len(set(numbers)) == len(numbers) else ()


def _of_python(text: str) -> Classes:
    is_map = text[0] == "{"
    classes: list[tuple[int, str]] = []
    position = 1
    for count in itertools.count():
        match = _ITEM.match(text, position)
        if match is None or count == MAX_CLASSES or (match["number"] is not None) != is_map:
            return ()
        try:
            name = ast.literal_eval(match["text"])  # one text, without parts
        except (ValueError, SyntaxError):
            return ()
        classes.append((int(match["number"] or count), name))
        position = match.end()
        if match["end"] != ",":
            return tuple(classes) if position == len(text) and match["end"][-1] == ("}" if is_map else "]") else ()
    return ()


def _of_json(text: str) -> Classes:
    if text.count(",") >= MAX_CLASSES or text.count("[") + text.count("{") > MAX_CLASSES:
        return ()
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    if isinstance(value, list):
        value = dict(enumerate(value))
    items = [(str(key), name) for key, name in value.items()] if isinstance(value, dict) else []
    if not all(isinstance(name, str) and key.isascii() and key.isdecimal() and len(key) < 10 for key, name in items):
        return ()
    return tuple((int(key), name) for key, name in items)
