"""TFLite: operators that the interpreter does not have itself, and those of TensorFlow that do more than compute.

    operator_codes ─ custom_code ┬ "TFLite_Detection_PostProcess"    the interpreter's own
                                 ├ "FlexWriteFile"                   TensorFlow's, by the delegate Flex
                                 └ "MyOperator"                      a library

Source: tensorflow/lite/schema/schema.fbs, version 3; tensorflow/lite/kernels/register.cc.
"""

from __future__ import annotations

from mvc.formats.source import Source
from mvc.formats.syntax.flatbuffer import Flatbuffer
from mvc.scan.formats.tensorflow import operations
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

OPERATION = Rule(
    "tflite-operation", Verdict.HOSTILE, "The interpreter would run {} of TensorFlow, which does more than compute."
)
CUSTOM = Rule(
    "tflite-custom", Verdict.CODE, "The interpreter needs a library with operators that it does not have itself."
)
RULES = (OPERATION, CUSTOM)

_MAGIC = b"TFL3"
_OPERATORS, _CUSTOM_CODE = 1, 1
_MAX_OPERATORS = 10_000
_MAX_NAME = 1024
_OWN = frozenset({
    "AudioSpectrogram", "Convolution2DTransposeBias", "MaxPoolingWithArgmax2D", "MaxUnpooling2D", "Mfcc", "NumericVerify",
    "TFLite_Detection_PostProcess", "aeq.hadamard_rotation", "odml.runtime_bmm",
})  # fmt: skip
"""Custom operators that the interpreter has itself, or its builds for mobile."""


def matches(start: bytes, source: Source) -> bool:  # noqa: ARG001 - the first bytes suffice
    """Return whether it has the identifier of the schema."""
    return start[4:8] == _MAGIC


def scan(source: Source, scan: Scan) -> None:
    """Report custom operators. Raises HeaderError if the flatbuffer is malformed."""
    buffer = Flatbuffer(source)
    custom: dict[str, None] = {}
    for table in buffer.tables(buffer.root(), _OPERATORS, _MAX_OPERATORS):
        name = buffer.label(table, _CUSTOM_CODE, _MAX_NAME)
        if operations.is_hostile(name):
            scan.report(OPERATION, detail=name)
        elif name and name not in _OWN and not name.startswith("Flex"):
            custom[name] = None
    if custom:
        scan.report(CUSTOM, names=custom)
