"""Parsing of `model.toml`: strict on keys, types and limits; every error names the line or the key.

    data ─ size, UTF-8, key depth ─ tomllib ─ schema ─ labelmap (inline or from its file) ─ Manifest

Relations between values, such as gaps between classes, are checked by the rules of a commit.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any, Protocol

from mvc import errors
from mvc.deferred import regex
from mvc.model import labelmap, textfile
from mvc.model.labelmap import Labelmap
from mvc.model.manifest import Manifest
from mvc.model.paths import escape_name
from mvc.model.toml import render as tomltext
from mvc.model.toml import schema, value_file, vocabulary
from mvc.model.toml.schema import ListOf, Table, Type
from mvc.model.toml.value_file import ValueFile

MAX_BYTES = 8 << 20
"""Bytes of a model.toml, at most."""
MAX_PARTS = 64
"""Parts of a dotted key, at most; tomllib's time is quadratic in them."""
MAX_MARKS = 250_000
"""Characters `=`, `.`, `[` and `{` outside of texts and comments, at most: tomllib takes about 1 KB for each part of a key."""
MAX_COMMAS = 1_000_000
"""Commas, at most: each may follow a list item."""
_EMPTY: tuple[Any, ...] = ("", [], {}, False)
AUTO = "auto"
"""The docker digest that is resolved when a version is made."""

_PART = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')"""
_LONG_KEY = regex(rf"(?<![A-Za-z0-9_.\\-])(?:{_PART}[ \t]*+\.[ \t]*+){{{MAX_PARTS}}}")
_LONG_NUMBER = regex(r"[0-9A-Fa-f_xo]{100000}")
"""A possible number; tomllib's patterns take a hundred bytes per digit."""
_TEXTS = regex(
    r'''"""[^"\\]*+(?:(?:\\.|"(?!""))[^"\\]*+)*+"{3,5}'''
    r"""|'{3}[^']*+(?:'(?!'')[^']*+)*+'{3,5}"""
    r"""|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"|'[^'\n]*+'|#[^\n]*+""",
    re.DOTALL,
)
"""Texts and comments of TOML, as tomllib separates them: the limits are about what is outside of them."""
_POSITION = regex(r"(.*) \((?:at line (\d+), column (\d+)|at end of document)\)\Z", re.DOTALL)


class Reader(Protocol):
    """Reads the files that model.toml takes values from; each method raises the errors of its file."""

    def labels(self, file: ValueFile) -> Labelmap:
        """Return the classes."""

    def values(self, section: str, file: ValueFile) -> Mapping[str, Any]:
        """Return the values of `parameters` or `metrics`."""


def parse(data: bytes, *, where: str, reader: Reader | None = None) -> Manifest:
    """Parse the bytes of a model.toml; `where` names it in messages.

    `reader` reads the files of `[from]` and `labelmap.path`; without it, their values are left out. Raises
    BadToml, TooBig, NoModelName, UnknownKey, WrongType, DateValue, NotFinite, BadLabels, TwoSources.
    """
    values = load(data, where=where)
    schema.check(values, schema.MODEL_TOML)
    if "name" not in values.get("model", {}):
        raise errors.NoModelName(where=where)
    files = {name: ValueFile.of(name, value) for name, value in values.pop(value_file.KEY, {}).items()}
    path, labels = _labels(values.pop("labelmap", {}), where, files.get(value_file.LABELMAP), reader)
    sections = {name: _without_empty(section, schema.MODEL_TOML.keys[name]) for name, section in values.items()}
    _resolve(sections)
    own = {name: tuple(sections.get(name, ())) for name in value_file.MERGED}
    for name in files.keys() & {*value_file.MERGED}:
        sections[name] = _joined(name, sections.get(name, {}), files[name], reader)
    return Manifest(**sections, labelmap=labels, labelmap_path=path, ext=value_file.to_ext({}, files, own))


def load(data: bytes, *, where: str) -> dict[str, Any]:
    """Return the values of TOML bytes, with any keys; raise BadToml with line and column, TooBig."""
    if len(data) > MAX_BYTES:
        raise errors.TooBig(what=where, reason=f"it is larger than {MAX_BYTES >> 20} MiB")
    text = _text(data, where)
    if _excess(text) is not None and (reason := _excess(_TEXTS.sub('""', text))) is not None:
        raise errors.TooBig(what=where, reason=reason)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _located(str(error), text, where) from None
    except RecursionError:
        raise errors.TooBig(what=where, reason="it is nested too deeply") from None
    except ValueError:
        raise errors.TooBig(what=where, reason="a number in it has thousands of digits") from None


def _excess(text: str) -> str | None:
    """Return why tomllib would take too long for `text`, or too much memory; None if it would not."""
    for chars, limit in (("= . [ {", MAX_MARKS), (",", MAX_COMMAS)):
        if sum(map(text.count, chars.split())) > limit:
            return f"it has more than {limit} of the characters {chars} outside of texts and comments"
    if _LONG_KEY.search(text):
        return f"a key has more than {MAX_PARTS} parts"
    return "a number or a key in it has 100000 characters" if _LONG_NUMBER.search(text) else None


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
    table: Mapping[str, Any], where: str, file: ValueFile | None, reader: Reader | None
) -> tuple[str | None, Labelmap]:
    if file is not None and table:
        raise errors.BadLabels(where=where, reason="it has both [labelmap] and from.labelmap")
    if file is None and "path" not in table:
        return None, labelmap.from_table(table, where)
    if len(table) > 1:
        raise errors.BadLabels(where=where, reason="[labelmap] has both a path and classes")
    file = file or ValueFile(str(table["path"]))
    return file.path, reader.labels(file) if reader else ()


def _joined(section: str, own: Mapping[str, Any], file: ValueFile, reader: Reader | None) -> dict[str, Any]:
    """Return the values of a section from its file and from model.toml; raise TwoSources for a key in both."""
    read = reader.values(section, file) if reader is not None else {}
    for key in own:
        if key in read:
            raise errors.TwoSources(key=schema.dotted((section, key)), path=escape_name(file.path), section=section)
    return {**read, **own}


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
