"""Writes weights as safetensors and as ONNX, byte by byte: both formats are small enough to be written out.

Sources: the safetensors README (8-byte little-endian header length, JSON, tensors) and onnx.proto3 of ONNX 1.16.
"""

from __future__ import annotations

import json

from network import Weights


def safetensors(weights: Weights, metadata: dict[str, str]) -> bytes:
    """The safetensors file of float32 `weights`, in their order."""
    header: dict[str, object] = {"__metadata__": metadata}
    offset = 0
    for name, value in weights.items():
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [offset, offset + value.nbytes]}
        offset += value.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + b"".join(value.tobytes() for value in weights.values())


def onnx(weights: Weights, classes: int) -> bytes:
    """The ONNX model of the network: input `pictures` (n, 1, 16, 16), output `scores` (n, classes)."""
    nodes = [
        _conv("pictures", "conv1"),
        _node("Relu", ["conv1"], "relu1"),
        _pool("relu1", "pool1"),
        _conv("pool1", "conv2"),
        _node("Relu", ["conv2"], "relu2"),
        _pool("relu2", "pool2"),
        _node("Flatten", ["pool2"], "flat"),
        _gemm("flat", "fc1"),
        _node("Relu", ["fc1"], "relu3"),
        _gemm("relu3", "fc2", "scores"),
    ]
    graph = b"".join(_field(1, node) for node in nodes) + _field(2, b"network")
    for name, value in weights.items():
        dims = b"".join(_field(1, size) for size in value.shape)
        graph += _field(5, dims + _field(2, 1) + _field(8, name.encode()) + _field(9, value.tobytes()))
    graph += _field(11, _tensor("pictures", "n", 1, 16, 16)) + _field(12, _tensor("scores", "n", classes))
    return _field(1, 8) + _field(2, b"mvc-example") + _field(7, graph) + _field(8, _field(2, 17))


def _conv(source: str, name: str) -> bytes:
    attributes = _ints("kernel_shape", 3, 3) + _ints("pads", 1, 1, 1, 1)
    return _node("Conv", [source, f"{name}.weight", f"{name}.bias"], name, attributes)


def _pool(source: str, name: str) -> bytes:
    return _node("MaxPool", [source], name, _ints("kernel_shape", 2, 2) + _ints("strides", 2, 2))


def _gemm(source: str, name: str, output: str = "") -> bytes:
    transposed = _field(5, _field(1, b"transB") + _field(3, 1) + _field(20, 2))
    return _node("Gemm", [source, f"{name}.weight", f"{name}.bias"], output or name, transposed)


def _node(operator: str, inputs: list[str], output: str, attributes: bytes = b"") -> bytes:
    named = b"".join(_field(1, name.encode()) for name in inputs) + _field(2, output.encode())
    return named + _field(3, output.encode()) + _field(4, operator.encode()) + attributes


def _ints(name: str, *values: int) -> bytes:
    return _field(5, _field(1, name.encode()) + b"".join(_field(8, value) for value in values) + _field(20, 7))


def _tensor(name: str, *shape: int | str) -> bytes:
    sizes = [_field(2, size.encode()) if isinstance(size, str) else _field(1, size) for size in shape]
    kind = _field(1, 1) + _field(2, b"".join(_field(1, size) for size in sizes))
    return _field(1, name.encode()) + _field(2, _field(1, kind))


def _field(number: int, value: int | bytes) -> bytes:
    """A protobuf field: a varint, or bytes with their length."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
