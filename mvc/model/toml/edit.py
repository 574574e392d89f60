"""Edits of a `model.toml` in place: comments and blank lines stay, a new key goes before a table's trailing ones.

    [docker]                              [docker]
    image = "acme/yolo"   # ours          image = "acme/yolo"   # ours
                                    →     tag = "1.4"
    # what it learned from
    [source]                              # what it learned from
                                          [source]

Every edit is verified with tomllib: the result must hold the old values and the change, else the edit is refused.
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
from mvc.model.toml import parse, render, schema, vocabulary
from mvc.model.toml.keys import get_value, parse_key
from mvc.model.toml.schema import Path

_WHERE = "model.toml"
_HEADER = """\
# The next version of this model. `mvc add` and `mvc set` edit this file, and so may you;
# `mvc commit` records it with every file that it names.

"""


def new_text(key: str, *, model_type: str | None = None, framework: str | None = None) -> str:
    """Return a new model.toml for the model `key`."""
    values = {"name": key, "type": model_type, "framework": framework}
    words = {name: vocabulary.spelled(("model", name), value) for name, value in values.items() if value}
    return _HEADER + render.document({"model": words})


def set_key(text: str, key: str | Path, value: Any) -> str:
    """Return `text` with `key` set to a value of the schema's type; raise as `set_keys`."""
    return set_keys(text, [(parse_key(key) if isinstance(key, str) else key, value)])


def set_keys(text: str, assignments: Iterable[tuple[Path, Any]]) -> str:
    """Return `text` with several keys set; raise CannotEdit, BadToml, and the errors of the schema."""
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
    """Return `text` without `key`; raise NoValue if it is not set, BadToml, CannotEdit."""
    path = parse_key(key) if isinstance(key, str) else key

    def expect(values: dict[str, Any]) -> None:
        parent = get_value(values, path[:-1])
        if not isinstance(parent, dict) or path[-1] not in parent:
            raise errors.NoValue(key=schema.dotted(path), suggestion="")
        del parent[path[-1]]

    def change(document: Any) -> None:
        for part in path[:-1]:
            document = document[part]
        _delete(document, path[-1])

    return _edited(text, change, expect)


def add_file(text: str, role: str, pattern: str) -> str:
    """Return `text` with the path or glob `pattern` in `[files]` under `role`."""
    return set_keys(text, [(("files", role), pattern)])


def remove_file(text: str, role: str) -> str:
    """Return `text` without the role; raise NoValue."""
    return unset_key(text, ("files", role))


def _edited(text: str, change: Any, expect: Any) -> str:
    """Return `text` after `change` of its document; `expect` makes the same change in its plain values.

    A byte order mark stays, and so do CRLF line ends if every line has one.
    """
    bare = text.removeprefix(textfile.BOM)
    mark, has_crlf = text[: len(text) - len(bare)], "\r\n" in bare and bare.count("\n") == bare.count("\r\n")
    edited = _edited_lines(bare.replace("\r\n", "\n") if has_crlf else bare, change, expect)
    return mark + (edited.replace("\n", "\r\n") if has_crlf else edited)


def _edited_lines(text: str, change: Any, expect: Any) -> str:
    values = parse.load(text.encode(), where=_WHERE)
    expected = copy.deepcopy(values)
    expect(expected)
    if text and not text.endswith("\n"):
        text += "\n"
    try:
        document = tomlkit.parse(text)
        change(document)
        edited = document.as_string()
        result = parse.load(edited.encode(), where=_WHERE)
    except (TOMLKitError, errors.BadToml, ValueError, KeyError) as error:
        raise errors.CannotEdit(reason=str(error)) from error
    if _without_empty(result) != _without_empty(expected):
        raise errors.CannotEdit(reason="tables in this notation cannot be changed safely")
    return edited


def _without_empty(value: Any) -> Any:
    """Return `value` without empty tables: removing the last key of `docker.image = "x"` removes the table."""
    if not isinstance(value, dict):
        return value
    rest = {key: _without_empty(item) for key, item in value.items()}
    return {key: item for key, item in rest.items() if item != {}}


def _table(values: Any, key: Path) -> Any:
    """Return the plain table that holds `key`, creating missing ones; raise WrongType."""
    for number, part in enumerate(key[:-1], start=1):
        values = values.setdefault(part, {})
        if not isinstance(values, dict):
            raise errors.WrongType(key=schema.dotted(key[:number]), wanted="a table", found=schema.type_name(values))
    return values


def _set(document: Any, key: Path, value: Any) -> None:
    """Set `key`: a missing section becomes a table at the end, a missing table inside it an inline table."""
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
        index = _end_of_keys(table.value)
        if index == len(table.value.body):
            table.append(key, item)
        else:
            item.trivia.trail = "\n"
            table.value._insert_at(index, tomlkit.key(key), item)  # noqa: SLF001 - no public method inserts
    else:
        table[key] = item


def _delete(table: Any, key: str) -> None:
    """Remove `key`; comments at the end of a removed table stay, since they describe what follows."""
    container = table if isinstance(table, Container) else getattr(table, "value", None)
    item = table[key]
    if not isinstance(container, Container) or not isinstance(item, Table):
        del table[key]
        return
    body = item.value.body
    tail = Container()
    tail.body.extend(
        body[_end_of_keys(item.value) :] if not any(isinstance(child, Table | AoT) for _, child in body) else ()
    )
    index = next(n for n, (name, _) in enumerate(container.body) if name is not None and name.key == key)
    container.remove(key)
    container.body[index] = (None, Whitespace(tail.as_string()))


def _end_of_keys(container: Container) -> int:
    """Return the index for the next key: after the last one, or after the comments that open an empty table."""
    body = container.body
    keys = [n for n, (key, item) in enumerate(body) if key and (key.is_dotted() or not isinstance(item, Table | AoT))]
    if keys:
        return keys[-1] + 1
    opening = 0
    while opening < len(body) and isinstance(body[opening][1], Comment):
        opening += 1
    return opening if opening < len(body) and isinstance(body[opening][1], Whitespace) else 0
