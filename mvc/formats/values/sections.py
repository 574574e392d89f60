"""The parameters or metrics in a value file: args.yaml, results.csv, a JSON or TOML file.

    data ─ parser by suffix ─ table at `key` ─┬─ a table ────────────────────────┬─ `select` ─ typed for the section
                                              └─ rows ─ one of them (values/rows) ┘

Parameters keep their nesting; a null is left out. Metrics are finite numbers: a nested one has a dotted name, `val.acc`.
What a version cannot hold, such as NaN, is left out and reported.
"""

from __future__ import annotations

import datetime as dt
import math
import posixpath
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.formats.values import json_text, nested, rows, yaml_text
from mvc.formats.values.malformed import MalformedError
from mvc.model import textfile
from mvc.model.paths import escape_name
from mvc.model.toml import schema
from mvc.model.toml.value_file import LABELMAP, METRICS, PARAMETERS, ValueFile
from mvc.plural import count

if TYPE_CHECKING:
    from mvc.formats.values import csv_text
    from mvc.model.toml import parse as toml
else:
    csv_text = lazy.Module("mvc.formats.values.csv_text")
    toml = lazy.Module("mvc.model.toml.parse")

MAX_BYTES = 8 << 20
"""Bytes of a file, at most."""
_MIN, _MAX = -(1 << 63), (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Values:
    """The values of a section, and those that were left out, each with the reason."""

    values: dict[str, Any]
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """The reason for reading a file: `key` of model.toml names it, "" for `mvc set --from`; errors name the next command."""

    key: str = ""

    def row(self, path: str, column: str) -> str:
        """Return how to choose a row."""
        best, last = f"--best {shlex.quote(column)}", "--row last"
        if self.key:
            command = f"mvc set {shlex.quote(f'{self.key}={path}')}"
            best, last = f"{command} {shlex.quote(f'{self.key}.best={column}')}", f"{command} {self.key}.row=last"
        return f"Take the best one of a column with `{best}`, or the last one with `{last}`."

    def column(self, column: str) -> str:
        """Return how to name the column whose best row is taken."""
        word = shlex.quote(f"{self.key}.best={column}" if self.key else column)
        return f"Name one of these: `{'mvc set' if self.key else '--best'} {word}`."

    def selection(self) -> str:
        """Return how to select other values."""
        if not self.key:
            return "Name others with --select."
        return f"Name others with `mvc set {self.key}.select=KEY`, or take all: `mvc unset {self.key}.select`."

    def remedy(self, path: str) -> str:
        """Return how to go on with a file that cannot be read."""
        return f"Correct {path}, or take no values from it: `mvc unset {self.key}`." if self.key else f"Correct {path}."


def read(data: bytes, file: ValueFile, section: str, request: Request) -> Values:
    """Return the values that `file` selects of the bytes `data`; raise BadValueFile, NoColumn, WhichRow."""
    where = escape_name(file.path)
    try:
        if len(data) > MAX_BYTES:
            raise MalformedError(f"it is larger than {MAX_BYTES >> 20} MiB")
        value = _parsed(textfile.decode(data), file.path)
        table = _table(nested.at(value, file.key) if file.key else value, file, request)
        return _checked(_selected(_typed(table, section), file, request), section)
    except textfile.TextError as error:
        reason = f"it is {error.reason}"
    except MalformedError as error:
        reason = error.reason
    raise errors.BadValueFile(where=where, reason=reason, fix=request.remedy(where))


def likely(data: bytes, file: ValueFile) -> str:
    """Return the section that a file is for: a log of rows is metrics, a file with `names` a labelmap."""
    suffix = posixpath.splitext(file.path.lower())[1]
    if suffix in (".csv", ".tsv", ".jsonl"):
        return METRICS
    if suffix in (".txt", ".names"):
        return LABELMAP
    try:
        value = _parsed(textfile.decode(data), file.path)
    except (textfile.TextError, MalformedError):
        return PARAMETERS  # reading it reports the fault
    return LABELMAP if isinstance(value, Mapping) and "names" in value else PARAMETERS


def _parsed(text: str, path: str) -> Any:
    parsers: dict[str, Callable[[str], Any]] = {
        ".csv": csv_text.load,
        ".tsv": csv_text.load_tabs,
        ".json": json_text.load,
        ".jsonl": json_text.load_lines,
        ".toml": _load_toml,
        ".yaml": yaml_text.load_typed,
        ".yml": yaml_text.load_typed,
    }
    suffix = posixpath.splitext(path.lower())[1]
    if suffix not in parsers:
        raise MalformedError(f"its name ends with none of {', '.join(parsers)}")
    return parsers[suffix](text)


def _load_toml(text: str) -> Any:
    try:
        return toml.load(text.encode(), where="it")
    except errors.BadToml as error:
        raise MalformedError(f"{error.fields['position']} is not TOML: {error.fields['reason']}") from None
    except errors.TooBig as error:
        raise MalformedError(str(error.fields["reason"])) from None


def _table(value: Any, file: ValueFile, request: Request) -> Mapping[str, Any]:
    """Return the table with the values: of rows, the one that `file` chooses."""
    if isinstance(value, Mapping):
        if file.best or file.row:
            raise MalformedError("it has no rows of which one could be chosen")
        return value
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
        raise MalformedError("it is neither a table nor rows of values")
    if not value:
        raise MalformedError("it has no row yet")
    return _row(value, file, request)


def _row(log: list[Mapping[str, Any]], file: ValueFile, request: Request) -> Mapping[str, Any]:
    where, known = escape_name(file.path), list(dict.fromkeys(name for row in log for name in row))
    epochs = rows.joined(log)
    if not known and (file.best or len(epochs) > 1):
        raise MalformedError("its rows have no values")
    if not file.best and not file.row and len(epochs) > 1:
        fix = request.row(where, escape_name(_likely(known)))
        raise errors.WhichRow(where=where, count=f"{len(epochs):,}", fix=fix)
    if not file.best:
        return epochs[-1]
    chosen = rows.best(epochs, file.best, file.mode)
    if chosen is None and file.best in known:
        raise MalformedError(f"no cell of its column {escape_name(file.best)} is a number")
    if chosen is None:
        listed, fix = nested.listed(known), request.column(escape_name(_likely(known, file.best)))
        raise errors.NoColumn(where=where, noun="column", column=escape_name(file.best), known=listed, fix=fix)
    return chosen


def _likely(known: Sequence[str], meant: str = "") -> str:
    """Return the column that `meant` resembles, else one that is likely to say how good an epoch is."""
    close: list[str] = lazy.load("difflib").get_close_matches(meant, known, 1) if meant else []
    measured = (name for name in known if name.startswith(("metrics/", "val", "eval")))
    return close[0] if close else next(measured, known[-1])


def _typed(table: Mapping[str, Any], section: str) -> Values:
    left_out: dict[str, str] = {}
    if section == METRICS:
        values: dict[str, Any] = {}
        for name, value in _flat(table, ""):
            if name in values:
                raise MalformedError(f"{escape_name(name[:40])} occurs twice")
            if not rows.is_finite(value):
                left_out[name] = f"{value} is not finite" if isinstance(value, float) else "it is not a number"
            elif isinstance(value, int) and not _MIN <= value <= _MAX:
                left_out[name] = "it does not fit in 64 bits"
            else:
                values[name] = value
        return Values(values, left_out)
    return Values(dict(_plain(table, (), left_out)), left_out)


def _flat(table: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        elif value is not None:
            yield f"{above}{name}", value


def _plain(table: Mapping[str, Any], above: schema.Path, left_out: dict[str, str]) -> Iterator[tuple[str, Any]]:
    """Yield the values of a table that a version can hold."""
    for name, value in table.items():
        key = (*above, name)
        if isinstance(value, Mapping):
            yield name, dict(_plain(value, key, left_out))
        elif reason := _fault(value):
            left_out[schema.dotted(key)] = reason
        elif value is not None:
            yield name, value


def _fault(value: Any) -> str:
    """Return why a version cannot hold a value; "" if it can."""
    if isinstance(value, dt.date | dt.time):
        raise MalformedError(f"{value.isoformat()} is a date; write it in quotes")
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} is not finite"
    if isinstance(value, list) and any(item is None for item in value):
        return "it is a list with null"
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return next(filter(None, map(_fault, parts)), "")


def _selected(values: Values, file: ValueFile, request: Request) -> Values:
    if not file.select:
        return values
    for pattern in file.select:
        if not any(_matches(name, [pattern]) for name in values.values):
            known = nested.listed(values.values) if values.values else "no value"
            where, column = escape_name(file.path), escape_name(pattern)
            raise errors.NoColumn(where=where, noun="key", column=column, known=known, fix=request.selection())
    kept = {name: value for name, value in values.values.items() if _matches(name, file.select)}
    return Values(kept, {name: reason for name, reason in values.left_out.items() if _matches(name, file.select)})


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(name == pattern or fnmatchcase(name, pattern) for pattern in patterns)


def _checked(values: Values, section: str) -> Values:
    """Check the values as those of model.toml."""
    try:
        schema.check(values.values, schema.find((section,)), (section,))
        "".join(name for name, _ in _flat(values.values, "")).encode()
    except UnicodeEncodeError:
        raise MalformedError("a name in it is not valid Unicode") from None
    except errors.MvcError as error:
        raise MalformedError(error.message.rstrip(".")) from None
    return values


def warning(values: Values) -> str:
    """Return what was left out, as a clause; "" if nothing was."""
    if not values.left_out:
        return ""
    shown = "; ".join(f"{escape_name(name[:40])}: {reason}" for name, reason in list(values.left_out.items())[:3])
    return f"{count(len(values.left_out), 'value')} left out ({shown}{'; …' if len(values.left_out) > 3 else ''})"
