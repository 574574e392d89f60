"""The tensors in what a PyTorch pickle would build, each with its path: `model.encoder.weight`, `optimizer.state.0.exp_avg`.

The functions that PyTorch rebuilds tensors with, and its names for kinds of numbers, are known here and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from mvc.formats.header import volume
from mvc.formats.pickle_text import Call, Global, Persistent
from mvc.formats.source import HeaderError
from mvc.model.segment import WIDTHS

MAX_DEPTH = 200
"""How deep dicts, lists and objects may lie in each other; what lies deeper has no name."""
MAX_NAME = 1_000
"""Characters of a path, at most; a longer one is no name."""
_DTYPES = {
    "Float": "F32", "Double": "F64", "Half": "F16", "BFloat16": "BF16", "Long": "I64", "Int": "I32", "Short": "I16",
    "Char": "I8", "Byte": "U8", "Bool": "BOOL", "ComplexFloat": "C64", "ComplexDouble": "C128",
    "QInt8": "I8", "QUInt8": "U8", "QInt32": "I32", "Untyped": "U8",
    "uint8": "U8", "uint16": "U16", "uint32": "U32", "uint64": "U64",
    "int8": "I8", "int16": "I16", "int32": "I32", "int64": "I64",
    "float16": "F16", "bfloat16": "BF16", "float32": "F32", "float64": "F64", "complex64": "C64", "complex128": "C128",
    "bool": "BOOL", "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2", "float8_e8m0fnu": "F8_E8M0",
}  # fmt: skip
"""Kinds of numbers, by the name of a storage's class without its ending, or by that of a dtype."""
_TENSORS = {f"torch._utils._rebuild_{name}" for name in ("tensor", "tensor_v2", "tensor_v3", "qtensor")}
_WRAPPERS = {f"torch._utils._rebuild_{name}" for name in ("parameter", "parameter_with_state")}
_TYPED = "torch._tensor._rebuild_from_type_v2"
_WITH_DTYPE, _DTYPE_AT = "torch._utils._rebuild_tensor_v3", 6
_OF_MODULES = ("_modules", "_parameters", "_buffers")
"""Where a module keeps its parts; a state dict leaves these words out, so a pickled module does too."""


class View(NamedTuple):
    """A tensor that looks at bytes `start` to `stop` of the storage `key`, which has `held` numbers of kind `storage`.

    `contiguous` says that its numbers lie there side by side in the order of `shape`.
    """

    name: str
    key: str
    storage: str
    held: int
    dtype: str
    start: int
    stop: int
    shape: tuple[int, ...]
    contiguous: bool

    @property
    def size(self) -> int:
        """Bytes from its first to its last number."""
        return self.stop - self.start


def views(root: Any, prefix: str = "") -> Iterator[View]:
    """The tensors below `root`, a value of `pickletext`, in its order; raises HeaderError for an impossible one.

    `prefix` begins their names. Each value is entered once, so what is reached on several ways has the first name, and
    what holds itself is no trouble.
    """
    entered: set[int] = set()
    path: list[Iterator[tuple[str | None, Any]]] = [iter([(prefix, root)])]
    while path:
        for name, value in path[-1]:
            if not isinstance(value, Call | list | tuple) or id(value) in entered:
                continue
            entered.add(id(value))
            if tensor := _tensor(value):
                yield from _view(name or "", tensor)
            elif len(path) < MAX_DEPTH:
                path.append(_inside(name, value))
                break
        else:
            path.pop()


def _inside(name: str | None, value: Call | Sequence[Any]) -> Iterator[tuple[str | None, Any]]:
    if isinstance(value, Call):
        for key, each in value.parts:
            yield _joined(name, key), each
        yield name, value.args
    else:
        for index, each in enumerate(value):
            yield _joined(name, index), each


def _joined(name: str | None, key: Any) -> str | None:
    """The path of what lies below `name` under `key`, None for one that cannot be written."""
    if key is None or (isinstance(key, str) and key in _OF_MODULES):
        return name
    if name is None or not isinstance(key, int | str) or (isinstance(key, str) and len(name) + len(key) > MAX_NAME):
        return None
    return f"{name}.{key}" if name else str(key)


def _tensor(value: Any) -> Call | None:
    """The call that rebuilds a tensor, without what is wrapped around it; None for any other value."""
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
    """The tensor as a view, unless its arguments are others than PyTorch writes."""
    match tensor.args:
        case (Persistent(("storage", Global(kind), str(key), _, int(held), *_)), int(first), shape, strides, *_):
            storage = _DTYPES.get(kind.rpartition(".")[2].removesuffix("Storage"), "")
        case _:
            return
    if not isinstance(shape, tuple) or not isinstance(strides, tuple) or len(strides) != len(shape):
        return
    dtype, elements = _dtype(tensor, storage), volume(name, shape)
    volume(name, strides)
    if first < 0 or held < 0:
        raise HeaderError(f"{name or 'a tensor'} leads outside of its storage")
    width = WIDTHS.get(dtype, 0)
    spread = 1 + sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True)) if elements else 0
    contiguous = bool(width) and _in_order(shape, strides)
    yield View(name, key, storage, held, dtype, first * width, (first + spread) * width, shape, contiguous)


def _dtype(tensor: Call, storage: str) -> str:
    if tensor.function.name != _WITH_DTYPE:
        return storage
    kind = tensor.args[_DTYPE_AT] if len(tensor.args) > _DTYPE_AT else None
    return _DTYPES.get(kind.name.rpartition(".")[2], "") if isinstance(kind, Global) else ""


def _in_order(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether the last index runs fastest, and no number is left out."""
    expected = [math.prod(shape[index + 1 :]) for index in range(len(shape))]
    return 0 in shape or all(
        length == 1 or stride == wanted for length, stride, wanted in zip(shape, strides, expected, strict=True)
    )
