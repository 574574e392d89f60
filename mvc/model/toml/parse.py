"""Parsing of `model.toml`: strict on keys, types and limits; every error names the line or the key.

    data ─ size, UTF-8, key depth ─ tomllib ─ schema ─ labelmap (inline or from its file) ─ Manifest

Relations between values, such as gaps between classes, are checked by the rules of a commit.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

from mvc import errors
from mvc.model import labelmap, textfile
from mvc.model.labelmap import Labelmap
from mvc.model.manifest import Manifest
from mvc.model.toml import render as tomltext
from mvc.model.toml import schema, vocabulary
from mvc.model.toml.schema import ListOf, Table, Type

MAX_BYTES = 8 << 20
"""Bytes of a model.toml, at most."""
MAX_PARTS = 64
"""Parts of a dotted key, at most; tomllib's time is quadratic in them."""
MAX_MARKS = 250_000
"""Characters `=`, `.`, `[` and `{`, at most: tomllib takes about 1 KB for each part of a key."""
MAX_COMMAS = 1_000_000
"""Commas, at most: each may follow a list item."""
_EMPTY: tuple[Any, ...] = ("", [], {}, False)
AUTO = "auto"
"""The docker digest that is resolved when a version is made."""

_PART = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(rf"(?<![A-Za-z0-9_.\\-])(?:{_PART}[ \t]*+\.[ \t]*+){{{MAX_PARTS}}}")
_LONG_NUMBER = re.compile(r"[0-9A-Fa-f_xo]{100000}")
"""A possible number; tomllib's patterns take a hundred bytes per digit."""
_POSITION = re.compile(r"(.*) \((?:at line (\d+), column (\d+)|at end of document)\)\Z", re.DOTALL)


def parse(data: bytes, *, where: str, read_labels: Callable[[str], Labelmap] | None = None) -> Manifest:
    """Parse the bytes of a model.toml; `where` names it in messages.

    `read_labels` returns the labelmap of the file at `labelmap.path`; without it, that labelmap is left empty. Raises
    BadToml, TooBig, NoModelName, UnknownKey, WrongType, DateValue, NotFinite, BadLabels.
    """
    values = load(data, where=where)
    schema.check(values, schema.MODEL_TOML)
    if "name" not in values.get("model", {}):
        raise errors.NoModelName(where=where)
    path, labels = _labels(values.pop("labelmap", {}), where, read_labels)
    sections = {name: _without_empty(section, schema.MODEL_TOML.keys[name]) for name, section in values.items()}
    _resolve(sections)
    return Manifest(**sections, labelmap=labels, labelmap_path=path)


def load(data: bytes, *, where: str) -> dict[str, Any]:
    """Return the values of TOML bytes, with any keys; raise BadToml with line and column, TooBig."""
    if len(data) > MAX_BYTES:
        raise errors.TooBig(what=where, reason=f"it is larger than {MAX_BYTES >> 20} MiB")
    for chars, limit in (("= . [ {", MAX_MARKS), (",", MAX_COMMAS)):
        if sum(map(data.count, chars.encode().split())) > limit:
            raise errors.TooBig(what=where, reason=f"it has more than {limit} of the characters {chars}")
    text = _text(data, where)
    if _LONG_KEY.search(text):
        raise errors.TooBig(what=where, reason=f"a key has more than {MAX_PARTS} parts")
    try:
        if _LONG_NUMBER.search(text):
            raise ValueError
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _located(str(error), text, where) from None
    except RecursionError:
        raise errors.TooBig(what=where, reason="it is nested too deeply") from None
    except ValueError:
        raise errors.TooBig(what=where, reason="a number in it has thousands of digits") from None


def render(manifest: Manifest) -> bytes:
    """Render a model.toml with the values of `manifest`, without comments."""
    return tomltext.document(manifest.to_toml()).encode()


def _text(data: bytes, where: str) -> str:
    try:
        return textfile.decode(data)
    except textfile.TextError as error:
        before = data[: error.at]
        line, column = before.count(b"\n") + 1, error.at - (before.rfind(b"\n") + 1) + 1
        raise errors.BadToml(where=where, position=f"line {line}, column {column}", reason=error.reason) from None


def _located(message: str, text: str, where: str) -> errors.BadToml:
    """Return tomllib's message with its position taken out."""
    match = _POSITION.match(message)
    if match is None:
        return errors.BadToml(where=where, position="line 1, column 1", reason=message)
    reason = match[1].replace("Cannot overwrite a value", "A key is set twice").replace("Cannot declare", "Declared")
    line, column = match[2], match[3]
    if line is None:
        lines = text.split("\n")
        line, column = str(len(lines)), str(len(lines[-1]) + 1)
    return errors.BadToml(where=where, position=f"line {line}, column {column}", reason=reason)


def _labels(
    table: Mapping[str, Any], where: str, read: Callable[[str], Labelmap] | None
) -> tuple[str | None, Labelmap]:
    if "path" not in table:
        return None, labelmap.from_table(table, where)
    if len(table) > 1:
        raise errors.BadLabels(where=where, reason="[labelmap] has both a path and classes")
    path = str(table["path"])
    return path, read(path) if read else ()


def _without_empty(value: Any, type_: Type) -> Any:
    """Return `value` without empty values: an empty text, list or table, and `false`."""
    if isinstance(type_, ListOf):
        return [_without_empty(item, type_.item) for item in value]
    if not isinstance(type_, Table) or not type_.keys:
        return value
    rest = {key: _without_empty(item, type_.keys[key]) for key, item in value.items()}
    return {key: item for key, item in rest.items() if item not in _EMPTY or type(item) in (int, float)}


def _resolve(sections: dict[str, Any]) -> None:
    """Write vocabulary in capitals, and `digest = "auto"` as a digest that is yet to be resolved."""
    model, docker = sections.get("model", {}), sections.get("docker", {})
    model |= {key: vocabulary.spelled(("model", key), value) for key, value in model.items()}
    if docker.get("digest") == AUTO:
        docker["digest"] = {"asked": AUTO, "resolved": None}
