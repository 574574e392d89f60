"""Schema of `model.toml`: keys and types in one table, for parsing, editing, storing and suggestions.

    docker.tag     text                   metrics.mAP50     a number
    model.tags     a list of texts        parameters.x.y    anything but dates, NaN and infinity

Values with a vocabulary, and references, are checked by the rules, not here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from datetime import date, time
from typing import Any

from mvc import errors, lazy
from mvc.deferred import dataclass, regex
from mvc.model.toml import value_file

TYPES = (
    "NOT_CONFIGURED",
    "CLASSIFICATION",
    "OBJECT_DETECTION",
    "SEGMENTATION",
    "POINT",
    "KEYPOINT",
    "LINE",
    "MASK",
    "MULTI",
)
"""Values of `model.type` that Picsellia knows (InferenceType of its SDK)."""
FRAMEWORKS = ("TENSORFLOW", "PYTORCH", "ONNX", "NOT_CONFIGURED")
"""Values of `model.framework` that Picsellia knows (Framework of its SDK)."""
PROFILES: dict[str, tuple[str, ...]] = {
    "training": ("current", "legacy"),
    "pre-annotation": ("current", "legacy"),
    "deployment": ("serving", "own"),
    "conversion": (),
    "storage": (),
}
"""Uses of a version, and the profiles of each where its jobs differ; the first profile is the default."""
USES = tuple(PROFILES)
"""Uses of a version; a team may add its own."""
IMAGE_TAG = regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")
IMAGE_DIGEST = regex(r"sha256:[0-9a-f]{64}\Z")
"""Patterns of a docker tag, and of a digest (the SHA-256 of an image manifest), which takes precedence."""
MAX_DEPTH = 48
"""Nesting of values, at most; canonical JSON allows 64, and a manifest adds some levels."""
_TYPE_NAMES: dict[type, str] = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a table",
    type(None): "null",
}
_TOML_TYPES: dict[type, str] = {
    bool: "boolean", int: "integer", float: "float", str: "string", list: "array", tuple: "array", dict: "table",
}  # fmt: skip
_INT_MIN, _INT_MAX = -(1 << 63), (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value without parts: its name in messages, and the test for it."""

    label: str
    accepts: Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list whose items have one type."""

    item: Type
    label: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table: the types of its keys, and the type of any other key (None: no others)."""

    keys: Mapping[str, Type] = field(default_factory=dict)
    others: Type | None = None


@dataclass(frozen=True, slots=True)
class PathOr:
    """A path, or a table that has the path."""

    table: Table
    label: str = "a path, or a table with a path"


Type = Leaf | ListOf | Table | PathOr
Path = tuple[str, ...]
"""The parts of a dotted key."""


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


TEXT = Leaf("text", lambda value: isinstance(value, str))
FLAG = Leaf("true or false", lambda value: type(value) is bool)
NUMBER = Leaf("a number", _is_number)
ANY = Leaf("any value except a date", lambda value: value is not None)
MODE = Leaf('"min" or "max"', lambda value: value in value_file.MODES)
ROW = Leaf('"last"', lambda value: value == value_file.LAST)
WORDS = (MODE, ROW)
"""The types of texts of which a few are valid."""
TEXTS = ListOf(TEXT, "a list of texts")

_MODEL = Table(
    {
        "name": TEXT,
        "type": TEXT,
        "framework": TEXT,
        "description": TEXT,
        "license": TEXT,
        "tags": TEXTS,
        "links": TEXTS,
        "notebook": TEXT,
        "thumbnail": TEXT,
        "labelmap_sparse": FLAG,
        "follow_links": TEXTS,
        "parent": TEXT,
    }
)
_DOCKER = Table({"image": TEXT, "tag": TEXT, "digest": TEXT, "flags": TEXTS, "env": Table(others=TEXT)})
_EXPERIMENT = Table({"id": TEXT, "name": TEXT, "project": TEXT, "url": TEXT, "parameters": Table(others=ANY)})
_DATASET = Table({"alias": TEXT, "name": TEXT, "version": TEXT, "id": TEXT})
_SOURCE = Table({"experiment": _EXPERIMENT, "datasets": ListOf(_DATASET, "a list of tables")})
_REQUIRE = Table({"use": TEXT, "role": TEXT, "metric": TEXT, "min": NUMBER, "format": TEXT})
_FILE = Table({"path": TEXT, "key": TEXT})
_FILE_WITH_ROWS = Table({**_FILE.keys, "best": TEXT, "mode": MODE, "row": ROW, "select": TEXTS})
_FROM = Table({name: PathOr(_FILE if name == value_file.LABELMAP else _FILE_WITH_ROWS) for name in value_file.SECTIONS})
_INTENT = Table({"ready_for": TEXTS, "require": ListOf(_REQUIRE, "a list of tables")})

MODEL_TOML = Table(
    {
        "model": _MODEL,
        "files": Table(others=TEXT),
        value_file.KEY: _FROM,
        "labelmap": Table({"path": TEXT}, others=TEXT),
        "parameters": Table(others=ANY),
        "metrics": Table(others=NUMBER),
        "docker": _DOCKER,
        "source": _SOURCE,
        "intent": _INTENT,
    }
)
"""`model.toml` as users write it."""


def _open(type_: Type) -> Type:
    """Return `type_` with unknown keys allowed, for later releases."""
    if isinstance(type_, ListOf):
        return ListOf(_open(type_.item), type_.label)
    if isinstance(type_, Table):
        return Table({key: _open(value) for key, value in type_.keys.items()}, type_.others or ANY)
    return type_


def _stored() -> Table:
    keys = {name: _open(type_) for name, type_ in MODEL_TOML.keys.items() if name not in ("labelmap", value_file.KEY)}
    digest = Leaf("text, or a table of asked and resolved", _is_digest)
    docker = Table({**_DOCKER.keys, "digest": digest}, others=ANY)
    return Table({**keys, "docker": docker, "ext": Table(others=ANY)})


def _is_digest(value: Any) -> bool:
    if isinstance(value, str):
        return True
    return (
        isinstance(value, dict)
        and set(value) == {"asked", "resolved"}
        and isinstance(value["asked"], str)
        and (value["resolved"] is None or isinstance(value["resolved"], str))
    )


STORED = _stored()
"""The sections of a manifest object: keys of later releases are let through."""


def check(value: Any, type_: Type, key: Path = ()) -> None:
    """Raise UnknownKey, WrongType, DateValue, NotFinite or TooBig unless `value`, at `key`, is of `type_`."""
    if len(key) > MAX_DEPTH:
        raise errors.TooBig(what=dotted(key[:3]) + "…", reason=f"it is nested deeper than {MAX_DEPTH}")
    if type_ is ANY:
        _check_any(value, key)
    elif isinstance(type_, PathOr) and not isinstance(value, str | dict):
        raise errors.WrongType(key=dotted(key), wanted=type_.label, found=type_name(value))
    elif isinstance(type_, PathOr):
        check(value, TEXT if isinstance(value, str) else type_.table, key)
    elif isinstance(type_, Table):
        _check_table(value, type_, key)
    elif isinstance(type_, ListOf):
        if not isinstance(value, list):
            raise errors.WrongType(key=dotted(key), wanted=type_.label, found=type_name(value))
        for number, item in enumerate(value):
            check(item, type_.item, (*key, str(number)))
    else:
        _check_leaf(value, type_, key)


def find(key: Path, type_: Type = MODEL_TOML, above: Path = ()) -> Type:
    """Return the type of the value at `key`; raise UnknownKey."""
    if not key or type_ is ANY:
        return type_
    path = (*above, key[0])
    type_ = type_.table if isinstance(type_, PathOr) else type_
    if isinstance(type_, Table):
        child = type_.keys.get(key[0], type_.others)
        if child is None:
            raise errors.UnknownKey(key=dotted(path), suggestion=suggestion(path, type_))
        return find(key[1:], child, path)
    raise errors.WrongType(key=dotted(above), wanted=type_.label, found="a table")


def suggestion(key: Path, table: Table) -> str:
    """Return a hint at what the unknown `key` of `table` may have meant."""
    near = lazy.load("difflib").get_close_matches(key[-1], table.keys, n=1)
    if near:
        return f"Did you mean {dotted((*key[:-1], near[0]))}?"
    matches = [f"{section}.{key[-1]}" for section, type_ in MODEL_TOML.keys.items() if key[-1] in _keys(type_)]
    if matches:
        return f"Did you mean {matches[0]}?"
    where = f"[{dotted(key[:-1])}]" if len(key) > 1 else "model.toml"
    return f"{where} has {', '.join(table.keys)}; free values belong in [parameters]."


def dotted(key: Sequence[str]) -> str:
    """Return a key as TOML writes it: `docker.tag`, `files."best.v2"`."""
    return ".".join(map(quoted, key))


def quoted(part: str) -> str:
    """Return one part of a key, quoted if needed."""
    if part and all(char.isalnum() or char in "_-" for char in part) and part.isascii():
        return part
    return basic_string(part)


def basic_string(text: str) -> str:
    """Return a text as a TOML basic string: JSON's escapes are TOML's, and TOML escapes DEL as well."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def type_name(value: Any) -> str:
    """Return the name of the type of `value` in messages."""
    return _TYPE_NAMES.get(type(value), "a date or time")


def toml_type(value: Any) -> str:
    """Return TOML's name of the type of `value`."""
    return _TOML_TYPES.get(type(value), "date")


def _keys(type_: Type) -> Iterable[str]:
    return type_.keys if isinstance(type_, Table) else ()


def _check_table(value: Any, table: Table, key: Path) -> None:
    if not isinstance(value, dict):
        raise errors.WrongType(key=dotted(key), wanted="a table", found=type_name(value))
    for name, item in value.items():
        child = table.keys.get(name, table.others)
        if child is None:
            raise errors.UnknownKey(key=dotted((*key, name)), suggestion=suggestion((*key, name), table))
        check(item, child, (*key, name))


def _check_any(value: Any, key: Path) -> None:
    if isinstance(value, dict):
        for name, item in value.items():
            check(item, ANY, (*key, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            check(item, ANY, (*key, str(number)))
    else:
        _check_leaf(value, ANY, key)


def _check_leaf(value: Any, leaf: Leaf, key: Path) -> None:
    if isinstance(value, date | time):
        raise errors.DateValue(key=dotted(key), value=value.isoformat())
    if not leaf.accepts(value):
        raise errors.WrongType(key=dotted(key), wanted=leaf.label, found=type_name(value))
    if isinstance(value, float) and not math.isfinite(value):
        raise errors.NotFinite(key=dotted(key), value=value)
    if type(value) is int and not _INT_MIN <= value <= _INT_MAX:
        raise errors.TooBig(what=dotted(key), reason="it does not fit in 64 bits; write it as text")
