"""Conversion of Python values to values of model.toml: types are kept, and nothing is parsed from text.

numpy.float32(0.5), numpy.int64(3)     the number            ("a", "b"), {"a": {"b": 1}}    a list, a table
Path("coco.yaml")                      the text              None                           the key is removed
metrics: nan, inf                      left out, reported    a tensor, an object            refused; the error names the key
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import field
from datetime import date, time
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.toml import schema
from mvc.model.toml.schema import Path
from mvc.model.toml.value_file import ValueFile

LABELMAP = "labelmap"
Labels = Mapping[int, str] | Mapping[str, str] | Sequence[str]
"""Classes by number, or in the order of their numbers."""


@dataclass(slots=True)
class Sections:
    """Changes of model.toml: keys to set, keys to remove, and sections to replace.

    `left_out` are the metrics that are NaN or infinite.
    """

    assignments: list[tuple[Path, Any]] = field(default_factory=list)
    removed: list[Path] = field(default_factory=list)
    replaced: set[str] = field(default_factory=set)
    left_out: dict[str, float] = field(default_factory=dict)


def sections(given: Mapping[str, Any], replace: Collection[str] = ()) -> Sections:
    """Return the changes of model.toml for `given`, values by section. Raises UnknownKey, WrongType, NotFinite."""
    found = Sections(replaced={replace} if isinstance(replace, str) else set(replace))
    for name in found.replaced:
        schema.find((name,))
    for name, values in given.items():
        if values is None:
            continue
        if name == LABELMAP:
            values = _labels(values, found)
        if not isinstance(values, Mapping):
            raise errors.WrongType(key=name, wanted="a table", found=_called(values))
        for key, value in values.items():
            _add(found, (name, _key(key, (name,))), value)
    return found


def by_section(*given: Any) -> dict[str, Any]:
    """Return the arguments of `update` and `record` by the name of their section."""
    names = ("parameters", "metrics", "labelmap", "model", "docker", "source", "intent")
    return dict(zip(names, given, strict=True))


def _labels(given: Any, found: Sections) -> Any:
    """Replace the whole labelmap by a list of classes, or by the path of their file."""
    if isinstance(given, str | os.PathLike):
        found.replaced.add(LABELMAP)
        return {"path": os.fspath(given)}
    if isinstance(given, Sequence):
        found.replaced.add(LABELMAP)
        return dict(enumerate(given))
    return given


def _add(found: Sections, key: Path, value: Any) -> None:
    plain = _plain(value, key)
    if plain is None:
        found.removed.append(key)
    elif key[0] == "metrics" and isinstance(plain, float) and not math.isfinite(plain):
        found.removed.append(key)
        found.left_out[schema.dotted(key)] = plain
    else:
        schema.check(plain, schema.find(key), key)
        found.assignments.append((key, plain))


def _key(key: Any, above: Path) -> str:
    """Return the name of a key: a text, or the number of a class."""
    plain = _plain(key, above)
    if isinstance(plain, str):
        return plain
    if above == (LABELMAP,) and type(plain) is int:
        return str(plain)
    raise errors.WrongType(key=f"a key of {schema.dotted(above)}", wanted="text", found=_called(key))


def _plain(value: Any, key: Path) -> Any:
    """Return `value` in plain types. Raises WrongType if model.toml cannot hold it."""
    if value is None or type(value) in (bool, int, float, str) or isinstance(value, date | time):
        return value
    if getattr(value, "shape", None) == () and callable(getattr(value, "item", None)):
        return _plain(value.item(), key)  # a numpy or torch number
    if isinstance(value, Mapping):
        return {name: item for name, item in _items(value, key) if item is not None}
    if isinstance(value, list | tuple):
        return [_plain(item, (*key, str(number))) for number, item in enumerate(value)]
    if isinstance(value, str):
        return str.__str__(value)  # a subclass, such as an enumeration
    if isinstance(value, int | float):
        return int.__int__(value) if isinstance(value, int) else float.__float__(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, ValueFile):
        return value.to_toml()
    raise errors.WrongType(key=schema.dotted(key), wanted="a value that TOML has", found=_called(value))


def _items(value: Mapping[Any, Any], key: Path) -> list[tuple[str, Any]]:
    named = [(_key(name, key), item) for name, item in value.items()]
    return [(name, _plain(item, (*key, name))) for name, item in named]


def _called(value: Any) -> str:
    kind = type(value)
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
