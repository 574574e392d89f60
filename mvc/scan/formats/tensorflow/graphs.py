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
from collections.abc import Collection, Iterator

from mvc.formats.source import HeaderError, Source, TooLongError
from mvc.formats.syntax.protobuf import BYTES, NUMBER, Field, Reader
from mvc.scan.formats import json_text, programs
from mvc.scan.formats.model_config import is_outside
from mvc.scan.formats.tensorflow import nodes, operations, written
from mvc.scan.formats.tensorflow.nodes import Node, Paths
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

OPERATION = Rule(
    "graph-operation", Verdict.HOSTILE, "TensorFlow would run {}, which reads or writes files, or runs Python."
)
CUSTOM = Rule("graph-custom", Verdict.CODE, "TensorFlow needs a library with operations that it does not have itself.")
SYNTAX = Rule("graph-syntax", Verdict.UNREADABLE, "TensorFlow may parse a graph as text that the scan cannot: {}.")
RULES = (OPERATION, CUSTOM, SYNTAX, *nodes.RULES, programs.ENGINE, *json_text.RULES)

_GRAPHS = {
    "saved": {2: "saved meta"},
    "saved meta": {2: "graph"},
    "meta": {2: "graph"},
    "graph": {1: "node", 2: "library"},
    "library": {1: "function"},
    "function": {3: "node"},
}
"""The fields of each message that contain nodes, and the kind of message they hold."""
_OUTERMOST = ("saved", "meta", "graph")
_KERAS = "keras_metadata.pb"
_METADATA = 5
_NAME, _OPERATION = 1, 2
_ASSET = 6
"""The field of a meta graph with a file of the model: the constant, and the path in place of it."""
_TEXT = re.compile(r"""\bop\s*:\s*["'](\w+)["'](?!\s*["'#])""")
_ANY_OPERATION = re.compile(r"\bop\s*(?::|#)")
_MAX_PARSED = 1024 * 1024
"""Characters of a graph as text that is parsed; a longer one is searched for operations."""
_SUFFIXES = (".pb", ".meta", ".pbtxt", ".graphdef")
_MAX_CHECKED = 64
_MAX_FIRST = 4096
"""Fields of a message that are looked at to see whether it is a graph, at most."""
_GRAPH, _LAST = 2, 3
"""The highest field with a graph or a library, and with a node."""
_MAX_LISTED = 64 * 1024 * 1024


def matches(start: bytes, source: Source) -> bool:
    """Return whether it has the fields of a SavedModel, or of a graph under one of their names."""
    if source.name.lower().endswith(_SUFFIXES):
        return True
    reader = Reader(source, skips_groups=True)
    if not start.startswith(b"\x08\x01\x12"):
        return start.startswith((b"\n", b"\x12", b"\x18", b'"')) and _has_node(
            reader, Field(0, BYTES, source.size, 0), 3
        )
    try:
        return _kind(reader, source.size) == "saved"
    except HeaderError:
        return False


def _has_node(reader: Reader, message: Field, depth: int) -> bool:
    """Return whether a message has a node: a graph, or one that holds a graph or its functions, whatever it begins with."""
    try:
        fields = list(itertools.islice(reader.fields(message.offset, message.end), _MAX_FIRST))
        for field in [field for field in fields if field.wire == BYTES and field.number <= _LAST]:
            inner = list(itertools.islice(reader.fields(field.offset, field.end), _MAX_CHECKED))
            if _is_node(reader, inner):
                return True
    except HeaderError:
        return False  # as a text is, most often at its first byte
    parts = [field for field in fields if field.wire == BYTES and field.number <= _GRAPH]
    return depth > 1 and any(_has_node(reader, part, depth - 1) for part in parts[:_MAX_CHECKED])


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
            nodes += _visit(kind, Reader(source, skips_groups=True), whole, scan)
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
    if len(text) > _MAX_PARSED:
        _search(text, scan)
        if sum(1 for _ in _TEXT.finditer(text)) != sum(1 for _ in _ANY_OPERATION.finditer(text)):
            scan.report(SYNTAX, detail="an operation's name is written in parts")
        return
    try:
        written.examine(text, scan, _report, _report_asset)
    except ValueError as error:
        if _search(text, scan):
            scan.report(SYNTAX, detail=str(error))


def _search(text: str, scan: Scan) -> bool:
    """Report the operations that a text names, and return whether there are any."""
    names = dict.fromkeys(match[1] for match in _TEXT.finditer(text))
    for name in names:
        _report(name, scan)
        if name in operations.ATTRIBUTES or name in operations.PATHS.keys() - operations.SAVING:
            scan.report(SYNTAX, detail=f"a path may be given to {name}")
    return bool(names)


def _kind(reader: Reader, size: int) -> str:
    """Return the kind of the outermost message, `""` if it is none of these."""
    first = next(reader.fields(0, size), None)
    if first is None:
        return ""
    if first.number == 1 and first.wire == NUMBER:
        return "saved"
    if first.number == 1 and first.wire == BYTES:  # a node, or the information of a meta graph
        inner = list(itertools.islice(reader.fields(first.offset, first.end), _MAX_CHECKED))
        return "graph" if _is_node(reader, inner) else "meta"
    return "saved" if first.number == 2 else ""


def _is_node(reader: Reader, fields: list[Field]) -> bool:
    """Return whether some fields are those of a node."""
    numbers = {field.number for field in fields if field.wire == BYTES}
    is_node = {_NAME, _OPERATION} <= numbers and not any(field.wire == NUMBER for field in fields)
    return is_node and _is_name(reader, fields)


def _is_name(reader: Reader, fields: list[Field]) -> bool:
    """Return whether the first two fields are the name and the operation of a node."""
    texts = [reader.text(field, nodes.MAX_TEXT) for field in fields if field.number in (_NAME, _OPERATION)][:2]
    return len(texts) == 2 and re.fullmatch(r"\w+(>\w+)?", texts[1]) is not None


def _visit(kind: str, reader: Reader, message: Field, scan: Scan, assets: Collection[str] = ()) -> int:
    """Visit everything in a message that has nodes, and return their number; those of one graph are examined together."""
    graph: dict[str, Node] = {}
    count = 0
    if kind == "saved meta":  # only a loader of a SavedModel replaces constants
        assets = set(_assets(reader, message, scan))
    for field in reader.fields(message.offset, message.end):
        child = _GRAPHS[kind].get(field.number)
        if field.wire != BYTES or child is None:
            continue
        if child == "node":
            node = nodes.stored(reader, field)
            graph[node.name] = node
            count += 1
            _report(node.operation, scan)
        else:
            count += _visit(child, reader, field, scan, assets if child == "graph" else ())
    Paths(graph, assets if kind == "graph" else (), scan).examine()
    return count


def _assets(reader: Reader, meta: Field, scan: Scan) -> Iterator[str]:
    """Yield the names of constants that a loader replaces by the paths of files below `assets/`."""
    for field in reader.fields(meta.offset, meta.end):
        if field.number == _ASSET and field.wire == BYTES:
            inside = [part for part in reader.fields(field.offset, field.end) if part.wire == BYTES]
            for part in inside:
                if part.number == _NAME:
                    names = [name for name in reader.fields(part.offset, part.end) if name.wire == BYTES]
                    yield from (
                        reader.text(name, nodes.MAX_TEXT).partition(":")[0] for name in names if name.number == 1
                    )
                elif part.number == _OPERATION:
                    _report_asset(reader.text(part, nodes.MAX_TEXT), scan)


def _report_asset(path: str, scan: Scan) -> None:
    if is_outside(path):
        scan.report(nodes.PATH, detail=f"an asset ({path})")


def _report(operation: str, scan: Scan) -> None:
    if operations.is_hostile(operation):
        scan.report(OPERATION, names=[operation], detail=operation)
    elif ">" in operation or operation in operations.CODE:
        scan.report(CUSTOM, names=[operation])
    elif operation in operations.ENGINES:
        scan.report(programs.ENGINE)
