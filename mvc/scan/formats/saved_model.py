"""TensorFlow graphs: the operations of a SavedModel, a frozen graph or a `.meta` file, also inside of functions.

    SavedModel ─ meta_graphs ─ graph_def ┬ node ─ name, op, input
                                         └ library ─ function ─ node_def ─ name, op, input

A graph runs with TensorFlow's operations alone. A few of them run Python, read or write files, or use the network. The operations
by which a SavedModel saves itself take the path from their caller; with a constant path they are a finding.

Source: saved_model.proto, meta_graph.proto, graph.proto, function.proto and node_def.proto of TensorFlow.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from mvc.formats.source import HeaderError, Source, TooLongError
from mvc.formats.syntax import protobuf_text
from mvc.formats.syntax.protobuf import BYTES, NUMBER, Field, Reader
from mvc.scan.formats import json_text
from mvc.scan.formats import tensorflow_operations as operations
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

OPERATION = Rule(
    "graph-operation", Verdict.HOSTILE, "TensorFlow would run {}, which reads or writes files, or runs Python."
)
PATH = Rule(
    "graph-path", Verdict.HOSTILE, "TensorFlow would save or restore at a path that the graph itself gives: {}."
)
CUSTOM = Rule("graph-custom", Verdict.CODE, "TensorFlow needs a library with operations that it does not have itself.")
PRINT = Rule("graph-print", Verdict.HOSTILE, "TensorFlow would write to a file that the graph names, by {}.")
SYNTAX = Rule("graph-syntax", Verdict.UNREADABLE, "TensorFlow may parse a graph as text that the scan cannot: {}.")
RULES = (OPERATION, PATH, CUSTOM, PRINT, SYNTAX, *json_text.RULES)

_GRAPHS = {
    "saved": {2: "meta"},
    "meta": {2: "graph"},
    "graph": {1: "node", 2: "library"},
    "library": {1: "function"},
    "function": {3: "node"},
}
"""The fields of each message that contain nodes, and the kind of message they hold."""
_OUTERMOST = ("saved", "meta", "graph")
_KERAS = "keras_metadata.pb"
_METADATA = 5
_NAME, _OPERATION, _INPUT, _ATTRIBUTES = 1, 2, 3, 5
_TEXT = re.compile(r"""\bop\s*:\s*["'](\w+)["'](?!\s*["'#])""")
_ANY_OPERATION = re.compile(r"\bop\s*(?::|#)")
_MAX_PARSED = 1024 * 1024
"""Characters of a graph as text that is parsed; a longer one is searched for operations."""
_SUFFIXES = (".pb", ".meta", ".pbtxt", ".graphdef")
_TENSOR, _TEXTS = 8, 8
_OWN_PATH = re.compile(r"(model|/?part|_temp(_[0-9a-f]+)?(/part)?|)\Z")
"""The paths that TensorFlow's own savers write into graphs."""
_MAX_TEXT = 4096
_MAX_DEPTH = 32
_MAX_CHECKED = 64
_MAX_LISTED = 64 * 1024 * 1024

_Node = tuple[str, str, list[str], Field]


def matches(start: bytes, source: Source) -> bool:
    """Return whether it has the fields of a SavedModel, or of a graph under one of their names."""
    if source.name.lower().endswith(_SUFFIXES):
        return True
    if not start.startswith((b"\x08\x01\x12", b"\n")):
        return False
    try:
        kind = _kind(Reader(source, skips_groups=True), source.size)
    except HeaderError:
        return False
    return kind == ("graph" if start.startswith(b"\n") else "saved")


def scan(source: Source, scan: Scan) -> None:
    """Report the operations of every graph. Raises HeaderError if it is truncated."""
    if _is_text(source):
        _scan_text(source, scan)
        return
    whole = Field(0, BYTES, source.size, 0)
    guess = _kind(Reader(source, skips_groups=True), source.size)
    failures: dict[str, HeaderError] = {}
    nodes = 0
    for kind in _OUTERMOST:  # their fields have the same numbers, so each is tried
        try:
            nodes += _visit(kind, Reader(source, skips_groups=True), whole, scan, 0)
        except TooLongError:
            raise
        except HeaderError as error:
            failures[kind] = error
    if source.name.lower().endswith(_KERAS):
        _scan_keras(source, scan)
    failure = failures.get(guess) or (
        None if nodes or len(failures) < len(_OUTERMOST) else next(iter(failures.values()))
    )
    if failure is not None and not nodes:
        raise failure


def _scan_keras(source: Source, scan: Scan) -> None:
    """Report the classes in the metadata of a SavedModel of Keras: JSON, in a text of each node."""
    reader = Reader(source, skips_groups=True)
    for node in reader.fields(0, source.size):
        for field in reader.fields(node.offset, node.end) if node.wire == BYTES else ():
            if field.wire == BYTES and field.number == _METADATA:
                values = json_text.parsed(reader.text(field, _MAX_LISTED) or "{}")
                json_text.examine(values, "", scan)


def _is_text(source: Source) -> bool:
    start = source.read(0, min(source.size, 512))
    return source.name.lower().endswith(".pbtxt") or (b"{" in start and start.isascii() and b"\0" not in start)


def _scan_text(source: Source, scan: Scan) -> None:
    """Report the operations of a graph as text."""
    if source.size > _MAX_LISTED:
        raise TooLongError(f"it is a graph of more than {_MAX_LISTED >> 20} MiB")
    text = source.read(0, source.size).decode("utf-8", "replace")
    names: dict[str, None] = {}
    if len(text) > _MAX_PARSED:
        names.update((match[1], None) for match in _TEXT.finditer(text))
        if sum(1 for _ in _TEXT.finditer(text)) != sum(1 for _ in _ANY_OPERATION.finditer(text)):
            scan.report(SYNTAX, detail="an operation's name is written in parts")
        text = ""
    try:
        for _, fields in protobuf_text.messages(text):
            names.update(dict.fromkeys(fields.get("op", ())))
    except ValueError as error:
        names.update((match[1], None) for match in _TEXT.finditer(text))
        if names:
            scan.report(SYNTAX, detail=str(error))
    for name in names:
        _report(name, scan)


def _kind(reader: Reader, size: int) -> str:
    """Return the kind of the outermost message, `""` if it is none of these."""
    first = next(reader.fields(0, size), None)
    if first is None:
        return ""
    if first.number == 1 and first.wire == NUMBER:
        return "saved"
    if first.number == 1 and first.wire == BYTES:  # a node, or the information of a meta graph
        inner = list(itertools.islice(reader.fields(first.offset, first.end), _MAX_CHECKED))
        numbers = {field.number for field in inner if field.wire == BYTES}
        is_node = {_NAME, _OPERATION} <= numbers and not any(field.wire == NUMBER for field in inner)
        return "graph" if is_node and _is_name(reader, inner) else "meta"
    return "saved" if first.number == 2 else ""


def _is_name(reader: Reader, fields: list[Field]) -> bool:
    """Return whether the first two fields are the name and the operation of a node."""
    texts = [reader.text(field, _MAX_TEXT) for field in fields if field.number in (_NAME, _OPERATION)][:2]
    return len(texts) == 2 and re.fullmatch(r"\w+(>\w+)?", texts[1]) is not None


def _visit(kind: str, reader: Reader, message: Field, scan: Scan, depth: int) -> int:
    """Visit everything in a message that has nodes, and return their number; those of one graph are examined together."""
    nodes: dict[str, _Node] = {}
    count = 0
    for field in reader.fields(message.offset, message.end):
        child = _GRAPHS[kind].get(field.number)
        if field.wire != BYTES or child is None:
            continue
        if child == "node":
            node = _node(reader, field)
            nodes[node[0]] = node
            count += 1
            _report(node[1], scan)
        else:
            count += _visit(child, reader, field, scan, depth + 1)
    for name, operation, inputs, field in nodes.values():
        if operation in operations.SAVING and inputs and _is_constant(inputs[0], nodes, 0):
            paths = [text for text in _constants(reader, inputs[0], nodes, 0) if not _OWN_PATH.match(text)]
            if paths:
                scan.report(PATH, detail=f"{operation} ({name}, {paths[0]})")
        if operation in ("PrintV2", "Print") and _names_file(reader, field):
            scan.report(PRINT, detail=operation)
    return count


def _node(reader: Reader, message: Field) -> _Node:
    name = operation = ""
    inputs: list[str] = []
    for field in reader.fields(message.offset, message.end):
        if field.wire == BYTES and field.number in (_NAME, _OPERATION, _INPUT):
            text = reader.text(field, _MAX_TEXT)
            if field.number == _NAME:
                name = text
            elif field.number == _INPUT:
                inputs.append(text)
            else:
                operation = text
    return name, operation, inputs, message


def _report(operation: str, scan: Scan) -> None:
    if operations.is_hostile(operation):
        scan.report(OPERATION, names=[operation], detail=operation)
    elif ">" in operation:
        scan.report(CUSTOM, names=[operation])


def _is_constant(name: str, nodes: dict[str, _Node], depth: int) -> bool:
    """Return whether an input is a constant, or computed from constants alone."""
    if name.startswith("^"):
        return True
    node = nodes.get(name.partition(":")[0])
    if node is None or depth > _MAX_DEPTH:
        return False
    if node[1] == "Const":
        return True
    return node[1] in operations.PASSING and all(_is_constant(part, nodes, depth + 1) for part in node[2])


def _constants(reader: Reader, name: str, nodes: dict[str, _Node], depth: int) -> Iterator[str]:
    """Yield the texts that an input is computed from."""
    node = nodes.get(name.partition(":")[0])
    if node is None or depth > _MAX_DEPTH:
        return
    if node[1] != "Const":
        for part in node[2]:
            yield from _constants(reader, part, nodes, depth + 1)
        return
    messages = [node[3]]
    for number in (_ATTRIBUTES, 2, _TENSOR, _TEXTS):  # the attribute, its value, the tensor, its texts
        messages = [
            field
            for message in messages
            for field in reader.fields(message.offset, message.end)
            if field.wire == BYTES and field.number == number
        ]
    yield from (reader.text(field, _MAX_TEXT) or "…" for field in messages)


def _names_file(reader: Reader, node: Field) -> bool:
    """Return whether an attribute of a node has the URL of a file."""
    texts: Iterator[Field] = (field for field in reader.fields(node.offset, node.end) if field.number == _ATTRIBUTES)
    return any(b"file:" in reader.source.read(field.offset, min(field.value, _MAX_TEXT)) for field in texts)
