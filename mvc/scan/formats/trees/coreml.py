"""Core ML: custom layers and models, which need code of the app, and pipelines of models.

    Model ┬ neuralNetwork ─ layers ─ custom ─ className          code
          ├ customModel ─ className                              code
          ├ pipeline ─ models ─ Model …
          └ nonMaximumSuppression, treeEnsembleClassifier, …      numbers and texts

Source: mlmodel/format/Model.proto, NeuralNetwork.proto and CustomModel.proto of coremltools.
"""

from __future__ import annotations

from mvc.formats.exports.coreml_program import MAX_NESTING
from mvc.formats.source import HeaderError, Source
from mvc.formats.syntax.protobuf import BYTES, NUMBER, Field, Reader
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

CUSTOM = Rule("coreml-custom", Verdict.CODE, "Core ML needs the code of the app for these custom layers and models.")
OPAQUE = Rule("coreml-opaque", Verdict.UNKNOWN, "Core ML would load {}, which no rule reads.")
RULES = (CUSTOM, OPAQUE)

_SPECIFICATION = 1
_PIPELINE = 202
_PIPELINES = frozenset((200, 201, _PIPELINE))
_NETWORKS = frozenset((303, 403, 500))
_CUSTOM_MODEL = 555
_OPAQUE = {502: "an ML program", 556: "a linked model", 3000: "a serialized model"}
_KINDS = frozenset((
    200, 201, 202, 300, 301, 302, 303, 304, 400, 401, 402, 403, 404, 500, 501, 502, 555, 556, 560, 600, 601, 602, 603, 604,
    606, 607, 609, 610, 900, 2000, 2001, 2002, 2003, 2004, 2005, 2006, 3000,
))  # fmt: skip
"""The field of a model that says what it is."""
_LAYERS, _CUSTOM_LAYER, _CLASS = 1, 500, 10
_BRANCHES = {605: (1, 2), 615: (3, 4)}
"""Layers that have networks of their own: a branch and a loop."""
_MAX_NAME = 1024
_MODELS = 1


def matches(start: bytes, source: Source) -> bool:
    """Return whether it is named as a model of Core ML, and has the fields of one."""
    if not source.name.lower().endswith(".mlmodel") or not start.startswith(b"\x08"):
        return False
    try:
        fields = list(Reader(source, skips_groups=True).fields(0, source.size))
    except HeaderError:
        return False
    kinds = {(field.number, field.wire) for field in fields}
    return (_SPECIFICATION, NUMBER) in kinds and any((kind, BYTES) in kinds for kind in _KINDS)


def scan(source: Source, scan: Scan) -> None:
    """Report the classes of custom layers and models. Raises HeaderError if it is malformed."""
    _model(Reader(source, skips_groups=True), Field(0, BYTES, source.size, 0), scan, 0)


def _model(reader: Reader, model: Field, scan: Scan, depth: int) -> None:
    if depth > MAX_NESTING:
        raise HeaderError(f"its models are nested deeper than {MAX_NESTING}")
    for field in _messages(reader, model):
        if field.number in _NETWORKS:
            _network(reader, field, scan, depth + 1)
        elif field.number == _CUSTOM_MODEL:
            _custom(reader, field, scan)
        elif field.number in _OPAQUE:
            scan.report(OPAQUE, detail=_OPAQUE[field.number])
        elif field.number in _PIPELINES:
            for pipeline in _pipelines(reader, field):
                for inner in _messages(reader, pipeline, _MODELS):
                    _model(reader, inner, scan, depth + 1)


def _network(reader: Reader, network: Field, scan: Scan, depth: int) -> None:
    if depth > MAX_NESTING:
        raise HeaderError(f"its networks are nested deeper than {MAX_NESTING}")
    for layer in _messages(reader, network, _LAYERS):
        for part in _messages(reader, layer):
            if part.number == _CUSTOM_LAYER:
                _custom(reader, part, scan)
            for number in _BRANCHES.get(part.number, ()):
                for inner in _messages(reader, part, number):
                    _network(reader, inner, scan, depth + 1)


def _pipelines(reader: Reader, field: Field) -> list[Field]:
    """Return the pipeline of a field: that of a classifier or regressor is inside of it."""
    return [field] if field.number == _PIPELINE else _messages(reader, field, _MODELS)


def _custom(reader: Reader, message: Field, scan: Scan) -> None:
    """Report the class that a custom layer or model names."""
    names = [reader.text(field, _MAX_NAME) for field in _messages(reader, message, _CLASS)]
    scan.report(CUSTOM, names=[name for name in names if name] or ["a class without a name"])


def _messages(reader: Reader, message: Field, number: int = 0) -> list[Field]:
    """Return the fields of a message that have content, all or those of one number."""
    fields = reader.fields(message.offset, message.end)
    return [field for field in fields if field.wire == BYTES and number in (0, field.number)]
