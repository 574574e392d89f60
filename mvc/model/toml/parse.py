"""Reading `model.toml`: strict about keys, types and limits, with the line or the key named in every complaint.

    data ─ size, UTF-8, key depth ─ tomllib ─ schema ─ labelmap (here, or from its file) ─ Manifest

What the values say, gaps between classes for one, is for the rules of a commit.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

from mvc import errors
from mvc.model import labelmap, textfile
from mvc.model.manifest import Manifest
from mvc.model.toml import render as tomltext
from mvc.model.toml import schema
from mvc.model.toml.schema import ListOf, Table, Type

MAX_BYTES = 8 << 20
"""The largest model.toml, in bytes."""
MAX_PARTS = 64
"""The most parts of a dotted key; tomllib takes time quadratic in them."""
MAX_MARKS = 250_000
"""The most `=`, `.`, `[` and `{`, wherever they are: tomllib takes about 1 KB for each part of a key."""
MAX_COMMAS = 1_000_000
"""The most commas: each may stand for a value of a list."""
_NOTHING: tuple[Any, ...] = ("", [], {}, False)
AUTO = "auto"
"""The docker digest that is looked up when a version is made."""

_PART = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(rf"(?<![A-Za-z0-9_.\\-])(?:{_PART}[ \t]*+\.[ \t]*+){{{MAX_PARTS}}}")
_LONG_NUMBER = re.compile(r"[0-9A-Fa-f_xo]{100000}")
"""What may be a number, for which the patterns of tomllib take a hundred bytes a digit."""
_POSITION = re.compile(r"(.*) \((?:at line (\d+), column (\d+)|at end of document)\)\Z", re.DOTALL)


def parse(data: bytes, *, where: str, read_labels: Callable[[str], bytes] | None = None) -> Manifest:
    """The manifest in the bytes of a model.toml that is called `where` in messages.

    `read_labels` gives the bytes of the file that `labelmap.path` names; without it such a labelmap stays empty. Raises
    BadToml, TooBig, NoModelName, UnknownKey, WrongType, DateValue, NotFinite, BadLabels.
    """
    values = load(data, where=where)
    schema.check(values, schema.MODEL_TOML)
    if "name" not in values.get("model", {}):
        raise errors.NoModelName(where=where)
    path, labels = _labels(values.pop("labelmap", {}), where, read_labels)
    sections = {name: _without_empty(each, schema.MODEL_TOML.keys[name]) for name, each in values.items()}
    _resolve(sections)
    return Manifest(**sections, labelmap=labels, labelmap_path=path)


def load(data: bytes, *, where: str) -> dict[str, Any]:
    """The values of TOML bytes, whatever their keys; raises BadToml with line and column, TooBig."""
    if len(data) > MAX_BYTES:
        raise errors.TooBig(what=where, reason=f"it is larger than {MAX_BYTES >> 20} MiB")
    for marks, most in (("= . [ {", MAX_MARKS), (",", MAX_COMMAS)):
        if sum(map(data.count, marks.encode().split())) > most:
            raise errors.TooBig(what=where, reason=f"it has more than {most} of the characters {marks}")
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
    """A model.toml that says what `manifest` does; its comments, if it had any, are not known."""
    return tomltext.document(manifest.to_toml()).encode()


def _text(data: bytes, where: str) -> str:
    try:
        return textfile.decode(data)
    except textfile.TextError as error:
        before = data[: error.at]
        line, column = before.count(b"\n") + 1, error.at - (before.rfind(b"\n") + 1) + 1
        raise errors.BadToml(where=where, position=f"line {line}, column {column}", reason=error.reason) from None


def _located(message: str, text: str, where: str) -> errors.BadToml:
    """What tomllib says, its position apart."""
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
    table: Mapping[str, Any], where: str, read: Callable[[str], bytes] | None
) -> tuple[str | None, labelmap.Labelmap]:
    if "path" not in table:
        return None, labelmap.from_table(table, where)
    if len(table) > 1:
        raise errors.BadLabels(where=where, reason="[labelmap] has a path and classes; it takes one or the other")
    path = str(table["path"])
    return path, labelmap.parse(read(path), path) if read else ()


def _without_empty(value: Any, type_: Type) -> Any:
    """`value` without the keys that say nothing: an empty text, list or table, and `false`."""
    if isinstance(type_, ListOf):
        return [_without_empty(item, type_.each) for item in value]
    if not isinstance(type_, Table) or not type_.keys:
        return value
    slim = {key: _without_empty(item, type_.keys[key]) for key, item in value.items()}
    return {key: item for key, item in slim.items() if item not in _NOTHING or type(item) in (int, float)}


def _resolve(sections: dict[str, Any]) -> None:
    """Write vocabulary in capitals, and `digest = "auto"` as what was asked for."""
    model, docker = sections.get("model", {}), sections.get("docker", {})
    for key, words in (("type", schema.TYPES), ("framework", schema.FRAMEWORKS)):
        if key in model and model[key].upper() in words:
            model[key] = model[key].upper()
    if docker.get("digest") == AUTO:
        docker["digest"] = {"asked": AUTO, "resolved": None}
