"""ONNX: where tensors are read from, and operators that no runtime has itself; in the graph, its branches and functions.

    external_data  location  "../../etc/passwd"                a file outside of the model's folder
    node           domain    "my.ops"                          a library of custom operators
    function       domain    "my.ops", name "Gelu"             a function that the model defines: its nodes count instead

Source: onnx.proto of the ONNX project, IR version 13; its pages "External Data" and "Custom operators".
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from typing import Any

from mvc.formats import onnx as header
from mvc.formats.source import HeaderError, Source, TooLongError
from mvc.formats.syntax import protobuf_text
from mvc.formats.syntax.protobuf import BYTES, NUMBER, Field, Reader
from mvc.scan.formats.model_config import is_outside
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

OUTSIDE = Rule("onnx-outside", Verdict.HOSTILE, "A runtime would read {}, a file outside of the model's folder.")
LINK = Rule("onnx-link", Verdict.HOSTILE, "A runtime would read {} through a link, from wherever it points to.")
DOMAIN = Rule("onnx-domain", Verdict.CODE, "A runtime needs a library with operators that are not part of ONNX.")
PYTHON = Rule("onnx-python", Verdict.HOSTILE, "A runtime would call a function of Python by the operator {}.")
ENGINE = Rule("onnx-engine", Verdict.CODE, "A runtime would load a compiled engine that the model holds or names.")
RULES = (OUTSIDE, LINK, DOMAIN, PYTHON, ENGINE)

_CHILDREN = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
"""The fields of each message that rules look into, and the kind of message they hold."""
_OWN = frozenset({
    "", "ai.onnx", "ai.onnx.ml", "ai.onnx.preview", "ai.onnx.preview.training", "ai.onnx.training", "com.microsoft",
    "com.microsoft.experimental", "com.microsoft.nchwc", "com.ms.internal.nhwc",
})  # fmt: skip
"""Domains that ONNX or ONNX Runtime has itself."""
_PYTHON = frozenset({"PyCustomOpDef", "PyOp", "PythonOp", "PythonOpGrad"})
_ENGINES = frozenset({"EPContext", "TRTEngineOp", "TRT_PluginV2", "QNNContext"})
_LOCATION = re.compile(r"[\"']?location[\"']?\s*:\s*\"([^\"]*)\"")
_OPERATOR = re.compile(r"=\s*([A-Za-z_][\w.]*)\.(\w+)\s*[(<]")
_MODEL = {
    1: NUMBER,
    2: BYTES,
    3: BYTES,
    4: BYTES,
    5: NUMBER,
    6: BYTES,
    7: BYTES,
    8: BYTES,
    14: BYTES,
    20: BYTES,
    25: BYTES,
    26: BYTES,
}
"""The fields of a model, and their wire types."""
_VERSION, _GRAPH = 1, 7
_GRAPH_FIELDS = frozenset({1, 2, 5, 10, 11, 12, 13, 14, 15, 16})
"""The fields of a graph, which all have content."""
_MAX_CHECKED = 256
_MAX_FIELDS = 1 << 16
"""Fields of a file that are read to see whether it is a model, at most."""
_MAX_TEXT = 4096
_MAX_NAMES = 200


def matches(start: bytes, source: Source) -> bool:
    """Return whether it is a model, by its name or its fields: a runtime reads them in any order."""
    if len(start) > 1 and header.matches(start, source):
        return True
    try:
        return _is_model(Reader(source, skips_groups=True), source.size)
    except HeaderError:
        return False


def _is_model(reader: Reader, size: int) -> bool:
    """Return whether all fields are those of a model, or unknown ones, with a version and a graph."""
    kinds = set()
    is_graph = False
    for field in itertools.islice(reader.fields(0, size), _MAX_FIELDS):
        if _MODEL.get(field.number, field.wire) != field.wire:
            return False
        kinds.add(field.number)
        if field.number == _GRAPH and not is_graph:
            inner = list(itertools.islice(reader.fields(field.offset, field.end), _MAX_CHECKED))
            known = [part for part in inner if part.number in _GRAPH_FIELDS]
            is_graph = any(part.number in _CHILDREN["graph"] for part in known) and all(
                part.wire == BYTES for part in known
            )
    return is_graph and _VERSION in kinds


def examine(value: dict[str, Any], scan: Scan, member: str = "") -> None:
    """Report what one map of a model as JSON names, not the maps inside of it."""
    match value:
        case {"key": "location", "value": str(location)} if is_outside(location):
            scan.report(OUTSIDE, member=member, detail=location)
        case {"opType": str(name), "domain": str(domain)} if domain not in _OWN:
            scan.report(DOMAIN, member=member, names=[f"{domain}.{name}"])


def examine_text(text: str, scan: Scan) -> None:
    """Report what a model as text names, in the format of protocol buffers or of ONNX. Raises ValueError."""
    for name, fields in protobuf_text.messages(text):
        locations = fields.get("value", []) if name == "external_data" and "location" in fields.get("key", ()) else []
        for location in filter(is_outside, locations):
            scan.report(OUTSIDE, detail=location)
        domains = [domain for domain in fields.get("domain", ()) if domain not in _OWN] if name == "node" else []
        if domains:
            scan.report(DOMAIN, names=[f"{domains[0]}.{kind}" for kind in fields.get("op_type", ())])


def examine_syntax(text: str, scan: Scan) -> None:
    """Report what a model in the syntax of ONNX's own parser names."""
    for match in _LOCATION.finditer(text):
        if is_outside(match[1]):
            scan.report(OUTSIDE, detail=match[1])
    names = [f"{match[1]}.{match[2]}" for match in _OPERATOR.finditer(text) if match[1] not in _OWN]
    if names:
        scan.report(DOMAIN, names=names[:_MAX_NAMES])


def scan(source: Source, scan: Scan) -> None:
    """Report locations of tensors and operators. Raises HeaderError if the model is truncated."""
    walk = _Walk(Reader(source, skips_groups=True), scan)
    try:
        walk.message("model", Field(0, BYTES, source.size, 0), 0)
    finally:
        walk.report()
    if not walk.has_graph:
        raise HeaderError("it has no graph")


def report_operators(operators: Iterable[tuple[str, str]], scan: Scan) -> None:
    """Report those of some operators, each with its domain and name, that a runtime does not have itself."""
    listed = list(operators)
    for _, name in listed:
        if name in _PYTHON:
            scan.report(PYTHON, detail=name)
    engines = sorted({name for _, name in listed if name in _ENGINES})
    if engines:
        scan.report(ENGINE, names=engines)
    custom = sorted({f"{domain}.{name}" for domain, name in listed if domain not in _OWN})
    if custom:
        scan.report(DOMAIN, names=custom[:_MAX_NAMES])


class _Walk:
    """One pass over a model, and the operators and locations it meets."""

    def __init__(self, reader: Reader, scan: Scan) -> None:
        self._reader = reader
        self._scan = scan
        self._operators: dict[tuple[str, str], None] = {}
        self._functions: set[tuple[str, str]] = set()
        self._locations: dict[str, None] = {}
        self.has_graph = False

    def message(self, kind: str, message: Field, depth: int) -> None:
        """Visit everything in a message."""
        if depth > header.MAX_NESTING:
            raise TooLongError(f"its messages are nested deeper than {header.MAX_NESTING}")
        names: list[str] = []
        domains: list[str] = []
        for field in self._reader.fields(message.offset, message.end):
            child = _CHILDREN[kind].get(field.number)
            if field.wire != BYTES:
                continue
            if child == "entry":
                self._entry(field)
            elif child is not None:
                self.has_graph = self.has_graph or (kind, child) == ("model", "graph")
                self.message(child, field, depth + 1)
            elif (kind, field.number) in (("node", 4), ("function", 1)):
                names.append(self._text(field))
            elif (kind, field.number) in (("node", 7), ("function", 10)):
                domains.append(self._text(field))
        pairs = [(domain, name) for name in names for domain in domains or [""]]
        if kind == "node":
            self._operators.update(dict.fromkeys(pairs))
        elif kind == "function" and len(pairs) == 1:
            self._functions.update(pairs)

    def _text(self, field: Field) -> str:
        try:
            return self._reader.text(field, _MAX_TEXT) if field.value <= _MAX_TEXT else "…"
        except HeaderError:  # not UTF-8, which runtimes accept
            return "\N{REPLACEMENT CHARACTER}"

    def _entry(self, message: Field) -> None:
        """Remember the location that an entry of `external_data` gives."""
        texts: dict[int, list[str]] = {1: [], 2: []}
        for field in self._reader.fields(message.offset, message.end):
            if field.wire == BYTES and field.number in texts:
                texts[field.number].append(self._text(field))
        if "location" in texts[1]:
            self._locations.update(dict.fromkeys(texts[2]))

    def report(self) -> None:
        """Report what was met."""
        for location in self._locations:
            if is_outside(location):
                self._scan.report(OUTSIDE, detail=location)
            elif self._scan.beside(location) == "link":
                self._scan.report(LINK, detail=location)
        report_operators([one for one in self._operators if one not in self._functions], self._scan)
