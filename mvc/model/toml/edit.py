"""Changing a `model.toml` in place: comments and blank lines stay, a new key comes before a table's trailing ones.

    [docker]                              [docker]
    image = "acme/yolo"   # ours          image = "acme/yolo"   # ours
                                    →     tag = "1.4"
    # what it learned from
    [source]                              # what it learned from
                                          [source]

Every change is read back with tomllib: the file must say what it said before, and the change, else it is refused.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import tomlkit
from tomlkit.container import Container
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Comment, Table, Whitespace

from mvc import errors
from mvc.model import textfile
from mvc.model.toml import parse, render, schema
from mvc.model.toml.keys import get_value, parse_key
from mvc.model.toml.schema import Path

_WHERE = "model.toml"
_HEADER = """\
# What the next version of this model is. `mvc add` and `mvc set` write here, and so may you;
# `mvc commit` takes it as it stands, with every file that it names.

"""


def new_text(key: str, *, model_type: str | None = None, framework: str | None = None) -> str:
    """A model.toml for the model `key`."""
    about = {"name": key, "type": model_type, "framework": framework}
    return _HEADER + render.document({"model": {name: text for name, text in about.items() if text}})


def set_key(text: str, key: str | Path, value: Any) -> str:
    """`text` with `key` set to a value of the schema's type; raises as `set_keys`."""
    return set_keys(text, [(parse_key(key) if isinstance(key, str) else key, value)])


def set_keys(text: str, assignments: Iterable[tuple[Path, Any]]) -> str:
    """`text` with several keys set; raises UnknownKey, WrongType and the like, BadToml, CannotEdit."""
    assignments = list(assignments)
    for key, value in assignments:
        schema.check(value, schema.find(key), key)

    def change(document: Any) -> None:
        for key, value in assignments:
            _set(document, key, value)

    def expect(values: dict[str, Any]) -> None:
        for key, value in assignments:
            _table(values, key)[key[-1]] = value

    return _edited(text, change, expect)


def unset_key(text: str, key: str | Path) -> str:
    """`text` without `key`; raises NoValue when it is not set, BadToml, CannotEdit."""
    path = parse_key(key) if isinstance(key, str) else key

    def expect(values: dict[str, Any]) -> None:
        above = get_value(values, path[:-1])
        if not isinstance(above, dict) or path[-1] not in above:
            raise errors.NoValue(key=schema.dotted(path))
        del above[path[-1]]

    def change(document: Any) -> None:
        for part in path[:-1]:
            document = document[part]
        _delete(document, path[-1])

    return _edited(text, change, expect)


def add_file(text: str, role: str, pattern: str) -> str:
    """`text` with the path or glob `pattern` in `[files]` under `role`."""
    return set_keys(text, [(("files", role), pattern)])


def remove_file(text: str, role: str) -> str:
    """`text` without the role; raises NoValue."""
    return unset_key(text, ("files", role))


def _edited(text: str, change: Any, expect: Any) -> str:
    """`text` after `change` of its document; `expect` makes the same change in its plain values.

    A byte order mark stays, and so do line ends of CRLF when every line has one.
    """
    bare = text.removeprefix(textfile.BOM)
    mark, has_crlf = text[: len(text) - len(bare)], "\r\n" in bare and bare.count("\n") == bare.count("\r\n")
    edited = _edited_lines(bare.replace("\r\n", "\n") if has_crlf else bare, change, expect)
    return mark + (edited.replace("\n", "\r\n") if has_crlf else edited)


def _edited_lines(text: str, change: Any, expect: Any) -> str:
    values = parse.load(text.encode(), where=_WHERE)
    wanted = copy.deepcopy(values)
    expect(wanted)
    if text and not text.endswith("\n"):
        text += "\n"
    try:
        document = tomlkit.parse(text)
        change(document)
        edited = document.as_string()
        found = parse.load(edited.encode(), where=_WHERE)
    except (TOMLKitError, errors.BadToml, ValueError, KeyError) as error:
        raise errors.CannotEdit(reason=str(error)) from error
    if _without_empty(found) != _without_empty(wanted):
        raise errors.CannotEdit(reason="its tables are written in a way that mvc cannot change safely")
    return edited


def _without_empty(value: Any) -> Any:
    """`value` without empty tables: the last key of `docker.image = "x"` takes the table with it."""
    if not isinstance(value, dict):
        return value
    slim = {key: _without_empty(item) for key, item in value.items()}
    return {key: item for key, item in slim.items() if item != {}}


def _table(values: Any, key: Path) -> Any:
    """The plain table that holds `key`, made where it is missing; raises WrongType."""
    for number, part in enumerate(key[:-1], start=1):
        values = values.setdefault(part, {})
        if not isinstance(values, dict):
            raise errors.WrongType(key=schema.dotted(key[:number]), wanted="a table", found=schema.called(values))
    return values


def _set(document: Any, key: Path, value: Any) -> None:
    """Set `key`: a missing section becomes a table at the end, a missing table in it an inline one."""
    table, depth = document, 0
    while depth < len(key) - 1 and key[depth] in table:
        table = table[key[depth]]
        depth += 1
    for part in reversed(key[depth + 1 :]):
        value = {part: value}
    if depth == 0:
        _append_section(document, key[0], value)
    elif isinstance(table.get(key[depth]), Table | AoT):
        _delete(table, key[depth])
        _insert(table, key[depth], value)
    elif key[depth] in table:
        table[key[depth]] = tomlkit.value(render.value(value))
    else:
        _insert(table, key[depth], value)


def _append_section(document: Any, name: str, values: dict[str, Any]) -> None:
    if document.body and not document.as_string().endswith("\n\n"):
        document.add(tomlkit.nl())
    section = tomlkit.table()
    for key, value in values.items():
        section.append(key, tomlkit.value(render.value(value)))
    document.append(name, section)


def _insert(table: Any, key: str, value: Any) -> None:
    item = tomlkit.value(render.value(value))
    if isinstance(table, Table) and not table.is_super_table() and table.display_name:
        place = _end_of_keys(table.value)
        if place == len(table.value.body):
            table.append(key, item)
        else:
            item.trivia.trail = "\n"
            table.value._insert_at(place, tomlkit.key(key), item)  # noqa: SLF001 - it has no public way
    else:
        table[key] = item


def _delete(table: Any, key: str) -> None:
    """Remove `key`; the comments at the end of a removed table are about what follows, and stay."""
    container = table if isinstance(table, Container) else getattr(table, "value", None)
    item = table[key]
    if not isinstance(container, Container) or not isinstance(item, Table):
        del table[key]
        return
    body = item.value.body
    tail = Container()
    tail.body.extend(
        body[_end_of_keys(item.value) :] if not any(isinstance(each, Table | AoT) for _, each in body) else ()
    )
    place = next(n for n, (name, _) in enumerate(container.body) if name is not None and name.key == key)
    container.remove(key)
    container.body[place] = (None, Whitespace(tail.as_string()))


def _end_of_keys(container: Container) -> int:
    """Where the next key goes: after the last one, or in an empty table after the comments that open it."""
    body = container.body
    own = [n for n, (key, item) in enumerate(body) if key and (key.is_dotted() or not isinstance(item, Table | AoT))]
    if own:
        return own[-1] + 1
    opening = 0
    while opening < len(body) and isinstance(body[opening][1], Comment):
        opening += 1
    return opening if opening < len(body) and isinstance(body[opening][1], Whitespace) else 0
