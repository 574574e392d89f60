"""The object graph of a pickle, read from its opcodes: nothing is imported, called or built except plain values.

    GLOBAL torch._utils _rebuild_tensor_v2 │ MARK … TUPLE │ REDUCE  ─►  Call(Global("torch._utils._rebuild_tensor_v2"), (…))

A function or class remains a value with its name. Source: the opcodes as `pickletools` describes them, protocols 0 to
5.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import field
from pickletools import genops
from typing import Any, NamedTuple, Protocol, cast

from mvc.deferred import dataclass
from mvc.formats.source import HeaderError, TooLongError

MAX_OPERATIONS = 1_000_000
"""Opcodes of one pickle, at most. Each makes at most one value, so they bound the memory too."""

MAX_NAME = 1_000
"""Characters of the name of a class or function, at most."""


@dataclass(frozen=True, slots=True)
class Global:
    """A reference to a class or function, by its qualified `name`."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Persistent:
    """A reference to an object outside the pickle, by its persistent id."""

    id: Any


@dataclass(slots=True, eq=False)
class Call:
    """A call of `function` with `args`, not executed; `parts` are items added to the result, state under None.

    A plain dict is a call without a function.
    """

    function: Any = None
    args: Any = ()
    parts: list[tuple[Any, Any]] = field(default_factory=list)


class Stream(Protocol):
    """A source of a pickle's bytes, which may continue after the pickle."""

    def read(self, size: int, /) -> bytes:
        """Return the next `size` bytes, fewer at the end."""

    def readline(self) -> bytes:
        """Return the next bytes up to a line end, which is included; without it at the end."""


class Parsed(NamedTuple):
    """The root object of a pickle, and every reference of it to an object outside, in its order."""

    root: Any
    persistent: list[Persistent]


def read(data: bytes | Stream) -> Any:
    """Return the root object of the pickle in `data`; raise HeaderError if it is malformed or too long."""
    return parse(data).root


def parse(data: bytes | Stream) -> Parsed:
    """Return the pickle in `data`, a stream of which is read to its end; raise HeaderError as `read`."""
    machine = _Machine()
    try:
        with warnings.catch_warnings(action="ignore"):  # invalid escapes in texts
            for count, (operation, argument, _) in enumerate(genops(cast("bytes", data))):
                if count == MAX_OPERATIONS:
                    raise TooLongError(f"its pickle has more than {MAX_OPERATIONS} opcodes")
                machine.step(operation.name, argument)
        return Parsed(machine.stack.pop(), machine.persistent)
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        raise HeaderError(f"its pickle cannot be read: {error}") from error


class _Machine:
    """The stack and memo of a pickle; each method implements one opcode, or several that differ in encoding only."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.stacks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.persistent: list[Persistent] = []

    def step(self, name: str, argument: Any) -> None:
        if name in _VALUES:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name not in _IGNORED:
            _OPERATIONS[name](self, argument)

    def mark(self, _: object) -> None:
        self.stacks.append(self.stack)
        self.stack = []

    def since_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.stacks.pop()
        return items

    def last(self, count: int) -> list[Any]:
        if len(self.stack) < count:
            raise ValueError("its stack is too short")
        items = self.stack[-count:]
        del self.stack[-count:]
        return items

    def pop(self, _: object) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self.since_mark()

    def put(self, index: int | None) -> None:
        self.memo[len(self.memo) if index is None else index] = self.stack[-1]

    def extend(self, items: list[Any]) -> None:
        """Append items to the list, or list-like object, on the stack."""
        target = self.stack[-1]
        if isinstance(target, Call):
            target.parts.extend(enumerate(items, len(target.parts)))
        else:
            target.extend(items)

    def assign(self, items: list[Any]) -> None:
        """Set keys and values in the dict, or dict-like object, on the stack."""
        self.stack[-1].parts.extend(zip(items[::2], items[1::2], strict=True))

    def call(self, function: Any, args: Any) -> None:
        self.stack.append(Call(function, args))

    def build(self, _: object) -> None:
        state = self.stack.pop()
        if isinstance(self.stack[-1], Call):
            self.stack[-1].parts.append((None, state))

    def refer(self, id_: Any) -> None:
        self.persistent.append(Persistent(id_))
        self.stack.append(self.persistent[-1])

    def instance(self, _: object) -> None:
        function, *args = self.since_mark()
        self.call(function, tuple(args))

    def stack_global(self, _: object) -> None:
        parts = self.last(2)
        if sum(map(len, parts)) > MAX_NAME:  # parts from the memo could be joined again and again
            raise ValueError(f"a name in it is longer than {MAX_NAME} characters")
        self.stack.append(Global(".".join(parts)))


def _dict(machine: _Machine, _: object) -> None:
    items = machine.since_mark()
    machine.stack.append(Call())
    machine.assign(items)


def _pushed(make: Callable[[_Machine, Any], Any]) -> Callable[[_Machine, Any], None]:
    """Return the opcode's implementation that pushes the result of `make`."""

    def operation(machine: _Machine, argument: Any) -> None:
        value = make(machine, argument)
        machine.stack.append(value)

    return operation


_VALUES = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
    "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "UNICODE", "SHORT_BINUNICODE",
    "BINUNICODE", "BINUNICODE8",
}  # fmt: skip
"""Opcodes that push their argument."""
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_IGNORED = {"PROTO", "FRAME", "STOP"}
_get = _pushed(lambda machine, index: machine.memo[index])
_put = _Machine.put
_tuple = _pushed(lambda machine, _: tuple(machine.since_mark()))
_list = _pushed(lambda machine, _: machine.since_mark())
_extension = _pushed(lambda _, code: Global(f"extension {code}"))
_OPERATIONS: dict[str, Callable[[_Machine, Any], None]] = {
    "MARK": _Machine.mark,
    "POP": _Machine.pop,
    "POP_MARK": lambda machine, _: machine.since_mark().clear(),
    "DUP": lambda machine, _: machine.stack.append(machine.stack[-1]),
    "PUT": _put, "BINPUT": _put, "LONG_BINPUT": _put, "MEMOIZE": _put,
    "GET": _get, "BINGET": _get, "LONG_BINGET": _get,
    "EMPTY_TUPLE": _pushed(lambda *_: ()),
    "TUPLE1": _pushed(lambda machine, _: tuple(machine.last(1))),
    "TUPLE2": _pushed(lambda machine, _: tuple(machine.last(2))),
    "TUPLE3": _pushed(lambda machine, _: tuple(machine.last(3))),
    "TUPLE": _tuple,
    "EMPTY_LIST": _pushed(lambda *_: []), "EMPTY_SET": _pushed(lambda *_: []),
    "LIST": _list, "FROZENSET": _list,
    "APPEND": lambda machine, _: machine.extend(machine.last(1)),
    "APPENDS": lambda machine, _: machine.extend(machine.since_mark()),
    "ADDITEMS": lambda machine, _: machine.extend(machine.since_mark()),
    "EMPTY_DICT": _pushed(lambda *_: Call()),
    "DICT": _dict,
    "SETITEM": lambda machine, _: machine.assign(machine.last(2)),
    "SETITEMS": lambda machine, _: machine.assign(machine.since_mark()),
    "GLOBAL": _pushed(lambda _, name: Global(name.replace(" ", "."))),
    "STACK_GLOBAL": _Machine.stack_global,
    "EXT1": _extension, "EXT2": _extension, "EXT4": _extension,
    "REDUCE": lambda machine, _: machine.call(*machine.last(2)),
    "NEWOBJ": lambda machine, _: machine.call(*machine.last(2)),
    "NEWOBJ_EX": lambda machine, _: machine.call(*machine.last(3)[:2]),
    "INST": lambda machine, name: machine.call(Global(name.replace(" ", ".")), tuple(machine.since_mark())),
    "OBJ": _Machine.instance,
    "BUILD": _Machine.build,
    "PERSID": _Machine.refer,
    "BINPERSID": lambda machine, _: machine.refer(machine.stack.pop()),
}  # fmt: skip
