"""Tensors in a PyTorch pickle, each with its path: `model.encoder.weight`, `optimizer.state.0.exp_avg`.

Only this module knows the functions with which PyTorch rebuilds tensors, and PyTorch's names of dtypes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from mvc.formats.header import volume
from mvc.formats.source import HeaderError
from mvc.formats.syntax.pickle_text import Call, Global, Persistent
from mvc.model.segment import WIDTHS

MAX_DEPTH = 200
"""Nesting of dicts, lists and objects, at most; a tensor deeper down has no name."""
MAX_SHARED = 10_000
"""Further names of tensors that occur more than once, at most."""
MAX_NAME = 1_000
"""Characters of a path, at most; a longer one is left out."""
_DTYPES = {
    "Float": "F32", "Double": "F64", "Half": "F16", "BFloat16": "BF16", "Long": "I64", "Int": "I32", "Short": "I16",
    "Char": "I8", "Byte": "U8", "Bool": "BOOL", "ComplexFloat": "C64", "ComplexDouble": "C128",
    "QInt8": "I8", "QUInt8": "U8", "QInt32": "I32", "Untyped": "U8",
    "uint8": "U8", "uint16": "U16", "uint32": "U32", "uint64": "U64",
    "int8": "I8", "int16": "I16", "int32": "I32", "int64": "I64",
    "float16": "F16", "bfloat16": "BF16", "float32": "F32", "float64": "F64", "complex64": "C64", "complex128": "C128",
    "bool": "BOOL", "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2", "float8_e8m0fnu": "F8_E8M0",
    "float8_e4m3fnuz": "F8_E4M3FNUZ", "float8_e5m2fnuz": "F8_E5M2FNUZ", "float4_e2m1fn_x2": "F4", "complex32": "C32",
}  # fmt: skip
"""Dtypes, by the name of a storage class without its suffix, or of a dtype."""
_PAIRS = "F4"
"""The dtype of which PyTorch counts pairs, of a byte each, and safetensors counts numbers."""
_SIZES = WIDTHS | {"F8_E4M3FNUZ": 1, "F8_E5M2FNUZ": 1, "C32": 4, _PAIRS: 1}
"""Bytes of an element, as PyTorch counts elements."""
_TENSORS = {f"torch._utils._rebuild_{name}" for name in ("tensor", "tensor_v2", "tensor_v3", "qtensor")}
_QUANTISED = "torch._utils._rebuild_qtensor"
_WRAPPERS = {f"torch._utils._rebuild_{name}" for name in ("parameter", "parameter_with_state")}
_TYPED = "torch._tensor._rebuild_from_type_v2"
_TENSOR_V3, _DTYPE_INDEX = "torch._utils._rebuild_tensor_v3", 6
_MODULE_DICTS = ("_modules", "_parameters", "_buffers")
"""Attributes in which a module keeps its parts. They are left out of paths, as in a state dict."""


class Storage(NamedTuple):
    """A storage of `length` elements of `dtype`; `""` and 0 if only its bytes are known."""

    key: str
    dtype: str = ""
    length: int = 0


class Grid(NamedTuple):
    """The elements of a tensor: the first one, and for each dimension the count and the distance of its elements."""

    first: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class View(NamedTuple):
    """A tensor over bytes `start` to `stop` of the storage `key`, which has `length` elements of dtype `storage`.

    `contiguous` is true if its elements are adjacent, in the order of `shape`.
    """

    name: str
    key: str
    storage: str
    length: int
    dtype: str
    start: int
    stop: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    contiguous: bool

    @property
    def size(self) -> int:
        """The bytes from its first to its last element."""
        return self.stop - self.start


def views(root: Any, prefix: str = "") -> Iterator[View]:
    """Yield the tensors below `root`, a value of `pickle_text`, in its order; raise HeaderError for an impossible one.

    `prefix` begins their names. Each value is visited once, so a shared one keeps its first name, and cycles end; only of a
    shared tensor, all names are given, up to `MAX_SHARED` in all.
    """
    visited: set[int] = set()
    shared = 0
    path: list[Iterator[tuple[str | None, Any]]] = [iter([(prefix, root)])]
    while path:
        for name, value in path[-1]:
            if not isinstance(value, Call | list | tuple):
                continue
            if id(value) in visited:
                tensor = _tensor(value) if name and shared < MAX_SHARED else None
                if tensor is not None:
                    shared += 1
                    yield from _view(name or "", tensor)
                continue
            visited.add(id(value))
            if tensor := _tensor(value):
                yield from _view(name or "", tensor)
                yield from _quantizer(name or "", tensor)
            elif len(path) < MAX_DEPTH:
                path.append(_children(name, value))
                break
        else:
            path.pop()


def storage_dtype(kind: str) -> str:
    """Return the dtype of a storage by the name of its class, `""` if it is not known."""
    return _DTYPES.get(kind.rpartition(".")[2].removesuffix("Storage"), "")


def _children(name: str | None, value: Call | Sequence[Any]) -> Iterator[tuple[str | None, Any]]:
    if isinstance(value, Call):
        for key, child in value.parts:
            yield _joined(name, key), child
        yield name, value.args
    else:
        for index, child in enumerate(value):
            yield _joined(name, index), child


def _joined(name: str | None, key: Any) -> str | None:
    """Return the path of the child `key` of `name`; None if it has no name."""
    if key is None or (isinstance(key, str) and key in _MODULE_DICTS):
        return name
    if name is None or not isinstance(key, int | str) or (isinstance(key, str) and len(name) + len(key) > MAX_NAME):
        return None
    return f"{name}.{key}" if name else str(key)


def _tensor(value: Any) -> Call | None:
    """Return the call that rebuilds a tensor, without wrappers; None for any other value."""
    for _ in range(3):
        if not isinstance(value, Call) or not isinstance(value.function, Global) or not isinstance(value.args, tuple):
            return None
        if value.function.name in _TENSORS:
            return value
        if value.function.name in _WRAPPERS and value.args:
            value = value.args[0]
        elif value.function.name == _TYPED and len(value.args) > 2:
            value = Call(value.args[0], value.args[2])
    return None


def _view(name: str, tensor: Call) -> Iterator[View]:
    """Yield the tensor as a view, unless PyTorch would not write its arguments."""
    match tensor.args:
        case (Persistent(("storage", Global(kind), str(key), _, int(length), *_)), int(first), shape, strides, *_):
            storage = Storage(key, storage_dtype(kind), length)
        case _:
            return
    if not isinstance(shape, tuple) or not isinstance(strides, tuple) or len(strides) != len(shape):
        return
    yield view(name, storage, _dtype(tensor, storage.dtype), Grid(first, shape, strides))


def _quantizer(name: str, tensor: Call) -> Iterator[View]:
    """Yield the scales and zero points of a tensor that is quantised per channel."""
    match tensor:
        case Call(Global(function), (_, _, _, _, (Global(), *numbers), *_)) if function == _QUANTISED and name:
            for label, value in zip(("scales", "zero_points"), numbers, strict=False):
                inner = _tensor(value)
                if inner is not None and len(name) + len(label) < MAX_NAME:
                    yield from _view(f"{name}.{label}", inner)


def view(name: str, storage: Storage, dtype: str, grid: Grid) -> View:
    """Return a tensor of a storage; raise HeaderError for an impossible one."""
    first, shape, strides = grid
    elements = volume(name, shape)
    volume(name, strides)
    if first < 0 or storage.length < 0:
        raise HeaderError(f"{name or 'a tensor'} is outside its storage")
    width = _SIZES.get(dtype, 0)
    extent = 1 + sum((count - 1) * stride for count, stride in zip(shape, strides, strict=True)) if elements else 0
    contiguous = bool(width) and _is_contiguous(shape, strides)
    if dtype == _PAIRS and shape:
        shape = (*shape[:-1], 2 * shape[-1])
    return View(name, *storage, dtype, first * width, (first + extent) * width, shape, strides, contiguous)


def _dtype(tensor: Call, storage: str) -> str:
    if tensor.function.name != _TENSOR_V3:
        return storage
    dtype = tensor.args[_DTYPE_INDEX] if len(tensor.args) > _DTYPE_INDEX else None
    return _DTYPES.get(dtype.name.rpartition(".")[2], "") if isinstance(dtype, Global) else ""


def _is_contiguous(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Return whether the last index varies fastest and no element is skipped."""
    expected = [math.prod(shape[index + 1 :]) for index in range(len(shape))]
    return 0 in shape or all(
        count == 1 or stride == dense for count, stride, dense in zip(shape, strides, expected, strict=True)
    )
