"""Models as text: ONNX, and networks of Caffe, in the text format of protocol buffers or the syntax of ONNX.

    external_data { key: "location" value: "/etc/passwd" }       onnx.load reads it
    python_param { module: "team" layer: "Crop" }                Caffe imports it
    backend: "../../tmp/x"                                       Triton loads its library

Source: onnx/serialization.py of ONNX; caffe.proto of Caffe.
"""

from __future__ import annotations

import re

from mvc.formats.source import Source, TooLongError
from mvc.formats.syntax import protobuf_text
from mvc.scan.formats import model_config, onnx
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

MAX_TEXT = 64 * 1024 * 1024
"""Bytes of a text, at most."""
_MAX_PARSED = 1024 * 1024
"""Bytes of a text that has one of the names of rules, at most."""
_MATTERING = re.compile(
    r"external_data|python_param|hdf5_output_param|EXECUTION_ENV_PATH|^\s*(?:backend|runtime)\s*:|\bdomain\s*:\s*[\"'][^\"'\s]",
    re.MULTILINE,
)

SYNTAX = Rule("model-text", Verdict.UNREADABLE, "A loader may parse it as a model in text that the scan cannot: {}.")
OUTPUT = Rule("caffe-output", Verdict.HOSTILE, "Caffe would write the file {} when the network runs.")
RULES = (SYNTAX, OUTPUT, *onnx.RULES, *model_config.RULES)

_SUFFIXES = (".textproto", ".prototxt", ".pbtxt")
_SYNTAX = (".onnxtxt", ".onnxtext")


def matches(start: bytes, source: Source) -> bool:
    """Return whether its name is that of a model as text, and it begins as text."""
    return source.name.lower().endswith((*_SUFFIXES, *_SYNTAX)) and b"\0" not in start


def scan(source: Source, scan: Scan) -> None:
    """Report what a loader would read or import. Raises TooLongError."""
    if source.size > MAX_TEXT:
        raise TooLongError(f"it is a model as text of more than {MAX_TEXT >> 20} MiB")
    text = source.bulk(0, source.size).decode("utf-8", "replace")
    if source.name.lower().endswith(_SYNTAX):
        onnx.examine_syntax(text, scan)
        return
    if not _MATTERING.search(text):
        return
    if len(text) > _MAX_PARSED:
        raise TooLongError(f"it names other files or code, in more than {_MAX_PARSED >> 20} MiB")
    try:
        onnx.examine_text(text, scan)
        for name, fields in protobuf_text.messages(text):
            if name == "python_param":
                layers = fields.get("layer", [""])
                for module in fields.get("module", ()):
                    model_config.report(f"{module}.{layers[0]}", scan, is_called=True)
            elif name == "parameters" and "EXECUTION_ENV_PATH" in fields.get("key", ()):
                scan.report(model_config.LIBRARY, detail="EXECUTION_ENV_PATH")
            elif name == "":
                for path in (*fields.get("backend", ()), *fields.get("runtime", ())):
                    if "/" in path:
                        scan.report(model_config.OUTSIDE, detail=path)
            elif name == "hdf5_output_param":
                scan.report(OUTPUT, detail=" ".join(fields.get("file_name", ())))
    except ValueError as error:
        scan.report(SYNTAX, detail=str(error))
