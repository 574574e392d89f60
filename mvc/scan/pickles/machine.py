"""The unpickler of the scan: it follows the opcodes of a pickle as CPython's unpicklers do, with values of `values`.

It stops only where these stop with an error, too. Where one of them might go on, it goes on as well, so that no name remains
unread. Source: Modules/_pickle.c and Lib/pickle.py of CPython, protocols 0 to 5.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mvc.formats.source import HeaderError, TooLongError
from mvc.scan.pickles import held, literals, rules
from mvc.scan.pickles.values import EMPTY, NUMBER, STRING, Bytes, Container, Made, Named, OldText, Persistent, tuple_of
from mvc.scan.pickles.window import Window
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule

MAX_OPERATIONS = 6_000_000
"""Opcodes of one pickle, at most."""
MAX_NAMES = 500_000
"""Classes and functions that it looks up, at most."""
MAX_TEXT = 64 * 1024
"""Bytes of a text that is kept, at most; a longer one cannot be a name."""
HIGHEST_PROTOCOL = 5
_BLOCK = 1024
"""Opcodes that are taken off the limits of the file at once."""
_JUDGED = 10
"""Opcodes that a name, or a call, counts as besides its own: it takes as long."""
_STOP = 0x2E
_RENAMED = {"__builtin__": "builtins", "copy_reg": "copyreg"}
"""Modules of Python 2, by which Python 3 finds them in its pickles."""
_RENAMED_NAMES = {
    ("__builtin__", "xrange"): ("builtins", "range"),
    ("__builtin__", "long"): ("builtins", "int"),
    ("__builtin__", "unicode"): ("builtins", "str"),
}

Operation = Callable[["Machine"], None]


class Machine:
    """The stack and memo of one pickle."""

    def __init__(self, window: Window, scan: Scan, called: Called) -> None:
        """Read from a window, and report to a scan; `called` judges what is called and made."""
        self.window = window
        self.scan = scan
        self.called = called
        self.stack: list[Any] = []
        self.marked: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.names: list[Named] = []
        self.frame_end = 0
        self.shown = 0
        """Calls that were shown in full."""
        self.is_short = False
        """True if a frame is longer than the source: one unpickler stops there, the other one reads what there is."""

    def run(self, operations: int = MAX_OPERATIONS) -> None:
        """Follow the pickle to its STOP. Raises HeaderError where every unpickler stops with an error, and TooLongError."""
        left = operations
        try:
            while left > 0 and not self._follow(min(left, _BLOCK)):
                left -= _BLOCK
        except IndexError:
            self._check_frame()
            raise HeaderError("its pickle takes more off the stack than is on it") from None
        except HeaderError:
            self._check_frame()
            raise
        if left <= 0:
            raise TooLongError(f"its pickle has more than {operations} opcodes")

    def _follow(self, operations: int) -> bool:
        """Follow some opcodes, and return whether STOP is among them."""
        window, unused = self.window, operations
        self.scan.limits.follow(operations)
        try:
            for unused in range(operations - 1, -1, -1):  # noqa: B007 - what is left is given back
                at = window.at
                if at < len(window.data):
                    code = window.data[at]
                    window.at = at + 1
                else:
                    code = window.take(1)[0]
                if code == _STOP:
                    self._stop()
                    return True
                OPERATIONS[code](self)
                if self.frame_end and window.start + window.at >= self.frame_end:
                    self._leave_frame()
        finally:
            self.scan.limits.follow(-unused)
        return False

    def read(self, operations: int = MAX_OPERATIONS) -> None:
        """Follow the pickle as `run` does, and judge the names that it has looked up, also if it is malformed."""
        try:
            self.run(operations)
        finally:
            self.called.finish(self)

    def report(self, rule: Rule, *names: str, detail: str = "", call: str = "") -> None:
        """Add a finding at the opcode that was read last."""
        calls = (call,) if call else ()
        self.scan.report(rule, names=names, calls=calls, offset=self.window.position, detail=detail)

    def since_mark(self) -> list[Any]:
        """Return the values above the last mark, which is removed with them. Raises IndexError without a mark."""
        items, self.stack = self.stack, self.marked.pop()
        return items

    def look_up(self, module: str, name: str) -> None:
        """Push a class or function."""
        self.scan.limits.follow(_JUDGED)
        module, name = _RENAMED_NAMES.get((module, name), (_RENAMED.get(module, module), name))
        named = Named(module, name, self.window.position)
        if not named.is_sound:
            self.report(rules.NAME, named.path, detail=repr(named.path))
        self.names.append(named)
        if len(self.names) > MAX_NAMES:
            raise TooLongError(f"its pickle looks up more than {MAX_NAMES} names")
        self.stack.append(named)

    def _stop(self) -> None:
        self.stack.pop()
        if self.is_short or (self.frame_end and self.frame_end != self.window.position):
            self.report(rules.FRAME)

    def _leave_frame(self) -> None:
        self._check_frame()
        self.frame_end = 0

    def _check_frame(self) -> None:
        """Report an opcode that goes beyond its frame: CPython's unpickler in C reads other bytes for it."""
        if self.frame_end and self.window.position > self.frame_end:
            self.report(rules.FRAME)


class Called:
    """The judgement of calls; a subclass knows what its loader does after them."""

    def call(self, machine: Machine, function: Any, args: Any) -> Any:
        """Return the result of REDUCE."""
        raise NotImplementedError

    def make(self, machine: Machine, class_: Any, args: Any) -> Any:
        """Return the object of NEWOBJ."""
        raise NotImplementedError

    def build(self, machine: Machine, instance: Any, state: Any) -> None:
        """Judge the state that BUILD gives to an object."""
        raise NotImplementedError

    def add(self, machine: Machine, target: Any, kind: str) -> None:
        """Judge items that are added to an object, as to a list, dict or set by `kind`."""
        raise NotImplementedError

    def refer(self, machine: Machine, id_: Any) -> Any:
        """Return what a reference to an object outside of the pickle gives."""
        raise NotImplementedError

    def hold(self, machine: Machine, value: Bytes | str) -> None:
        """Judge bytes or a text that may be a pickle."""
        raise NotImplementedError

    def finish(self, machine: Machine) -> None:
        """Judge the names that were looked up and not called, once the pickle ends or cannot be read on."""
        raise NotImplementedError


# --- numbers, texts and strings of bytes


def _push(value: Any) -> Operation:
    return lambda machine: machine.stack.append(value)


def _whole(size: int, *, signed: bool = False) -> Operation:
    def operation(machine: Machine) -> None:
        machine.stack.append(int.from_bytes(machine.window.take(size), "little", signed=signed))

    return operation


def _long(width: int) -> Operation:
    def operation(machine: Machine) -> None:
        size = machine.window.number(width)
        if width == 4 and size >> 31:
            raise HeaderError("its pickle has a number of negative length")
        if size <= 16:
            machine.stack.append(int.from_bytes(machine.window.take(size), "little", signed=True))
        else:
            machine.window.skip(size)
            machine.stack.append(NUMBER)

    return operation


def _line(read: Callable[[bytes], object]) -> Operation:
    def operation(machine: Machine) -> None:
        value = read(machine.window.line())
        if isinstance(value, str) and held.may_be(value[: held.PEEKED].encode("utf-8", "replace"), len(value)):
            machine.called.hold(machine, value)
        machine.stack.append(value)

    return operation


def _raw_text(line: bytes) -> str:
    try:
        return line.decode("raw-unicode-escape")
    except UnicodeDecodeError:
        raise HeaderError("a text in its pickle cannot be decoded") from None


def _text(width: int) -> Operation:
    def operation(machine: Machine) -> None:
        window = machine.window
        size = window.number(width)
        is_held = held.may_be(window.peek(held.PEEKED), size)
        if size > MAX_TEXT and not is_held:
            window.skip(size)
            machine.stack.append(STRING)
            return
        try:
            text = window.take(size).decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise HeaderError("a text in its pickle is not UTF-8") from None
        if is_held:
            machine.called.hold(machine, text)
        machine.stack.append(text if size <= MAX_TEXT else STRING)

    return operation


def _bytes(width: int) -> Operation:
    def operation(machine: Machine) -> None:
        window = machine.window
        size = window.number(width)
        value = Bytes(window.position, size)
        is_held = held.may_be(window.peek(held.PEEKED), size)
        window.skip(size)
        if is_held:
            machine.called.hold(machine, value)
        machine.stack.append(value)

    return operation


def _string(width: int) -> Operation:
    """Push a string of Python 2."""

    def operation(machine: Machine) -> None:
        window = machine.window
        size = window.number(width)
        if width == 4 and size >> 31:
            raise HeaderError("its pickle has a string of negative length")
        if size > MAX_TEXT:
            window.skip(size)
            machine.stack.append(STRING)
        else:
            text = OldText(window.take(size).decode("latin1"))
            if held.may_be(text[: held.PEEKED].encode("latin1"), size):
                machine.called.hold(machine, text)
            machine.stack.append(text)

    return operation


def _quoted(machine: Machine) -> None:
    line = machine.window.line()
    if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
        raise HeaderError("a string of its pickle has no quotes")
    machine.stack.append(STRING if b"\\" in line else _old_text(line[1:-1]))


def _old_text(content: bytes) -> Any:
    """Return a string of Python 2 as a text, if most encodings have the same one for it."""
    return OldText(content.decode("ascii")) if content.isascii() else STRING


def _fixed(size: int, value: Any) -> Operation:
    def operation(machine: Machine) -> None:
        machine.window.skip(size)
        machine.stack.append(value)

    return operation


# --- the stack and the memo


def _mark(machine: Machine) -> None:
    machine.marked.append(machine.stack)
    machine.stack = []


def _pop(machine: Machine) -> None:
    if machine.stack:
        machine.stack.pop()
    else:
        machine.since_mark()


def _pop_mark(machine: Machine) -> None:
    machine.since_mark()


def _index(line: bytes, machine: Machine) -> int:
    """Return an index of the memo in text. Unpicklers differ in which unusual spellings they take."""
    if not line.isdigit() or len(line) > 18:
        index = literals.unusual(line)
        machine.report(rules.INDEX)
        return index
    return int(line)


def _put(machine: Machine) -> None:
    _keep(machine, _index(machine.window.line(), machine))


def _get(machine: Machine) -> None:
    _fetch(machine, _index(machine.window.line(), machine))


def _put_number(width: int) -> Operation:
    def operation(machine: Machine) -> None:
        _keep(machine, machine.window.number(width))

    return operation


def _keep(machine: Machine, index: int) -> None:
    if index > MAX_OPERATIONS:  # the unpickler in C takes as much memory, the one in Python goes on
        machine.report(rules.INDEX)
    machine.memo[index] = machine.stack[-1]


def _get_number(width: int) -> Operation:
    def operation(machine: Machine) -> None:
        _fetch(machine, machine.window.number(width))

    return operation


def _fetch(machine: Machine, index: int) -> None:
    if index not in machine.memo:
        raise HeaderError("its pickle refers to a value that it does not have")
    machine.stack.append(machine.memo[index])


def _memoize(machine: Machine) -> None:
    machine.memo[len(machine.memo)] = machine.stack[-1]


# --- containers


def _new(kind: str) -> Operation:
    return lambda machine: machine.stack.append(Container(kind))


def _marked(kind: str) -> Operation:
    def operation(machine: Machine) -> None:
        machine.since_mark()
        machine.stack.append(Container(kind))

    return operation


def _dict(machine: Machine) -> None:
    items = machine.since_mark()
    _check_pairs(items)
    container = Container("dict")
    container.keep(items)
    machine.stack.append(container)


def _check_pairs(items: list[Any]) -> None:
    if len(items) % 2:
        raise HeaderError("its pickle has a key without a value")


def _tuple(machine: Machine) -> None:
    items = machine.since_mark()
    machine.stack.append(tuple_of(items))


def _tuple_of(count: int) -> Operation:
    def operation(machine: Machine) -> None:
        stack = machine.stack
        if len(stack) < count:
            raise IndexError
        items = tuple_of(stack[-count:])
        del stack[-count:]
        stack.append(items)

    return operation


def _append(machine: Machine) -> None:
    machine.stack.pop()
    _add(machine, "list")


def _add_marked(kind: str) -> Operation:
    def operation(machine: Machine) -> None:
        machine.since_mark()
        _add(machine, kind)

    return operation


def _set_item(machine: Machine) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    _set(machine, [key, value])


def _set_items(machine: Machine) -> None:
    items = machine.since_mark()
    _set(machine, items)
    _check_pairs(items)


def _set(machine: Machine, items: list[Any]) -> None:
    _add(machine, "dict")
    if isinstance(machine.stack[-1], Container):
        machine.stack[-1].keep(items)


def _add(machine: Machine, kind: str) -> None:
    target = machine.stack[-1]
    if not isinstance(target, Container) or target.kind != kind:
        machine.called.add(machine, target, kind)


# --- names and calls


def _global(machine: Machine) -> None:
    machine.look_up(*_names(machine))


def _names(machine: Machine) -> tuple[str, str]:
    """Return the module and the name of a lookup in text. Raises HeaderError where unpicklers stop, before they look it up."""
    module, name = machine.window.line(), machine.window.line()
    try:
        return module.decode("utf-8"), name.decode("utf-8")
    except UnicodeDecodeError:
        raise HeaderError("its pickle looks up a name that is not in UTF-8") from None


def _stack_global(machine: Machine) -> None:
    name, module = machine.stack.pop(), machine.stack.pop()
    if type(name) is str and type(module) is str:
        machine.look_up(module, name)
        return
    parts = (module, name)
    if isinstance(name, str) and isinstance(module, str) and name.isascii() and module.isascii():  # of Python 2
        machine.report(rules.NAME_SOURCE, f"{module}.{name}")
        machine.look_up(module, name)
        return
    if all(isinstance(part, str | Made | Persistent) or part is STRING for part in parts):  # each may be a text
        made = (part.function for part in parts if isinstance(part, Made))
        machine.report(rules.NAME_SOURCE, *(function.path for function in made if function is not None))
    raise HeaderError("its pickle looks up a name that is not a text")


def _extension(width: int) -> Operation:
    def operation(machine: Machine) -> None:
        machine.report(rules.EXTENSION, f"extension {machine.window.number(width)}")
        machine.stack.append(Made(None, (), is_new=False))

    return operation


def _check_callable(machine: Machine, function: Any) -> None:
    """Raise HeaderError for a number, a text or a container, which no unpickler can call."""
    machine.scan.limits.follow(_JUDGED)
    if not isinstance(function, Named | Made | Persistent):
        raise HeaderError("its pickle calls a value that cannot be called")


def _reduce(machine: Machine) -> None:
    args, function = machine.stack.pop(), machine.stack.pop()
    _check_callable(machine, function)
    machine.stack.append(machine.called.call(machine, function, args))


def _make(machine: Machine) -> None:
    args, class_ = machine.stack.pop(), machine.stack.pop()
    _check_callable(machine, class_)
    machine.stack.append(machine.called.make(machine, class_, args))


def _make_with_keywords(machine: Machine) -> None:
    keywords, args, class_ = machine.stack.pop(), machine.stack.pop(), machine.stack.pop()
    _check_callable(machine, class_)
    machine.stack.append(machine.called.make(machine, class_, (args, keywords)))


def _build(machine: Machine) -> None:
    state = machine.stack.pop()
    machine.called.build(machine, machine.stack[-1], state)


def _instance(machine: Machine) -> None:
    _global(machine)
    class_ = machine.stack.pop()
    _old_instance(machine, class_, machine.since_mark())


def _object(machine: Machine) -> None:
    items = machine.since_mark()
    class_ = items.pop(0)
    _old_instance(machine, class_, items)


def _old_instance(machine: Machine, class_: Any, args: list[Any]) -> None:
    _check_callable(machine, class_)
    machine.report(rules.INSTANCE, *([class_.path] if isinstance(class_, Named) else []))
    machine.stack.append(machine.called.call(machine, class_, tuple(args)))


def _persistent_line(machine: Machine) -> None:
    machine.window.line()
    machine.stack.append(machine.called.refer(machine, STRING))


def _persistent(machine: Machine) -> None:
    id_ = machine.stack.pop()
    machine.stack.append(machine.called.refer(machine, id_))


# --- the pickle itself


def _protocol(machine: Machine) -> None:
    if machine.window.number(1) > HIGHEST_PROTOCOL:
        machine.report(rules.PROTOCOL)


def _frame(machine: Machine) -> None:
    if machine.frame_end:
        machine.report(rules.FRAME)
    size = machine.window.number(8)
    start = machine.window.position
    if size > machine.window.size - start:
        machine.is_short = True
    else:
        machine.frame_end = start + size


def _unknown(machine: Machine) -> None:
    raise HeaderError(f"its pickle has an unknown opcode before byte {machine.window.position}")


_NAMED: dict[bytes, Operation] = {
    b"I": _line(literals.whole), b"L": _line(literals.whole), b"F": _line(literals.real), b"S": _line(literals.quoted),
    b"V": _line(_raw_text),
    b"J": _whole(4, signed=True), b"K": _whole(1), b"M": _whole(2), b"G": _fixed(8, NUMBER),
    b"\x8a": _long(1), b"\x8b": _long(4), b"N": _push(None), b"\x88": _push(True), b"\x89": _push(False),
    b"X": _text(4), b"\x8c": _text(1), b"\x8d": _text(8), b"T": _string(4), b"U": _string(1),
    b"B": _bytes(4), b"C": _bytes(1), b"\x8e": _bytes(8), b"\x96": _bytes(8),
    b"\x97": lambda machine: machine.stack.append(Bytes(0, 0)), b"\x98": lambda _: None,
    b"(": _mark, b"0": _pop, b"1": _pop_mark, b"2": lambda machine: machine.stack.append(machine.stack[-1]),
    b"p": _put, b"q": _put_number(1), b"r": _put_number(4), b"\x94": _memoize,
    b"g": _get, b"h": _get_number(1), b"j": _get_number(4),
    b")": _push(EMPTY), b"t": _tuple, b"\x85": _tuple_of(1), b"\x86": _tuple_of(2), b"\x87": _tuple_of(3),
    b"]": _new("list"), b"l": _marked("list"), b"a": _append, b"e": _add_marked("list"),
    b"}": _new("dict"), b"d": _dict, b"s": _set_item, b"u": _set_items,
    b"\x8f": _new("set"), b"\x90": _add_marked("set"), b"\x91": _marked("frozenset"),
    b"c": _global, b"\x93": _stack_global, b"i": _instance, b"o": _object,
    b"\x82": _extension(1), b"\x83": _extension(2), b"\x84": _extension(4),
    b"R": _reduce, b"\x81": _make, b"\x92": _make_with_keywords, b"b": _build,
    b"P": _persistent_line, b"Q": _persistent,
    b"\x80": _protocol, b"\x95": _frame,
}  # fmt: skip
OPERATIONS: tuple[Operation, ...] = tuple(_NAMED.get(bytes([code]), _unknown) for code in range(256))
"""The opcodes, by their byte."""
