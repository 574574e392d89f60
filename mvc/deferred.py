"""Dataclasses and regular expressions that are compiled on first use, not at import.

The standard decorator compiles up to ten functions a class at import: a quarter of the time of `mvc status`, which calls
few of them. This one leaves a placeholder for each method; on its first use, the standard decorator makes the method.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING or sys.version_info >= (3, 14):  # 3.14 keeps annotations in another way, which was not tried yet
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - given on, under its own name

if TYPE_CHECKING:
    regex = re.compile
else:

    class regex:  # noqa: N801 - `re.compile` to the type checker
        """A regular expression that is compiled when it is first used."""

        def __init__(self, text: str | bytes, flags: int = 0) -> None:
            self._compile = functools.partial(re.compile, text, flags)

        def __getattr__(self, name: str) -> Any:
            value = getattr(self._compile(), name)  # compiled once: `re` keeps it
            setattr(self, name, value)
            return value


if not TYPE_CHECKING and sys.version_info < (3, 14):

    def dataclass(cls: type | None = None, /, **options: bool) -> Any:
        """Do what `dataclasses.dataclass` does, later; of its options: frozen, slots, repr, eq and order."""
        return (lambda cls: _deferred(cls, **options)) if cls is None else _deferred(cls)


_PARAMETERS = "__dataclass_params__"
_ALWAYS = ("__init__", "__match_args__", "__dataclass_fields__", _PARAMETERS)
_ORDER = ("__lt__", "__le__", "__gt__", "__ge__")
_REPLACE = ("__replace__",) if sys.version_info >= (3, 13) else ()


class _Placeholder:
    """An attribute of a class that is made when it is first looked up; two threads may both make it."""

    __slots__ = ("make", "name", "owner")

    def __init__(self, owner: type, name: str, make: Callable[[str], Any]) -> None:
        self.owner = owner
        self.name = name
        self.make = make

    def __get__(self, instance: object, owner: type) -> Any:
        made = self.make(self.name)
        setattr(self.owner, self.name, made)
        return made.__get__(instance, owner) if hasattr(made, "__get__") else made


def _deferred(  # noqa: PLR0913 - the options of the standard decorator
    cls: type,
    *,
    frozen: bool = False,
    slots: bool = False,
    repr: bool = True,  # noqa: A002 - as it is called there
    eq: bool = True,
    order: bool = False,
) -> type:
    """Return `cls`, or a copy with slots, with placeholders for what the standard decorator adds."""
    body = {name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")}
    body["__qualname__"] = cls.__qualname__
    fields = [name for name, kind in cls.__annotations__.items() if not kind.startswith("ClassVar")]
    kept = slots and any(isinstance(body.get(name), dataclasses.Field) and not body[name].init for name in fields)
    below = any(_PARAMETERS in vars(base) for base in cls.__mro__[1:])
    asked = {"init": True, "repr": repr, "eq": eq, "order": order, "slots": slots}

    def bare() -> type:
        return type(cls)(cls.__name__, cls.__bases__, {**body, "__doc__": "Without one, a signature is made."})

    def make(name: str) -> Any:
        only = {
            "init": name == "__init__",
            "repr": name == "__repr__",
            "eq": name in ("__eq__", "__hash__", *_ORDER),
            "order": name in _ORDER,
            "unsafe_hash": name == "__hash__",
            "slots": kept and name == "__init__",  # then it sets fields that are no parameters, too
        }
        options = asked if name == _PARAMETERS else only
        if name == "__init__" and frozen and not below:
            plain = dataclasses.fields(dataclasses.dataclass(init=False, repr=False, eq=False)(bare()))
            if all(map(_is_plain, plain)):
                return _initialiser(cls, plain)
        # A frozen class gets two methods more, which take longest to compile; that of a frozen base has to be frozen.
        sealed = frozen and (below or name in ("__init__", _PARAMETERS))
        return vars(dataclasses.dataclass(frozen=sealed, **options)(bare()))[name]

    made = _with_slots(cls, body, fields) if slots else cls
    names = [*_ALWAYS, *_REPLACE, *(["__repr__"] * repr), *(["__eq__", "__hash__"] * eq), *(_ORDER * order)]
    for name in names:
        if body.get(name) is None:  # `__hash__` is None where the class has only its own `__eq__`
            value = None if name == "__hash__" and not frozen else _Placeholder(made, name, make)
            setattr(made, name, value)
    if not slots:
        _set_defaults(made, fields)
    if frozen:
        _freeze(made, state=slots)
    return made


def _is_plain(field: dataclasses.Field[Any]) -> bool:
    return field.init and field.default_factory is dataclasses.MISSING


def _initialiser(cls: type, fields: tuple[dataclasses.Field[Any], ...]) -> Any:
    """Return the `__init__` that the standard decorator makes for a frozen class, without the methods that freeze it."""
    defaults = {f"_{field.name}": field.default for field in fields if field.default is not dataclasses.MISSING}
    parameters = (f"{field.name}=_{field.name}" if f"_{field.name}" in defaults else field.name for field in fields)
    lines = [f"_set(self, {field.name!r}, {field.name})" for field in fields]
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    space: dict[str, Any] = {"__name__": cls.__module__, "_set": object.__setattr__, **defaults}
    exec(f"def __init__(self, {', '.join(parameters)}):\n " + "\n ".join(lines or ["pass"]), space)  # noqa: S102
    made = space["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__annotations__ = {**{field.name: field.type for field in fields}, "return": None}
    return made


def _with_slots(cls: type, body: dict[str, Any], fields: list[str]) -> type:
    """Return a copy of `cls` with a slot for each field that no base has."""
    inherited = {slot for base in cls.__mro__[1:] for slot in _slots(base)}
    kept = {name: value for name, value in body.items() if name not in fields}
    return type(cls)(
        cls.__name__, cls.__bases__, {**kept, "__slots__": tuple(name for name in fields if name not in inherited)}
    )


def _slots(base: type) -> Iterator[str]:
    slots = vars(base).get("__slots__", ())
    yield from (slots,) if isinstance(slots, str) else slots


def _set_defaults(cls: type, fields: list[str]) -> None:
    """Put the default of each `field(…)` in its place, as the standard decorator does."""
    for name in fields:
        value = vars(cls).get(name)
        if isinstance(value, dataclasses.Field):
            if value.default is dataclasses.MISSING:
                delattr(cls, name)
            else:
                setattr(cls, name, value.default)


def _freeze(cls: Any, *, state: bool) -> None:
    """Refuse changes of attributes; with `state`, copy and unpickle past that."""
    cls.__setattr__, cls.__delattr__ = _refuse_set, _refuse_delete
    if state:
        cls.__getstate__, cls.__setstate__ = _state, _set_state


def _refuse_set(_self: object, name: str, _value: object) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_delete(_self: object, name: str) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
