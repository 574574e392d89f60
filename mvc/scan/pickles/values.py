"""Values on the stack of a pickle, as far as rules need them.

A text is a `str`, a tuple a `tuple`, a whole number an `int` where it is known. Lists, dicts and sets are a `Container` without
their contents: only what a rule asks for is kept, so a long pickle takes little memory.
"""

from __future__ import annotations

from typing import Any, Final

from mvc.scan.globals import VALUE_MAKERS

MAX_KEPT = 64
"""Entries of a dict that are kept, at most: rules ask for the state of small objects only."""
MAX_FIELDS = 10_000
"""Entries of a dict that are kept if they are fields of a dtype, at most."""
_MAX_ARGUMENTS = 8
"""Arguments of one call that are shown, at most."""
_MAX_LITERAL = 80
"""Characters of a text in a call that are shown, at most."""
_UNKNOWN = "\N{HORIZONTAL ELLIPSIS}"


class Named:
    """A class or function that the unpickler looks up: `module`, and `name` in it."""

    __slots__ = ("is_made", "is_sound", "module", "name", "offset", "path")

    def __init__(self, module: str, name: str, offset: int) -> None:
        """Remember the names, and the byte at which they were looked up."""
        self.module = module
        self.name = name
        self.path = f"{module}.{name}"
        self.offset = offset
        self.is_sound = all(part.isidentifier() for text in (module, name) for part in text.split("."))
        """True if both names are those of Python."""
        self.is_made = False
        """True once an object of the class was made, or the function called."""


class Values(tuple[Any, ...]):
    """A tuple of values alone, however deep: known when it is made, so that a call does not look at each again."""

    __slots__ = ()


EMPTY: Final = Values()


def tuple_of(items: list[Any]) -> tuple[Any, ...]:
    """Return the tuple of some items."""
    return Values(items) if all(map(_is_part, items)) else tuple(items)


class Made:
    """The result of a call of `function` with `args`; with `is_new`, of the `__new__` of a class."""

    __slots__ = ("args", "function", "is_new", "known", "state")

    def __init__(self, function: Named | None, args: Any, *, is_new: bool) -> None:
        """Remember the call; `function` is None if it has no name."""
        self.function = function
        self.args = args
        self.is_new = is_new
        self.state: Any = None
        self.known: tuple[Any, Any] | None = None
        """A state, and what a reader has found in it."""


class OldText(str):
    """A string of Python 2, as latin-1. Its loader decodes it by an encoding of its own, or keeps the bytes."""

    __slots__ = ()


class Container:
    """A list, dict, set or frozenset; of a dict, the first entries whose keys are texts."""

    __slots__ = ("entries", "is_full", "kind")

    def __init__(self, kind: str) -> None:
        """Begin an empty one of a kind: `list`, `dict` or `set`."""
        self.kind = kind
        self.is_full = False
        """True if it may have entries that were not kept. A key may be a text that is not known: what a call gives may equal one."""
        self.entries: dict[str, Any] | None = None

    def keep(self, items: list[Any]) -> None:
        """Keep some of the entries, given as keys and values in turn."""
        entries = self.entries if self.entries is not None else {}
        for key, value in zip(items[::2], items[1::2], strict=False):
            if len(entries) >= (MAX_FIELDS if _is_field(value) else MAX_KEPT):
                self.is_full = True
                break
            if isinstance(key, str):
                entries[key] = value
            elif isinstance(key, Made | Persistent) or key is STRING:
                self.is_full = True
        self.entries = entries

    def get(self, key: str) -> Any:
        """Return the entry of a key, None if it has none."""
        return self.entries.get(key) if self.entries else None


def _is_field(value: Any) -> bool:
    """Return whether a value may be a field of a dtype: a dtype, an offset, and a title."""
    return isinstance(value, tuple) and len(value) in (2, 3) and isinstance(value[0], Made)


class Bytes:
    """A string of `size` bytes at `offset` of the source."""

    __slots__ = ("offset", "size")

    def __init__(self, offset: int, size: int) -> None:
        """Remember the range."""
        self.offset = offset
        self.size = size


class Persistent:
    """An object outside of the pickle, by its persistent id."""

    __slots__ = ("id",)

    def __init__(self, id_: Any) -> None:
        """Remember the id."""
        self.id = id_


class _Other:
    """A value of which only the kind matters."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind


NUMBER: Final = _Other("number")
"""A number that no rule asks for."""
STRING: Final = _Other("string")
"""A text or a string that is too long to be kept: no name of a class."""


def call(function: Named | None, args: Any, depth: int = 3) -> str:
    """Return a call as Python would write it, `os.system('id')`, with `…` for what is long or not known."""
    name = function.path if function is not None else _UNKNOWN
    if not isinstance(args, tuple) or not depth:
        return f"{name}({_UNKNOWN})"
    parts = [_literal(value, depth - 1) for value in args[:_MAX_ARGUMENTS]]
    return f"{name}({', '.join(parts)}{', …' if len(args) > _MAX_ARGUMENTS else ''})"


def _literal(value: Any, depth: int) -> str:
    """Return a value as Python would write it, as far as it is known."""
    match value:
        case str():
            return repr(value[:_MAX_LITERAL]) + (_UNKNOWN if len(value) > _MAX_LITERAL else "")
        case None | bool() | float():
            return repr(value)
        case int() if value.bit_length() <= 64:
            return repr(value)
        case Named():
            return value.path
        case Made():
            return call(value.function, value.args, depth)
        case tuple() if depth and len(value) <= _MAX_ARGUMENTS:
            parts = [_literal(part, depth - 1) for part in value]
            return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
    return _UNKNOWN


def is_value(value: Any) -> bool:
    """Return whether a value holds neither classes, functions nor results of calls but those that make values."""
    if isinstance(value, tuple) and not isinstance(value, Values):
        return len(value) <= MAX_KEPT and all(map(_is_part, value))
    return _is_part(value)


def _is_part(value: Any) -> bool:
    """Return whether a part of a tuple is a value."""
    if isinstance(value, tuple):
        return isinstance(value, Values)
    if isinstance(value, Made):
        return value.function is not None and value.function.path in VALUE_MAKERS
    return not isinstance(value, Named | Persistent)
