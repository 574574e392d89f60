"""Conversion of results to JSON, for `--json`, `to_json()` and docs/reference/json.md: each class declares its keys.

    @dataclass(frozen=True, slots=True)
    class Alias(Document):
        KEYS = keys("name id number=version.number time=since by message=reason")
        …

    Alias(…)  ─ to_json ─►  {"name": "prod", "id": "72ab…", "number": 1, "time": "2026-02-03T09:00:00Z", …}

Without KEYS, the keys are the fields in their order. A value is an attribute, also one of another object, and null where
that object is None. A time is written in UTC, an enumeration by its value, a tuple as a list; a key in OPTIONAL is left
out while its value is empty. A NamedTuple with its own `to_json` is written as the store has it.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import os
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, NamedTuple, Union, get_args, get_origin, get_type_hints

from mvc.model.version import Timestamp

_LENGTH = "len("
_PLAIN = frozenset({type(None), bool, int, float, str})


class Rows(NamedTuple):
    """An attribute that is written as a list of objects with `keys`; of a tuple, the keys name positions: `"0"`."""

    path: str
    keys: Keys


Spec = Union[str, Rows, "Keys"]
"""The value of a key: a dotted path of attributes, `len(path)`, a list of objects, or an object of its own."""
Keys = dict[str, Spec]
"""The keys of an object. One that begins with `*` merges the object at its path into this one."""


def keys(*parts: str | Keys) -> Keys:
    """Return keys from words, `key` or `key=path`, and from maps of other values, in their order."""
    merged: Keys = {}
    for part in parts:
        if isinstance(part, str):
            merged |= {key: path or key.removeprefix("*") for key, _, path in (w.partition("=") for w in part.split())}
        else:
            merged |= part
    return merged


def rows(path: str, *parts: str | Keys) -> Rows:
    """Return the value of a key whose attribute at `path` holds several objects."""
    return Rows(path, keys(*parts))


class Document:
    """The base of results that have a document."""

    __slots__ = ()
    KEYS: ClassVar[Keys]
    OPTIONAL: ClassVar[tuple[str, ...]] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the document that `--json` prints, without its `schema`."""
        kind: Any = type(self)
        return _object(self, declared(kind), self.OPTIONAL)


def to_json(value: Any) -> Any:
    """Return a value as JSON: a document, another dataclass or NamedTuple, a map, an iterable, or a plain value."""
    kind: Any = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, Timestamp):
        return value.utc()
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return {key: to_json(part) for key, part in value.items()}
    if isinstance(value, Document) or (isinstance(value, tuple) and hasattr(value, "to_json")):
        return value.to_json()
    if dataclasses.is_dataclass(value) or hasattr(value, "_fields"):
        return _object(value, declared(kind))
    return [to_json(part) for part in value] if isinstance(value, Iterable) and not isinstance(value, str) else value


@functools.cache
def declared(kind: Any) -> Keys:
    """Return the keys of a class: those that it declares, or its fields."""
    own: Keys | None = getattr(kind, "KEYS", None)
    if own is not None:
        return own
    fields = kind._fields if hasattr(kind, "_fields") else [field.name for field in dataclasses.fields(kind)]
    return keys(" ".join(fields))


def _object(value: Any, specs: Keys, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for key, spec in specs.items():
        part = _part(value, spec)
        if key.startswith("*"):
            record |= to_json(part) or {}
        elif key not in optional or not _is_empty(part):
            record[key] = to_json(part)
    return record


def _part(value: Any, spec: Spec) -> Any:
    if isinstance(spec, str):
        return _attribute(value, spec)
    if isinstance(spec, Rows):
        return [_object(part, spec.keys) for part in _attribute(value, spec.path)]
    first = _part(value, next(iter(spec.values())))
    return None if first is None else _object(value, spec)


def _attribute(value: Any, path: str) -> Any:
    if path.startswith(_LENGTH):
        return len(_attribute(value, path.removeprefix(_LENGTH).removesuffix(")")))
    for name in path.split(".") if path else ():
        if value is None:
            return None
        value = value[int(name)] if name.isdigit() else getattr(value, name)
    return value


def _is_empty(part: Any) -> bool:
    return part is None or part == () or getattr(part, "is_empty", False)


# --- the schema


class Field(NamedTuple):
    """The type of a key: an annotation or, for an object of its own, its fields; `optional` if it may be absent."""

    type: Any
    optional: bool = False


Schema = dict[str, Field]


def schema(kind: Any) -> Schema:
    """Return the keys of a class with their types; of a map that is merged in, the key is `…`."""
    if issubclass(kind, tuple) and hasattr(kind, "to_json"):  # the store leaves out what has its default
        hints, defaults = get_type_hints(kind), kind._field_defaults
        names = [name for name in kind._fields if not _is_apart(hints[name])]
        return {name: _field(hints[name], optional=name in defaults) for name in names}
    return _schema(kind, declared(kind), getattr(kind, "OPTIONAL", ()))


def _is_apart(type_: Any) -> bool:
    """Return whether a field is a tuple of records without a `to_json`, which the store writes in another place."""
    inner = (*get_args(type_), None)[0]
    return hasattr(inner, "_fields") and not hasattr(inner, "to_json")


def _schema(kind: Any, specs: Keys, optional: tuple[str, ...] = ()) -> Schema:
    fields: Schema = {}
    for key, spec in specs.items():
        if key.startswith("*"):
            fields |= _merged(_hint(kind, str(spec)))
        else:
            fields[key] = _field(_type(kind, spec), optional=key in optional)
    return fields


def _field(type_: Any, *, optional: bool) -> Field:
    return Field(_present(type_), optional=True) if optional else Field(type_)


def _type(kind: Any, spec: Spec) -> Any:
    if isinstance(spec, str):
        return _hint(kind, spec)
    if isinstance(spec, Rows):
        return [_schema(get_args(_hint(kind, spec.path))[0], spec.keys)]
    fields = _schema(kind, spec)
    key, first = next(iter(fields.items()))
    return (fields | {key: Field(_present(first.type))}, None) if _is_nullable(first.type) else fields


def _merged(hint: Any) -> Schema:
    if get_origin(hint) is not None and issubclass(get_origin(hint), Mapping):
        return {"…": Field(get_args(hint)[1], optional=True)}
    absent = _is_nullable(hint)
    return {key: Field(type_, optional or absent) for key, (type_, optional) in schema(_present(hint)).items()}


def _hint(kind: Any, path: str) -> Any:
    """Return the annotation at a dotted path; a None on the way makes it optional."""
    if path.startswith(_LENGTH):
        return int
    absent = False
    for name in path.split(".") if path else ():
        absent = absent or _is_nullable(kind)
        kind = _present(kind)
        kind = get_args(kind)[int(name)] if name.isdigit() else _member(kind, name)
    return kind | None if absent else kind


def _is_nullable(hint: Any) -> bool:
    return type(None) in get_args(hint)


def _present(hint: Any) -> Any:
    """Return an annotation without its None."""
    return next(part for part in get_args(hint) if part is not type(None)) if _is_nullable(hint) else hint


def _member(kind: Any, name: str) -> Any:
    hints = get_type_hints(kind)
    if name in hints:
        return hints[name]
    member = getattr(kind, name)
    return get_type_hints(getattr(member, "fget", None) or member.func)["return"]
