"""Assignments on the command line: dotted keys, and values typed by the schema (`parameters.epochs=100`).

    docker.tag=1.10            the text "1.10"           model.tags=night,cctv     a list of two texts
    parameters.epochs=1.10     the number 1.1            model.tags=["a,b"]        a list of one (TOML)
    parameters.name=1.10x      the text "1.10x"          files."best.v2"=best.pt   quotes around a dot
    parameters.lr=.5           the number 0.5            parameters.amp=True       true
    parameters.lr=None         refused: not a TOML value     parameters.id=007         the text "007", with a hint

Below `parameters`, a TOML int, float, bool, array or inline table is typed as such, and so is a number or bool in the
spelling of Python or YAML; anything else is text. Lists of texts are TOML arrays or comma-separated; tables are TOML
inline tables. An explicit type overrides all this.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from mvc import errors
from mvc.model import labelmap
from mvc.model.manifest import Manifest
from mvc.model.toml import parse, schema
from mvc.model.toml.schema import ANY, FLAG, NUMBER, TEXT, TEXTS, WORDS, Path, PathOr, Type

KINDS = ("str", "int", "float", "bool", "toml", "json")
"""The explicit types."""

_PARTS = re.compile(r"""(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s."'=\[\]]+))(\.|\Z)""")
_KEY_END = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^"'=])*""")
_SCALAR = re.compile(r"[0-9A-Za-z_.+-]+\Z")
_FLAGS = {"true": True, "false": False, "True": True, "False": False, "TRUE": True, "FALSE": False}
_SHORT_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z")
"""A number with digits on one side of its point only, which TOML does not allow."""
_NOT_FINITE = re.compile(r"[+-]?(?:inf|infinity|nan)\Z", re.IGNORECASE)
_NULLS = ("None", "null", "Null", "NULL")
_LIKE_A_VALUE = re.compile(
    r"(?:[+-]?\.?[0-9][0-9A-Fa-fxX.,_eE+-]*|true|false|yes|no|on|off|none|nil|~|[\[{].*[\]}])\Z", re.IGNORECASE
)


def parse_key(text: str, value: str = "") -> Path:
    """Parse a dotted key, which is to have `value`; raise BadKey, UnknownKey, BadLabels."""
    path: list[str] = []
    position = 0
    while position < len(text) or not path or text[position - 1] == ".":
        match = _PARTS.match(text, position)
        if not match or len(path) >= schema.MAX_DEPTH:
            raise errors.BadKey(
                text=text[:80], reason="its parts are not separated by single dots" if text else "it is empty"
            )
        path.append(_part(match, text))
        position = match.end()
    key = tuple(path)
    schema.find(key)
    if key[0] == "labelmap" and len(key) > 1 and key[1] != "path":
        labelmap.from_table({key[1]: value}, text)
    return key


def parse_assignment(text: str, kind: str | None = None) -> tuple[Path, Any]:
    """Parse `key=value`; `kind` is one of `KINDS`, or None for the type of the schema.

    Raises BadKey, UnknownKey, BadValue, WrongType, NotFinite, TooBig, BadToml.
    """
    match = _KEY_END.match(text)
    end = match.end() if match else 0
    if text[end : end + 1] != "=":
        raise errors.BadKey(text=text[:80], reason="it has no = with a value")
    key = parse_key(text[:end].strip(), text[end + 1 :])
    if len(key) == 1:
        raise errors.BadKey(text=key[0], reason="it names a section; name a key in it")
    type_ = schema.find(key)
    value = _as_kind(text[end + 1 :], kind, key) if kind else _typed(text[end + 1 :], type_, key)
    schema.check(value, type_, key)
    return key, value


def _part(match: re.Match[str], text: str) -> str:
    double, single, bare, _ = match.groups()
    if double is None:
        return str(bare if single is None else single)
    try:
        return str(json.loads(f'"{double}"'))
    except ValueError:
        raise errors.BadKey(text=text[:80], reason="it has an escape that TOML does not define") from None


def get_value(values: Manifest | Mapping[str, Any], key: Path) -> Any:
    """Return the value at `key` in a manifest, or in the values of a model.toml; raise NoValue."""
    value: Any = _with_labels(values) if isinstance(values, Manifest) else values
    for part in key:
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            raise errors.NoValue(key=schema.dotted(key), suggestion="")
    return value


def _with_labels(manifest: Manifest) -> dict[str, Any]:
    """Return a manifest's sections, including the values of files."""
    values = manifest.resolved()
    if manifest.labelmap:
        values["labelmap"] = {**values.get("labelmap", {}), **{str(number): name for number, name in manifest.labelmap}}
    return values


def looks_typed(key: str, value: Any) -> bool:
    """Return whether `value` is a text that resembles a number, bool or the like, where `key` allows those."""
    return isinstance(value, str) and schema.find(parse_key(key)) is ANY and bool(_LIKE_A_VALUE.match(value))


def _typed(text: str, type_: Type, key: Path) -> Any:
    is_path = isinstance(type_, PathOr) and not text.lstrip().startswith("{")
    if type_ is TEXT or is_path or type_ in WORDS:
        return text
    if type_ is FLAG:
        return _FLAGS.get(text, text)
    if type_ == TEXTS and not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    value = _toml(text.strip())
    if value is not None:
        return value
    if type_ is ANY or type_ is NUMBER:
        return _as_scalar(text.strip(), text, key)
    raise errors.BadValue(key=schema.dotted(key), text=text[:80], wanted="a list or an inline table of TOML")


def _as_scalar(bare: str, text: str, key: Path) -> Any:
    """Return a number or bool in another spelling than TOML's, else the text; raise BadValue for a null."""
    if bare in _NULLS:
        expected = f"a value; `mvc unset {schema.dotted(key)}` removes it, `--type str` sets the text"
        raise errors.BadValue(key=schema.dotted(key), text=bare, wanted=expected)
    if _SHORT_FLOAT.match(bare) or _NOT_FINITE.match(bare):
        return float(bare)
    return _FLAGS.get(bare, text)


def _toml(text: str) -> Any:
    """Return the int, float, bool, array or inline table that `text` is in TOML, else None."""
    if not _SCALAR.match(text) and (text[:1], text[-1:]) not in (("[", "]"), ("{", "}")):
        return None
    try:
        values = parse.load(f"v = {text}".encode(), where="")
    except (errors.BadToml, UnicodeEncodeError):
        return None
    is_known = len(values) == 1 and isinstance(values["v"], int | float | list | dict)
    return values["v"] if is_known else None


def _as_kind(text: str, kind: str, key: Path) -> Any:
    try:
        if kind == "int":
            return int(text)
        if kind == "float":
            return float(text)
        if kind == "bool":
            return _FLAGS[text]
        if kind == "json":
            return json.loads(text)
    except (ValueError, KeyError, RecursionError):
        raise errors.BadValue(key=schema.dotted(key), text=text[:80], wanted=kind) from None
    return parse.load(f"v = {text}".encode(), where=schema.dotted(key))["v"] if kind == "toml" else text
