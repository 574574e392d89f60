"""Weight files: the header of each format, its metadata, its license, and what is wrong with a file of its name."""

from __future__ import annotations

from mvc import lazy
from mvc.formats import compressed, fault, statistics
from mvc.formats.known import FORMATS, Format
from mvc.formats.metadata import class_names, licenses, onnx_operators, reader
from mvc.formats.source import HeaderError
from mvc.model.segment import WIDTHS
from tests.formats.headers import check, source
from tests.fuzz.target import PROCESS, SLOW, Target

_IN_PROCESS = {"hdf5", "keras"}
"""Formats that a process of its own reads with the HDF5 library: some twenty inputs a second."""
_NAMES = {"coreml_weights": "weight.bin", "openvino": "model.xml", "tf_checkpoint": "variables.index"}


def _read(format_: Format, data: bytes) -> None:
    name = _NAMES.get(format_.name, f"file{format_.suffixes[0]}")
    module = lazy.load(format_.module)
    if module.matches(data[:512], source(data, name)):
        check(module.read(source(data, name)), len(data))
    if format_.name not in _IN_PROCESS:
        assert fault.fault(source(data, name)).isprintable()
        licenses.read(source(data, name))
    reader.read(source(data, name))


def _target(format_: Format) -> Target:
    return Target(
        f"weights-{format_.name}",
        lambda data: _read(format_, data),
        (HeaderError,),
        suffixes=format_.suffixes,
        cost=PROCESS if format_.name in _IN_PROCESS else 1,
    )


def _operators(data: bytes) -> None:
    onnx_operators.read(source(data, "model.onnx"))


def _classes(data: bytes) -> None:
    class_names.parse(data.decode("utf-8", "replace"))


def _texts_of_licenses(data: bytes) -> None:
    kind, _, rest = data.partition(b"\n")
    name = {b"r": "README.md", b"m": "metadata.yaml"}.get(kind, "LICENSE")
    licenses.read(source(rest, name))


def _compression(data: bytes) -> None:
    """Tell how a file is compressed: one that begins as the input, and ends with the same bytes, as archives do."""
    half = compressed.SMALLEST // 2
    compressed.compression(source(data + bytes(2 * half - 2 * len(data)) + data, "model.pkl"), None)


def _tensor(data: bytes) -> None:
    """Compare the two halves of a tensor's bytes, in each dtype."""
    for dtype, width in WIDTHS.items():
        size = len(data) // 2 // width * width if width else 0
        if statistics.readable(dtype) and size:
            found = statistics.drift(
                statistics.numbers(data[:size], dtype), statistics.numbers(data[size : 2 * size], dtype)
            )
            assert 0 <= found.equal <= found.elements


TARGETS = (
    *map(_target, FORMATS.values()),
    Target("onnx-operators", _operators, (HeaderError,), suffixes=(".onnx",)),
    Target("compression", _compression, cost=SLOW),
    Target("tensor-values", _tensor),
    Target("class-names", _classes),
    Target("license-texts", _texts_of_licenses),
)
