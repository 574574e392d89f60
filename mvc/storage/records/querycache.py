r"""The query cache: what queries ask of many versions, so that `mvc log --sort` reads one file instead of thousands.

    cache/queries/<model>   2 <BLAKE3 of the rest>\n
                            {"ids":"9f86…60ab…","first":[1,-1],"merged":[],"numbers":[2,1],…}\n     the versions
                            [[{"mAP50":0.7},{"mAP50":0.6}],[0,1]]\n                                 a section: its values,
                            …                                                                       and whose they are

Versions and manifests are immutable, so a row never goes stale: it is keyed by the version's id, its values by the
manifest's. A row says where a version stands and what it is compared by; what is shown of a version is read from its
object. The cache may be deleted or corrupt at any time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from functools import partial
from typing import Any, NamedTuple

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import names
from mvc.model.ids import DIGITS, ManifestId, VersionId, digest
from mvc.model.version import Timestamp
from mvc.storage.disk.door import StoreDoor

FOLDER = "cache/queries"
MAX_BYTES = 256 << 20
"""The largest cache, in bytes: about a million versions."""
MAX_SECTION, MAX_VALUES = 16 << 20, 4 << 10
"""Characters of a section; above them, values that have more than so many are read from the object."""
_FORMAT = b"2 "
_HEAD = len(_FORMAT) + DIGITS + 1
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)
_COLUMNS = ("numbers", "seconds", "offsets", "authors")
_Values = Mapping[str, Any]


class Row(NamedTuple):
    """A version without its message and its files: `author` and `manifest` are positions in the lists of `Table`."""

    parents: tuple[VersionId, ...]
    number: int
    seconds: int
    offset: int
    author: int
    manifest: int


_row = partial(tuple.__new__, Row)
"""Row._make, without a call in Python for each row."""


@dataclass(slots=True)
class Section:
    """The values of one section, and the position of those of each manifest; -1 where they are not known."""

    values: list[_Values] = field(default_factory=list)
    at: list[int] = field(default_factory=list)

    def put(self, manifest: int, values: _Values) -> None:
        """Add the values of a manifest; those of its predecessor once, if they are the same to the type."""
        last = self.values[-1] if self.values else None
        if last is None or last != values or repr(last) != repr(values):
            self.values.append(values)
        self.at += [-1] * (manifest + 1 - len(self.at))
        self.at[manifest] = len(self.values) - 1


@dataclass(slots=True)
class Table:
    """The versions, and the manifests with their values by section; a section is decoded when it is asked for."""

    rows: dict[VersionId, Row] = field(default_factory=dict)
    authors: list[tuple[str, str]] = field(default_factory=list)
    manifests: list[ManifestId] = field(default_factory=list)
    encoded: list[bytes] = field(default_factory=list)
    decoded: dict[str, Section] = field(default_factory=dict)

    def section(self, number: int, name: str) -> Section:
        """Return the section of that name, which is the one of that number in the file; empty if it is invalid."""
        found = self.decoded.get(name)
        if found is None:
            found = self.decoded[name] = _section(self.encoded[number : number + 1])
        return found


def name(model: str) -> str:
    """Return the name of the cache of a model, below `.mvc`."""
    return f"{FOLDER}/{names.encode_component(model)}"


def load(door: StoreDoor, model: str) -> Table:
    """Return the cached table; an empty one if the cache is absent or corrupt, since it may come from anybody."""
    try:
        data = door.read(name(model), MAX_BYTES)
        head, body = data[:_HEAD], data[_HEAD:]
        if head != _FORMAT + digest(body).encode() + b"\n":
            return Table()
        versions, *sections = body.split(b"\n")
        return _table(json.loads(versions), sections)
    except (OSError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError):
        return Table()
    except errors.MvcError:
        return Table()


def save(door: StoreDoor, model: str, table: Table, sections: Iterable[str]) -> None:
    """Write the cache; ignore a read-only store. Of two writers at once the last one wins: both are right."""
    lines = [_JSON.encode(_columns(table))]
    lines += [_encoded(table.section(number, section), len(table.manifests)) for number, section in enumerate(sections)]
    body = "\n".join(lines).encode()
    if _HEAD + len(body) <= MAX_BYTES:
        door.cache(name(model), _FORMAT + digest(body).encode() + b"\n" + body)


def forget(door: StoreDoor) -> None:
    """Delete the caches of all models, which may have rows of versions that were removed."""
    for model in door.names(FOLDER):
        door.forget(f"{FOLDER}/{model}")


def _columns(table: Table) -> dict[str, Any]:
    rows = list(table.rows.values())
    others = dict.fromkeys(parent for row in rows for parent in row.parents if parent not in table.rows)
    at = {id_: position for position, id_ in enumerate([*table.rows, *others])}
    return {
        "ids": "".join(at),
        "first": [at[row.parents[0]] if row.parents else -1 for row in rows],
        "merged": [[n, *map(at.__getitem__, row.parents[1:])] for n, row in enumerate(rows) if len(row.parents) > 1],
        **{column: [row[place] for row in rows] for place, column in enumerate(_COLUMNS, 1)},
        "manifest": [row.manifest for row in rows],
        "persons": table.authors,
        "manifests": "".join(table.manifests),
    }


def _encoded(section: Section, manifests: int) -> str:
    """Return a section as JSON; of a section that is too long, without the large values."""
    at = [*section.at, *[-1] * (manifests - len(section.at))]
    text = _JSON.encode([section.values, at])
    if len(text) <= MAX_SECTION:
        return text
    small = [len(_JSON.encode(values)) <= MAX_VALUES for values in section.values]
    values = [values if kept else {} for values, kept in zip(section.values, small, strict=True)]
    return _JSON.encode([values, [place if place >= 0 and small[place] else -1 for place in at]])


def _section(line: Sequence[bytes]) -> Section:
    try:
        values, at = json.loads(line[0])
        _require({dict} >= set(map(type, values)), _are_within(at, len(values)))
    except (LookupError, TypeError, ValueError, RecursionError):
        return Section()
    return Section(values, at)


def _table(content: Any, sections: list[bytes]) -> Table:
    """Decode the versions of a cache; raise ValueError and the like if they are not."""
    ids, manifests = _ids(content["ids"]), _ids(content["manifests"])
    first, persons, columns = content["first"], content["persons"], [content[column] for column in _COLUMNS]
    _require(len(ids) >= len(first), {len(first)} == {len(content["manifest"]), *map(len, columns)})
    _require(all(set(map(type, column)) <= {int} for column in columns))
    _require(_are_within(first, len(ids)), _are_within(content["authors"], len(persons), least=0))
    _require(_are_within(content["manifest"], len(manifests), least=0))
    for choose in (min, max) if first else ():
        Timestamp.from_json({"seconds": choose(content["seconds"]), "offset": choose(content["offsets"])})
    parents = [(ids[at],) if at >= 0 else () for at in first]
    for number, *others in content["merged"]:
        _require(_are_within([number], len(first), least=0), _are_within(others, len(ids), least=0))
        parents[number] += tuple(ids[at] for at in others)
    rows = map(_row, zip(parents, *columns, content["manifest"], strict=True))
    authors = [(each, email) for each, email in persons if isinstance(each, str) and isinstance(email, str)]
    _require(len(authors) == len(persons))
    return Table(dict(zip(ids, rows, strict=False)), authors, [ManifestId(id_) for id_ in manifests], sections)


def _ids(text: str) -> list[VersionId]:
    _require(len(text) % DIGITS == 0, bytes.fromhex(text).hex() == text)
    return [VersionId(text[at : at + DIGITS]) for at in range(0, len(text), DIGITS)]


def _are_within(positions: Sequence[Any], count: int, *, least: int = -1) -> bool:
    """Return whether all positions are whole numbers from `least` to below `count`."""
    return set(map(type, positions)) <= {int} and (
        not positions or (min(positions) >= least and max(positions) < count)
    )


def _require(*conditions: bool) -> None:
    if not all(conditions):
        raise ValueError
