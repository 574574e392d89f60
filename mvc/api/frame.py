"""Versions as a pandas DataFrame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from mvc import errors, lazy
from mvc.api.model import Model
from mvc.api.version import Version

if TYPE_CHECKING:
    from pandas import DataFrame


def frame(versions: Model | Iterable[Version]) -> DataFrame:
    """Return a DataFrame with a row for each version, newest first: of a model's log, or of the given versions.

    Columns have two levels: `("version", "number")`, `("metrics", "mAP50")`, `("parameters", "epochs")`; nested values
    have dotted names. The index is the version's short id. Raises MissingPackage if pandas is not installed.
    """
    try:
        pandas = lazy.load("pandas")
    except ImportError as error:
        raise errors.MissingPackage(what="mvc.frame", package="pandas") from error
    found = list(versions.log() if isinstance(versions, Model) else versions)
    rows = [dict(_cells(version)) for version in found]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    index = pandas.Index([version.short for version in found], name="id")
    made: DataFrame = pandas.DataFrame(
        [[row.get(column) for column in columns] for row in rows],
        columns=pandas.MultiIndex.from_tuples(columns or [("version", "number")]),
        index=index,
    )
    return made


def _cells(version: Version) -> Iterator[tuple[tuple[str, str], Any]]:
    yield ("version", "number"), version.number
    yield ("version", "time"), version.time.local()
    yield ("version", "author"), version.author.name
    yield ("version", "message"), version.message
    yield ("version", "names"), ", ".join(version.names)
    yield from (((section, key), value) for section, key, value in _values(version))


def _values(version: Version) -> Iterator[tuple[str, str, Any]]:
    for section in ("metrics", "parameters"):
        for key, value in _flat(getattr(version.manifest, section)):
            yield section, key, value


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
