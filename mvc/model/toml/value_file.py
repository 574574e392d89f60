"""Value files: the files that `[from]` of model.toml names, and the part of each that is taken.

    [from]
    labelmap = "data.yaml"
    parameters = "runs/exp3/args.yaml"
    metrics = { path = "runs/exp3/results.csv", best = "metrics/mAP50(B)" }

A manifest has the values, and in `ext.mvc.from` the files, with the keys of a section that model.toml sets itself (`own`):

    {"metrics":{"best":"metrics/mAP50(B)","own":["fps"],"path":"runs/exp3/results.csv"}}
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Self

from mvc import errors
from mvc.deferred import dataclass

KEY = "from"
"""The section of model.toml, and the key in `ext.mvc`."""
EXT = "mvc"
"""The key of a manifest's `ext` that holds what mvc adds."""
LABELMAP, PARAMETERS, METRICS = "labelmap", "parameters", "metrics"
SECTIONS = (LABELMAP, PARAMETERS, METRICS)
"""The sections that a file may hold."""
MERGED = (PARAMETERS, METRICS)
"""The sections that may have keys of model.toml beside those of the file."""
MODES = ("min", "max")
LAST = "last"
_OWN = "own"


@dataclass(frozen=True, slots=True)
class ValueFile:
    """A file of values: `key` is the table in it, `select` the patterns of the keys to take; all by default.

    Of a file with rows, one is taken: the one that is `best` in a column, by `mode`, or the `row` "last".
    """

    path: str
    key: str = ""
    best: str = ""
    mode: str = ""
    row: str = ""
    select: tuple[str, ...] = ()

    @classmethod
    def of(cls, section: str, value: Any) -> Self:
        """Return the value of `from.SECTION`, which the schema allows; raise WrongType."""
        if isinstance(value, str):
            return cls(value)
        key = f"{KEY}.{section}"
        if "path" not in value:
            raise errors.WrongType(key=key, wanted="a table with a path", found="a table without one")
        if "best" in value and "row" in value:
            raise errors.WrongType(key=key, wanted="a table with best or row", found="a table with both")
        return cls(**{**value, "select": tuple(value.get("select", ()))})

    def to_toml(self) -> str | dict[str, Any]:
        """Return the value as model.toml has it: the path alone, if it says all."""
        table = self._table()
        return self.path if len(table) == 1 else table

    def to_ext(self, own: Collection[str]) -> dict[str, Any]:
        """Return the value as a manifest has it."""
        return {**self._table(), **({_OWN: sorted(own)} if own else {})}

    def __str__(self) -> str:
        """Return the path with what is taken of the file: `results.csv (best mAP50)`."""
        parts = [self.key, f"best {self.best}" if self.best else "", self.mode, f"{self.row} row" if self.row else ""]
        parts += [", ".join(self.select)]
        taken = "; ".join(filter(None, parts))
        return f"{self.path} ({taken})" if taken else self.path

    def _table(self) -> dict[str, Any]:
        texts = {name: getattr(self, name) for name in ("path", "key", "best", "mode", "row")}
        return {**{name: text for name, text in texts.items() if text}, **self._selected()}

    def _selected(self) -> dict[str, Any]:
        return {"select": list(self.select)} if self.select else {}


def in_ext(ext: Mapping[str, Any]) -> dict[str, ValueFile]:
    """Return the files of a manifest's `ext` by section; entries of another form, as of a later release, are left out."""
    return {name: file for name, entry in _entries(ext).items() if (file := _file(entry)) is not None}


def own_keys(ext: Mapping[str, Any], section: str) -> frozenset[str]:
    """Return the keys of a section with a file that model.toml sets itself."""
    own = _entries(ext).get(section, {}).get(_OWN, [])
    return frozenset(own) if isinstance(own, list) and all(isinstance(key, str) for key in own) else frozenset()


def to_ext(
    ext: Mapping[str, Any], files: Mapping[str, ValueFile], own: Mapping[str, Collection[str]]
) -> dict[str, Any]:
    """Return `ext` with these files, and without any others."""
    entries = {section: file.to_ext(own.get(section, ())) for section, file in files.items()}
    mvc = {key: value for key, value in _mvc(ext).items() if key != KEY} | ({KEY: entries} if entries else {})
    others = {key: value for key, value in ext.items() if key != EXT}
    return {**others, EXT: mvc} if mvc else others


def _mvc(ext: Mapping[str, Any]) -> Mapping[str, Any]:
    mvc = ext.get(EXT, {})
    return mvc if isinstance(mvc, Mapping) else {}


def _entries(ext: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    entries = _mvc(ext).get(KEY, {})
    if not isinstance(entries, Mapping):
        return {}
    return {name: entry for name, entry in entries.items() if name in SECTIONS and isinstance(entry, Mapping)}


def _file(entry: Mapping[str, Any]) -> ValueFile | None:
    texts = {name: entry.get(name, "") for name in ("path", "key", "best", "mode", "row")}
    select = entry.get("select", [])
    is_known = all(isinstance(text, str) for text in (*texts.values(), *select)) if isinstance(select, list) else False
    return ValueFile(**texts, select=tuple(select)) if is_known and texts["path"] else None
