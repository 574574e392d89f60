"""The tensors that the pickle of a torch checkpoint names, found without running any of it.

    {"model": OrderedDict(…, "norm.weight": _rebuild_tensor_v2(storage "7" of FloatStorage, 0, (384,), (1,), …))}
    → model.norm.weight: storage 7, F32, element 0, shape (384,), stride (1,)

The opcodes are read one by one, as `pickletools` lists them. Only maps, lists, tuples, texts and numbers are built; what a
pickle would import or call becomes a value that stands for it. Names are the keys on the way to a tensor, joined by dots.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mvc.formats.source import HeaderError

MAX_BYTES = 64 * 1024 * 1024
MAX_OPCODES = 20_000_000
MAX_DEPTH = 64
DTYPES = {
    "DoubleStorage": "F64", "FloatStorage": "F32", "HalfStorage": "F16", "BFloat16Storage": "BF16",
    "LongStorage": "I64", "IntStorage": "I32", "ShortStorage": "I16", "CharStorage": "I8", "ByteStorage": "U8",
    "BoolStorage": "BOOL", "ComplexFloatStorage": "C64", "ComplexDoubleStorage": "C128",
}  # fmt: skip


class Storage(NamedTuple):
    """The file of a checkpoint that has a tensor's numbers: its key, its dtype, and how many numbers there are."""

    key: str
    dtype: str
    elements: int


class Tensor(NamedTuple):
    """A view of a storage, `shape` and `stride` in elements from element `start`."""

    storage: Storage
    start: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


class _Global(NamedTuple):
    """Something that the pickle would import."""

    name: str


@dataclass(slots=True)
class _Called:
    """What the pickle would call, and with what."""

    what: Any
    arguments: Any
    items: dict[Any, Any] = field(default_factory=dict)


_MARK = object()
_TEXTS = {
    "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE", "BINSTRING", "SHORT_BINSTRING", "STRING",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4",
    "BINFLOAT", "FLOAT",
}  # fmt: skip
"""Opcodes that push the value beside them."""
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False, "EMPTY_DICT": dict, "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple, "EMPTY_SET": list, "MARK": lambda: _MARK,
}  # fmt: skip
_PUT = {"PUT", "BINPUT", "LONG_BINPUT"}
_GET = {"GET", "BINGET", "LONG_BINGET"}
_IGNORED = {"PROTO", "FRAME"}


def tensors(data: bytes) -> list[tuple[str, Tensor]]:
    """Name and place of each tensor, in the order of the pickle; raises HeaderError where it is no sound pickle."""
    if len(data) > MAX_BYTES:
        raise HeaderError(f"its list of tensors is longer than {MAX_BYTES >> 20} MiB")
    try:
        top = _Machine().run(data)
        return list(_walk(top, (), set()))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise HeaderError(f"its list of tensors cannot be read ({error})") from error


class _Machine:
    """The stack and the memo of a pickle."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self, data: bytes) -> Any:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
            if count > MAX_OPCODES:
                break
            if opcode.name == "STOP":
                return self._stack.pop()
            self._step(opcode.name, argument)
        raise HeaderError("its list of tensors has too many steps")

    def _step(self, name: str, argument: Any) -> None:
        stack, memo = self._stack, self._memo
        if name in _TEXTS:
            stack.append(argument)
        elif name in _GET:
            stack.append(memo[argument])
        elif name in _PUT:
            memo[argument] = stack[-1]
        elif name == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name]())
        elif name == "GLOBAL":
            stack.append(_Global(argument.replace(" ", ".")))
        elif name not in _IGNORED:
            _STEPS[name](self)

    def pop(self) -> Any:
        return self._stack.pop()

    def push(self, value: Any) -> None:
        self._stack.append(value)

    def marked(self) -> list[Any]:
        """What lies above the last mark, which goes too."""
        stack = self._stack
        at = next(place for place in range(len(stack) - 1, -1, -1) if stack[place] is _MARK)
        found = stack[at + 1 :]
        del stack[at:]
        return found

    def map_of_marked(self) -> None:
        pairs = self.marked()
        self.push({})
        self.set_items(pairs)

    def duplicate(self) -> None:
        self.push(self._stack[-1])

    def tuple_of(self, count: int) -> None:
        self._stack[-count:] = [tuple(self._stack[-count:])]

    def set_items(self, pairs: list[Any]) -> None:
        """Give the map (or what stands for one) on top its items; keys of other kinds than texts and numbers are left out."""
        top = self._stack[-1]
        items = top.items if isinstance(top, _Called) else top
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            if isinstance(items, dict) and isinstance(key, str | int):
                items[key] = value

    def extend(self, values: list[Any]) -> None:
        if isinstance(self._stack[-1], list):
            self._stack[-1].extend(values)

    def stack_global(self) -> None:
        name, module = self.pop(), self.pop()
        self.push(_Global(f"{module}.{name}"))

    def call(self) -> None:
        arguments, what = self.pop(), self.pop()
        self.push(_Called(what, arguments))

    def build(self) -> None:
        """The state that an object is given: what it holds is looked at as a map's items are."""
        state, top = self.pop(), self._stack[-1]
        if isinstance(top, _Called) and isinstance(state, dict):
            top.items.update(state)

    def persistent(self) -> None:
        kind, *rest = self.pop()
        if kind != "storage" or not isinstance(rest[0], _Global):
            raise ValueError("a reference to something else than a storage")
        dtype = DTYPES.get(rest[0].name.rpartition(".")[2], "")
        self.push(Storage(str(rest[1]), dtype, int(rest[3])))


_STEPS: dict[str, Callable[[_Machine], object]] = {
    "TUPLE": lambda m: m.push(tuple(m.marked())),
    "TUPLE1": lambda m: m.tuple_of(1),
    "TUPLE2": lambda m: m.tuple_of(2),
    "TUPLE3": lambda m: m.tuple_of(3),
    "LIST": lambda m: m.push(m.marked()),
    "DICT": _Machine.map_of_marked,
    "SETITEM": lambda m: m.set_items([m.pop(), m.pop()][::-1]),
    "SETITEMS": lambda m: m.set_items(m.marked()),
    "APPEND": lambda m: m.extend([m.pop()]),
    "APPENDS": lambda m: m.extend(m.marked()),
    "ADDITEMS": lambda m: m.extend(m.marked()),
    "POP": _Machine.pop,
    "POP_MARK": _Machine.marked,
    "DUP": _Machine.duplicate,
    "STACK_GLOBAL": _Machine.stack_global,
    "REDUCE": _Machine.call,
    "NEWOBJ": _Machine.call,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.persistent,
}


def _walk(value: Any, path: tuple[str, ...], seen: set[int]) -> Iterator[tuple[str, Tensor]]:
    """The tensors below a value. Each container is entered once: a pickle may hold itself."""
    tensor = _tensor(value)
    if tensor is not None:
        yield ".".join(path), tensor
        return
    if len(path) > MAX_DEPTH or id(value) in seen:
        return
    seen.add(id(value))
    for key, each in _children(value):
        yield from _walk(each, (*path, str(key)) if key is not None else path, seen)


def _children(value: Any) -> Iterator[tuple[Any, Any]]:
    """What a container holds, by the key that belongs to a name (None: it adds nothing to it)."""
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list | tuple) and not isinstance(value, Storage | _Global):
        yield from enumerate(value)
    elif isinstance(value, _Called):
        yield from value.items.items()
        if isinstance(value.arguments, tuple):
            yield from ((None, each) for each in value.arguments)


def _tensor(value: Any) -> Tensor | None:
    if not isinstance(value, _Called) or not isinstance(value.what, _Global) or not isinstance(value.arguments, tuple):
        return None
    if value.what.name in ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor"):
        storage, start, shape, stride = value.arguments[:4]
        if isinstance(storage, Storage) and all(type(each) is int and each >= 0 for each in (start, *shape, *stride)):
            return Tensor(storage, start, tuple(shape), tuple(stride))
    return None
