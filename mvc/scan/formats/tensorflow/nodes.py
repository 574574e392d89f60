"""Nodes of one graph or function of TensorFlow, as bytes or as text, and the paths that they are given.

Const "/etc/passwd" ─► StringJoin ─► RestoreV2          a path that the graph itself gives
Const "vocab.txt", an asset ─► InitializeTableFromTextFileV2      the loader gives the path below `assets/`
DecodeProtoV2 descriptor_source "/tmp/x"                a path in an attribute
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple, Protocol

from mvc.formats.source import TooLongError
from mvc.formats.syntax.protobuf import BYTES, NUMBER, Field, Reader
from mvc.scan.formats.model_config import is_outside
from mvc.scan.formats.tensorflow import operations
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

PATH = Rule("graph-path", Verdict.HOSTILE, "TensorFlow would read or write at a path that the graph itself gives: {}.")
PRINT = Rule("graph-print", Verdict.HOSTILE, "TensorFlow would write to a file that the graph names, by {}.")
RULES = (PATH, PRINT)

MAX_TEXT = 4096
_NAME, _OPERATION, _INPUT, _ATTRIBUTES = 1, 2, 3, 5
_KEY, _VALUE, _TEXT, _TENSOR, _TEXTS, _TYPE, _CONTENT = 1, 2, 2, 8, 8, 1, 4
_OWN_PATH = re.compile(r"(model|[./]?part|_temp(_[0-9a-f]+)?(/part)?|)\Z")
"""The paths that TensorFlow's own savers write into graphs."""
_ASSETS = "assets/"
_STRING = 7
"""The type of a tensor of texts."""
_MAX_VISITS = 1_000_000


class Attributes(Protocol):
    """The attributes of a node."""

    def texts(self, key: str) -> Iterator[str]:
        """Yield the texts of an attribute, those of a tensor too."""


class Node(NamedTuple):
    """A node of a graph."""

    name: str
    operation: str
    inputs: list[str]
    attributes: Attributes


class Stored:
    """The attributes of a node as bytes, which are read when they are asked for."""

    def __init__(self, reader: Reader, node: Field) -> None:
        """Remember the place of the node."""
        self._reader = reader
        self._node = node

    def texts(self, key: str) -> Iterator[str]:
        """Yield the texts of an attribute, those of a tensor too."""
        for entry in self._inside(self._node, _ATTRIBUTES):
            if key in [self._text(field) for field in self._inside(entry, _KEY)]:
                for value in self._inside(entry, _VALUE):
                    yield from map(self._text, self._inside(value, _TEXT))
                    for tensor in self._inside(value, _TENSOR):
                        yield from map(self._text, self._of_tensor(tensor))

    def _of_tensor(self, tensor: Field) -> Iterator[Field]:
        """Yield the texts of a tensor: each in a field, or all in one behind their sizes."""
        fields = list(self._reader.fields(tensor.offset, tensor.end))
        is_string = any(field.number == _TYPE and field.value == _STRING for field in fields if field.wire == NUMBER)
        numbers = (_TEXTS, _CONTENT) if is_string else (_TEXTS,)
        return (field for field in fields if field.wire == BYTES and field.number in numbers)

    def _inside(self, message: Field, number: int) -> Iterator[Field]:
        fields = self._reader.fields(message.offset, message.end)
        return (field for field in fields if field.wire == BYTES and field.number == number)

    def _text(self, field: Field) -> str:
        start = self._reader.source.read(field.offset, min(field.value, MAX_TEXT))
        return start.decode("utf-8", "replace")


class Written:
    """The attributes of a node as text."""

    def __init__(self, entries: list[tuple[str, list[str]]]) -> None:
        """Keep the texts by key."""
        self._entries = entries

    def texts(self, key: str) -> Iterator[str]:
        """Yield the texts of an attribute, those of a tensor too."""
        return (text for name, texts in self._entries if name == key for text in texts)


def stored(reader: Reader, message: Field) -> Node:
    """Return a node in bytes. Raises HeaderError if it is malformed."""
    name = operation = ""
    inputs: list[str] = []
    for field in reader.fields(message.offset, message.end):
        if field.wire == BYTES and field.number in (_NAME, _OPERATION, _INPUT):
            text = reader.text(field, MAX_TEXT)
            if field.number == _NAME:
                name = text
            elif field.number == _INPUT:
                inputs.append(text)
            else:
                operation = text
    return Node(name, operation, inputs, Stored(reader, message))


class Paths:
    """The paths that nodes of one graph are given; a loader replaces the constants with the names `assets`."""

    def __init__(self, nodes: Mapping[str, Node], assets: Collection[str], scan: Scan) -> None:
        """Keep the nodes by name."""
        self._nodes = nodes
        self._assets = assets
        self._scan = scan
        self._visits = 0

    def examine(self) -> None:
        """Report the paths that the graph itself gives. Raises TooLongError."""
        for node in self._nodes.values():
            is_own = _OWN_PATH.match if node.operation in operations.SAVING else _is_beside
            for place in operations.PATHS.get(node.operation, ()):
                for text in self._constants(node.inputs[place]) if place < len(node.inputs) else ():
                    if not is_own(text):
                        self._report(node, text)
                        break
            for text in node.attributes.texts(operations.ATTRIBUTES.get(node.operation, "")):
                if text and not text.startswith(operations.NO_PATHS):
                    self._report(node, text)
            if node.operation == "PrintV2" and any("file:" in text for text in node.attributes.texts("output_stream")):
                self._scan.report(PRINT, detail=node.operation)

    def _report(self, node: Node, path: str) -> None:
        self._scan.report(PATH, detail=f"{node.operation} ({node.name}, {path})")

    def _constants(self, start: str) -> list[str]:
        """Return the texts that an input is computed from; none if it depends on anything but constants."""
        texts: list[str] = []
        left, visited = [start], set()
        while left:
            name = left.pop().partition(":")[0]
            if name in visited or name.startswith("^"):
                continue
            visited.add(name)
            self._visits += 1
            if self._visits > _MAX_VISITS:
                raise TooLongError(f"its paths are computed in more than {_MAX_VISITS:,} steps")
            node = self._nodes.get(name)
            if node is None or name in self._assets or not (node.inputs or node.operation in operations.CONSTANTS):
                return []
            left += node.inputs
            if node.operation in operations.CONSTANTS:
                texts += node.attributes.texts("value")
        return texts


def _is_beside(path: str) -> bool:
    """Return whether a path is that of an asset, in the folder of the model."""
    return not path or (path.startswith(_ASSETS) and not is_outside(path))
