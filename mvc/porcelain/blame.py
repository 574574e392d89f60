"""`mvc blame`: the version that last changed each value, class, file or tensor."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterator, Sequence
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import SHORT, VersionId
from mvc.model.segment import Segment
from mvc.model.toml.schema import dotted
from mvc.model.tree import TreeEntry
from mvc.model.version import Version
from mvc.repository.model import Model
from mvc.repository.query import attribution
from mvc.repository.query.attribution import CLASS, FILE, LABELMAP, NAME, TENSOR, VALUE, Contents, Item

_TOML = "model.toml"


@dataclass(frozen=True, slots=True)
class BlamedItem(Document):
    """A value, class, file or tensor, and the version that last changed it.

    The value of a file is its path, that of a tensor its dtype and shape, that of a class given by name its numbers.
    """

    KEYS = keys(
        "key kind value id number=version.number author=version.author time=version.time subject=version.subject",
    )

    key: str
    kind: str
    value: Any
    id: VersionId
    version: Version


@dataclass(frozen=True, slots=True)
class Blame(Document):
    """The items of a version, each with the version that last changed it."""

    model: str
    id: VersionId
    number: int
    items: tuple[BlamedItem, ...]


def blame(model: Model, id_: VersionId, texts: Sequence[str] = (), *, tensors: bool = False) -> Blame:
    """Return who last changed the items that `texts` name (none: all values, classes and files) of a version.

    A text is a key or section of model.toml, the name of a class, a role, a path, or `ROLE:PATTERN` for tensors; with
    `tensors`, a role means its tensors. A merge is passed over along the first parent with the same value. No
    weights are read. Raises NothingToBlame, Missing, Damaged.
    """
    objects, contents = model.repository.objects, Contents(model.repository)
    version = objects.version(id_)
    every = contents.items(version)
    items = [item for text in texts for item in _named(contents, version, every, text, tensors=tensors)]
    chosen = list(dict.fromkeys(items)) if texts else every
    blamed = attribution.attribute(model, contents, id_, chosen)
    return Blame(
        model.key,
        id_,
        version.number,
        tuple(
            BlamedItem(
                _text(item),
                item.kind,
                _shown(contents.value(version, item)),
                blamed[item],
                objects.version(blamed[item]),
            )
            for item in chosen
        ),
    )


def _named(contents: Contents, version: Version, every: Sequence[Item], text: str, *, tensors: bool) -> list[Item]:
    """Return the items that a text names. Raises NothingToBlame."""
    role, colon, pattern = text.partition(":")
    files = contents.files(version)
    roles = [name for name, entry in files.items() if role in (name, entry.path, f"files.{name}")]
    if (colon or tensors) and roles:
        blamed = [
            Item(TENSOR, (name, tensor))
            for name in roles
            for tensor in contents.tensors(version, name)
            if not pattern or tensor == pattern or fnmatch.fnmatchcase(tensor, pattern)
        ]
    else:
        blamed = list(_matching(contents, version, every, text))
    if not blamed:
        known = [item.text for item in every] + list(files)
        near = difflib.get_close_matches(text, known, n=1)
        hint = f"Did you mean {near[0]}?" if near else "`mvc blame` lists all."
        raise errors.NothingToBlame(text=text, version=f"v{version.number} {version.id()[:SHORT]}", suggestion=hint)
    return blamed


def _matching(contents: Contents, version: Version, every: Sequence[Item], text: str) -> Iterator[Item]:
    files = contents.files(version)
    for item in every:
        names = {dotted(item.key[:length]) for length in range(1, len(item.key) + 1)} | {".".join(item.key)}
        if item.kind == FILE:
            names |= {item.key[1], files[item.key[1]].path}
        if text in names or (text == _TOML and item.kind in (VALUE, CLASS)):
            yield item
    by_name = Item(NAME, (NAME, text))
    if contents.value(version, by_name) is not None:
        yield by_name


def _text(item: Item) -> str:
    return dotted((LABELMAP, item.key[1])) if item.kind == NAME else item.text


def _shown(value: Any) -> Any:
    if isinstance(value, TreeEntry):
        return value.path
    if isinstance(value, Segment):
        return f"{value.dtype} {'x'.join(map(str, value.shape or ())) or 'scalar'}"
    return value
