"""Edits of `[from]` in model.toml: the named files are read before anything is written.

set from.parameters=args.yaml    its keys are removed from [parameters]      a key has one source
set from.metrics.best=mAP50      from.metrics = "results.csv" becomes a table
set parameters.lr=0.1            refused while args.yaml has it
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mvc import errors, lazy
from mvc.model import paths
from mvc.model.toml import parse, schema
from mvc.model.toml.schema import Path
from mvc.model.toml.value_file import KEY, LABELMAP, MERGED, ValueFile
from mvc.repository.parts import Parts
from mvc.repository.worktree import model_file
from mvc.repository.worktree.value_reader import ValueReader

if TYPE_CHECKING:
    from mvc.model.toml import edit
else:
    edit = lazy.Module("mvc.model.toml.edit")

LABELS_PATH: Path = (LABELMAP, "path")
"""The older key of the file that has the classes."""
FROM_LABELS: Path = (KEY, LABELMAP)
_EXCLUSIVE = {"best": "row", "row": "best"}
"""The key that another one replaces."""


def set_keys(text: str, assignments: Iterable[tuple[Path, Any]]) -> str:
    """Return `text` with keys set; a part of a value file, as `from.metrics.best`, makes a table of its path.

    Raises EmptyValue for a path of a file, or a name of a class, without a letter.
    """
    pairs: dict[Path, Any] = {}
    for key, value in assignments:
        _refuse_empty(key, value)
        if key[0] == KEY and len(key) > 2:
            section, name = key[1:3]
            file = pairs.get((KEY, section)) or _table(text, KEY).get(section, {})
            table = {"path": file} if isinstance(file, str) else file
            rest = {each: part for each, part in table.items() if each != _EXCLUSIVE.get(name)}
            pairs[KEY, section] = {**rest, name: value}
        else:
            pairs[key] = value
    return edit.set_keys(text, pairs.items()) if pairs else text


def _refuse_empty(key: Path, value: Any) -> None:
    """Raise EmptyValue for a path or the name of a class without a letter; other keys are unset when they are empty."""
    if key[0] == KEY and isinstance(value, Mapping):
        key, value = (*key, "path"), value.get("path")
    if not isinstance(value, str) or value.strip():
        return
    if key[0] == "files" or key == LABELS_PATH or (key[0] == KEY and (len(key) == 2 or key[2] == "path")):
        raise errors.EmptyValue(key=schema.dotted(key), wanted="the path of a file")
    if key[0] == LABELMAP:
        raise errors.EmptyValue(key=schema.dotted(key), wanted="the name of a class")


def settle(repository: Parts, folder: str, text: str, edited: Collection[Path]) -> tuple[str, list[Path]]:
    """Return `text` after an edit without the values that its value files replace, and the keys that were removed.

    Raises SetInFile for an edited key that a file has, and the errors of reading the files that were edited.
    """
    if not _table(text, KEY) and LABELS_PATH not in edited:
        return text, []
    removed = list(_replaced(repository, folder, text, edited))
    for key in removed:
        text = edit.unset_key(text, key)
    strict = {key[1] for key in edited if key[0] == KEY and len(key) > 1}
    for section, value in _table(text, KEY).items():
        names = [key[1] for key in edited if key[0] == section and len(key) > 1 and key[1] in _table(text, section)]
        if section not in strict and names:
            _refuse_in_file(repository, folder, section, ValueFile.of(section, value), names)
    return text, removed


def source_of(repository: Parts, folder: str, text: str, key: Path) -> errors.SetInFile | None:
    """Return the error about a key that a value file has; None if none has it."""
    value = _table(text, KEY).get(key[0])
    if value is None or len(key) < 2:
        return None
    file = ValueFile.of(key[0], value)
    if key[1] not in read(ValueReader(repository, folder, tolerant=True), key[0], file):
        return None
    return errors.SetInFile(key=schema.dotted(key), path=paths.escape_name(file.path), section=key[0])


def read(reader: ValueReader, section: str, file: ValueFile) -> Mapping[str, Any]:
    """Return the values of a file by key; raise BadLabels for a labelmap without a class."""
    if section in MERGED:
        return reader.values(section, file)
    classes = reader.labels(file)
    if not classes and not reader.tolerant:
        raise errors.BadLabels(where=paths.escape_name(file.path), reason="it has no class")
    return {str(number): name for number, name in classes}


def _replaced(repository: Parts, folder: str, text: str, edited: Collection[Path]) -> Iterator[Path]:
    """Yield the keys that the files of the edited keys replace."""
    reader = ValueReader(repository, folder)
    files = _table(text, KEY)
    for section in dict.fromkeys(key[1] for key in edited if key[0] == KEY and len(key) > 1 and key[1] in files):
        found = read(reader, section, ValueFile.of(section, files[section]))
        own = _table(text, section)
        yield from ((section, name) for name in own if (name in found or section == LABELMAP))
    if LABELS_PATH in edited and LABELS_PATH[1] in _table(text, LABELMAP):
        if LABELMAP in files:
            yield FROM_LABELS
        classes = [name for name in _table(text, LABELMAP) if name != LABELS_PATH[1]]
        if classes:
            read(reader, LABELMAP, ValueFile(_table(text, LABELMAP)[LABELS_PATH[1]]))
        yield from ((LABELMAP, name) for name in classes)


def _refuse_in_file(repository: Parts, folder: str, section: str, file: ValueFile, names: Iterable[str]) -> None:
    found = read(ValueReader(repository, folder, tolerant=True), section, file)
    for name in names:
        if name in found or section == LABELMAP:
            key = schema.dotted((section, name))
            raise errors.SetInFile(key=key, path=paths.escape_name(file.path), section=section)


def _table(text: str, name: str) -> dict[str, Any]:
    found = parse.load(text.encode(), where=model_file.NAME).get(name, {})
    return found if isinstance(found, dict) else {}
