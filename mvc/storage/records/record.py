"""The base of all records: small JSON files with a checksum, whose fields are declared once.

    @dataclass(frozen=True, slots=True)
    class CloneSource(Record):
        KIND = "clone"
        NOUN = "record of an unfinished clone"
        url: str
        model: str | None = None

    CloneSource("s3://models")  ◄─►  {"kind":"clone","model":null,"url":"s3://models","v":1,"sum":"…"}

The annotation of a field says how it is written and what is accepted. `Annotated[str, check]` adds a check; `Mapping` is
written as a map, `tuple[X, ...]` as a list, a NamedTuple as the list of its fields, a dataclass as the map of its own.
A type with `to_json` and `from_json` writes and reads itself. Everything else in a record is damage.

The intents, flags and hints of a remote are not among them. Most are written and never read, one line each; and mvc of
another version writes them beside this one, so their readers take the field that they need and allow others.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, NamedTuple, NewType, Self, Union, get_args, get_origin, get_type_hints

from mvc import errors
from mvc.model import names, paths
from mvc.model.ids import is_id
from mvc.storage.records import sealed

VERSION = 1
_MODE = "mode"
_REQUIRED, _OMITTED, _ADDED, _INLINE = "required", "omitted", "added", "inline"
OMITTED = {_MODE: _OMITTED}
"""Metadata of a field that is omitted while it is None."""
ADDED = {_MODE: _ADDED}
"""Metadata of a field that older records lack: it then has its default."""
INLINE = {_MODE: _INLINE}
"""Metadata of a dataclass whose fields are inlined into the record."""


def is_inside(path: str) -> bool:
    """Return whether `path` stays in its folder, and outside of version control folders."""
    try:
        paths.check_inside(path)
    except errors.UnsafePath:
        return False
    return True


Id = Annotated[str, is_id]
Component = Annotated[str, names.has_component]
"""The name of a model or a ref, which is a valid path component."""
InsidePath = Annotated[str, is_inside]


class Record:
    """A sealed record: a frozen dataclass of a KIND, called NOUN in messages."""

    __slots__ = ()
    KIND: ClassVar[str]
    NOUN: ClassVar[str]

    def check(self) -> None:
        """Raise ValueError unless the fields are consistent."""

    @classmethod
    def prepare(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Return the fields as they are decoded: a hook for fields that depend on each other."""
        return values

    def to_json(self) -> dict[str, Any]:
        """Return the record without its checksum."""
        return {"kind": self.KIND, "v": VERSION, **_write(self)}

    @classmethod
    def from_json(cls, values: Any, *, what: str | None = None) -> Self:
        """Return the record in `values`, which have no checksum; raise Damaged naming `what`."""
        what = what or f"the {cls.NOUN}"
        try:
            left = dict(values)
            kind, version = left.pop("kind"), left.pop("v")
            if kind != cls.KIND or type(version) is not int or version != VERSION:
                raise ValueError
            made: Self = _read(cls, cls.prepare(left))
            made.check()
        except errors.MvcError as error:
            part, reason = error.fields.get("what"), error.fields.get("reason", error.message.rstrip("."))
            raise errors.Damaged(what=f"{part} in {what}" if part else what, reason=reason) from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise errors.Damaged(what=what, reason=f"its fields are not those of a {cls.NOUN}") from error
        return made

    def encode(self) -> bytes:
        """Return the exact bytes, with the checksum."""
        return sealed.seal(self.to_json())

    @classmethod
    def decode(cls, data: bytes, *, what: str | None = None) -> Self:
        """Return the record in `data`; raise Damaged naming `what`."""
        what = what or f"the {cls.NOUN}"
        return cls.from_json(sealed.unseal(data, what=what, kind=cls.KIND), what=what)


class _Codec(NamedTuple):
    """Encoder and decoder of a type; decoding raises ValueError or TypeError for an invalid value."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


class _Field(NamedTuple):
    name: str
    type: Any
    codec: _Codec
    mode: str


@cache
def _fields(kind: Any) -> tuple[_Field, ...]:
    hints = get_type_hints(kind, include_extras=True)
    if dataclasses.is_dataclass(kind):
        modes = {each.name: each.metadata.get(_MODE, _REQUIRED) for each in dataclasses.fields(kind)}
    else:  # a NamedTuple
        modes = dict.fromkeys(kind._fields, _REQUIRED)
    return tuple(_Field(name, hints[name], _codec(hints[name]), mode) for name, mode in modes.items())


def _write(value: Any) -> dict[str, Any]:
    """Encode the fields of a dataclass as JSON."""
    found: dict[str, Any] = {}
    whole: Any = type(value)
    for name, _, codec, mode in _fields(whole):
        part = getattr(value, name)
        if mode == _INLINE:
            found |= _write(part)
        elif part is not None or mode != _OMITTED:
            found[name] = codec.write(part)
    return found


def _read(kind: Any, values: dict[str, Any]) -> Any:
    """Decode a dataclass from JSON with exactly its fields."""
    left = dict(values)
    made = _take(kind, left)
    if left:
        raise ValueError
    return made


def _take(kind: Any, left: dict[str, Any]) -> Any:
    """Decode a dataclass from its fields in `left`, and remove these."""
    found: dict[str, Any] = {}
    for name, part_kind, codec, mode in _fields(kind):
        if mode == _INLINE:
            found[name] = _take(part_kind, left)
        elif name in left:
            part = left.pop(name)
            if part is None and mode == _OMITTED:
                raise ValueError
            found[name] = codec.read(part)
        elif mode == _REQUIRED:
            raise KeyError(name)
    return kind(**found)


@cache
def _codec(kind: Any) -> _Codec:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        inner, check = arguments
        return _checked(_codec(inner), check)
    if origin in (Union, types.UnionType):
        some = [each for each in arguments if each is not types.NoneType]
        codec = _codec(some[0]) if len(some) == 1 else _scalar(*some)
        return _optional(codec) if len(some) < len(arguments) else codec
    if origin is tuple:
        return _list(_codec(arguments[0]))
    if origin is Mapping:
        return _map(_codec(arguments[1]))
    if isinstance(kind, NewType):
        return _checked(_codec(str), is_id)
    if hasattr(kind, "from_json"):
        return _Codec(lambda value: value.to_json(), kind.from_json)
    if issubclass(kind, tuple):
        return _row(kind)
    if dataclasses.is_dataclass(kind):
        return _Codec(_write, lambda value: _read(kind, value))
    return _scalar(kind)


def _scalar(*kinds: type) -> _Codec:
    def read(value: Any) -> Any:
        if type(value) not in kinds:  # bool is a subclass of int, but not valid here
            raise TypeError
        return value

    return _Codec(lambda value: value, read)


def _checked(inner: _Codec, check: Callable[[Any], object]) -> _Codec:
    def read(value: Any) -> Any:
        found = inner.read(value)
        if not check(found):
            raise ValueError
        return found

    return _Codec(inner.write, read)


def _optional(inner: _Codec) -> _Codec:
    return _Codec(
        lambda value: None if value is None else inner.write(value),
        lambda value: None if value is None else inner.read(value),
    )


def _list(inner: _Codec) -> _Codec:
    exactly = _scalar(list).read
    return _Codec(lambda value: [*map(inner.write, value)], lambda value: tuple(map(inner.read, exactly(value))))


def _map(inner: _Codec) -> _Codec:
    exactly = _scalar(dict).read
    return _Codec(
        lambda value: {key: inner.write(each) for key, each in value.items()},
        lambda value: {key: inner.read(each) for key, each in exactly(value).items()},
    )


def _row(kind: type[tuple[Any, ...]]) -> _Codec:
    exactly = _scalar(list).read
    codecs = [field.codec for field in _fields(kind)]
    return _Codec(
        lambda value: [codec.write(each) for codec, each in zip(codecs, value, strict=True)],
        lambda value: kind(*(codec.read(each) for codec, each in zip(codecs, exactly(value), strict=True))),
    )
