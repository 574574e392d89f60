"""Networks of Paddle and Caffe as protocol buffers: the layers and operators that need code, or do more than compute.

    ProgramDesc ─ blocks ─ ops ─ type "save"                         Paddle: it writes a file
    NetParameter ─ layer ─ python_param ─ module "team"              Caffe: it is imported

Source: framework.proto of Paddle; caffe.proto of Caffe.
"""

from __future__ import annotations

from typing import Any

from mvc.formats.source import Source, TooLongError
from mvc.formats.syntax.protobuf import BYTES, Field, Reader
from mvc.scan.formats import model_config
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

OPERATION = Rule(
    "paddle-operation",
    Verdict.HOSTILE,
    "Paddle would run {}, which reads or writes files, or calls a function of Python.",
)
RULES = (OPERATION, *model_config.RULES)

_MODELS: dict[str, dict[str, dict[int, str]]] = {
    ".pdmodel": {"root": {1: "block"}, "block": {4: "operator"}},
    ".caffemodel": {"root": {100: "layer", 2: "layer"}, "layer": {130: "python"}},
}  # fmt: skip
"""The fields of each message that are looked into, by the suffix of the file."""
_TEXTS = {"operator": (3,), "python": (1, 2)}
_OLD_NAME = "__model__"
_OPERATIONS = frozenset({"load", "load_combine", "py_func", "py_layer", "save", "save_combine"})
_MAX_TEXT = 4096
_MAX_DEPTH = 16


def examine(value: dict[str, Any], scan: Scan, member: str = "") -> None:
    """Report what one operator of a program of Paddle 3 as JSON names, `{"#": "1.save_combine", "I": …, "O": …}`."""
    match value:
        case {"#": str(kind), "I": list(), "O": list()}:
            name = kind.rpartition(".")[2].rstrip("_")
            if name in _OPERATIONS:
                scan.report(OPERATION, member=member, detail=name)


def matches(start: bytes, source: Source) -> bool:
    """Return whether its name is that of a network, and it begins as a message."""
    return bool(_suffix(source)) and start[:1] == b"\x0a"


def scan(source: Source, scan: Scan) -> None:
    """Report operations and modules. Raises HeaderError if it is truncated."""
    _Walk(Reader(source, skips_groups=True), _MODELS[_suffix(source)], scan).visit(
        "root", Field(0, BYTES, source.size, 0), 0
    )


def _suffix(source: Source) -> str:
    name = source.name.lower()
    if name.rpartition("/")[2] == _OLD_NAME:
        return ".pdmodel"
    return next((suffix for suffix in _MODELS if name.endswith(suffix)), "")


class _Walk:
    """One pass over the messages of a network."""

    def __init__(self, reader: Reader, children: dict[str, dict[int, str]], scan: Scan) -> None:
        self._reader = reader
        self._children = children
        self._scan = scan

    def visit(self, kind: str, message: Field, depth: int) -> None:
        """Visit everything in a message, and report what it names. Raises HeaderError."""
        if depth > _MAX_DEPTH:
            raise TooLongError("its messages are nested too deep")
        texts: list[str] = []
        for field in self._reader.fields(message.offset, message.end):
            if field.wire != BYTES:
                continue
            child = self._children.get(kind, {}).get(field.number)
            if child is not None:
                self.visit(child, field, depth + 1)
            elif field.number in _TEXTS.get(kind, ()):
                texts.append(self._reader.text(field, _MAX_TEXT) or "\N{HORIZONTAL ELLIPSIS}")
        if kind == "python":
            model_config.report(".".join(texts), self._scan, is_called=True)
        for text in texts if kind == "operator" else ():
            if text in _OPERATIONS:
                self._scan.report(OPERATION, detail=text)
