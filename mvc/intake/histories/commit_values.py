"""The values of a commit's weights: the entries of `[from]` for their run, or for the files at the top of the repository.

runs/exp2/args.yaml, results.csv      beside the weights, as `mvc add --run` takes them
params.yaml, metrics.json             else at the top, or those that dvc.yaml names
data.yaml                             that args.yaml names
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import field
from itertools import chain
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.formats.values import labels, sections
from mvc.intake import values
from mvc.intake.run import Run
from mvc.model.labelmap import Labelmap
from mvc.model.paths import escape_name
from mvc.model.toml.value_file import KEY, LABELMAP, LAST, METRICS, PARAMETERS, SECTIONS, ValueFile

Load = Callable[[str, int], bytes]
"""A function that returns the bytes of a file of the commit, at most one more than a limit. Raises NoValueFile."""
_AT_TOP = {
    PARAMETERS: (
        "params.yaml",
        "params.yml",
        "params.json",
        "params.toml",
        "parameters.yaml",
        "parameters.json",
        "args.yaml",
    ),
    METRICS: ("metrics.json", "metrics.yaml", "metrics.yml", "metrics.csv"),
    LABELMAP: ("data.yaml", "labels.json", "labelmap.json", "classes.txt", "labels.txt"),
}
"""Files at the top of a repository, by the section that they have."""


@dataclass(slots=True)
class Sources:
    """The entries of `[from]` by section, the metrics of `further` files, and notes on what cannot be read."""

    entries: dict[str, ValueFile] = field(default_factory=dict)
    further: dict[str, Any] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def sections(self) -> dict[str, Mapping[str, Any]]:
        """Return the sections of model.toml."""
        named = {section: file.to_toml() for section, file in self.entries.items()}
        return {**({KEY: named} if named else {}), **({METRICS: self.further} if self.further else {})}

    def add_file(self, path: str) -> None:
        """Add a file that is read, once."""
        if path not in self.files:
            self.files.append(path)


def sources(
    run: Run,
    paths: Collection[str],
    load: Load,
    *,
    exists: Callable[[str], bool],
    declared: Mapping[str, Sequence[str]],
) -> Sources:
    """Return the values of the weights of `run`, in a commit with `paths`; `declared` are files by section, of dvc.yaml."""
    found, reader = Sources(), _Reader(load)
    for section in SECTIONS:
        named = [path for path in declared.get(section, ()) if path in paths]
        data_set = [path for path in _data_set(run, reader) if exists(path)] if section == LABELMAP else []
        at_top = [path for path in _AT_TOP[section] if path in paths]
        ways = chain(
            (way for path in named for way in _ways(section, path)),
            values.candidates(run, section, run.files[0].path),
            (way for path in (*data_set, *at_top) for way in _ways(section, path)),
        )
        _take_first(section, ways, reader, found)
    _add_further(found, reader, [path for path in declared.get(METRICS, ()) if path in paths])
    return found


def _take_first(section: str, ways: Iterator[ValueFile], reader: _Reader, found: Sources) -> None:
    """Add the first way to read a section that works; else note why the first does not."""
    reasons = []
    for way in ways:
        fault = _fault(reader, section, way)
        if fault is None:
            found.entries[section] = way
            found.add_file(way.path)
            return
        reasons.append(f"no {section} from {escape_name(way.path)}: {fault}")
    found.notes += reasons[:1]


def _ways(section: str, path: str) -> Iterator[ValueFile]:
    yield ValueFile(path)
    if section != LABELMAP and posixpath.splitext(path)[1] in (".csv", ".tsv", ".jsonl"):
        yield ValueFile(path, row=LAST)


def _data_set(run: Run, reader: _Reader) -> Iterator[str]:
    """Yield the places of the file with the classes that a run of Ultralytics names: from the top, and from the run."""
    named = values.data_set_of(run, reader)
    for folder in ("", run.folder) if named is not None and not posixpath.isabs(named) else ():
        path = posixpath.normpath(posixpath.join(folder, str(named)))
        if not path.startswith("../"):
            yield path


def _add_further(found: Sources, reader: _Reader, paths: Sequence[str]) -> None:
    """Add the metrics of files that `[from]` does not name; a name that several files have is of the first."""
    first = found.entries.get(METRICS)
    taken = set(reader.values(METRICS, first)) if first is not None else set()
    for path in paths:
        ways = (way for way in _ways(METRICS, path) if _fault(reader, METRICS, way) is None)
        way = next(ways, None)
        if way is None or (first is not None and first.path == path):
            continue
        more = reader.values(METRICS, way)
        found.add_file(path)
        found.further |= {name: value for name, value in more.items() if name not in taken}
        twice = sorted(name for name in more if name in taken)
        if twice:
            found.notes.append(f"{escape_name(path)}: {escape_name(twice[0])} is a metric of another file, too")
        taken |= more.keys()


def _fault(reader: _Reader, section: str, file: ValueFile) -> str | None:
    """Return why values cannot be read; None if they can."""
    try:
        if section == LABELMAP:
            return None if reader.labels(file) else "it has no class"
        reader.values(section, file)
    except errors.MvcError as error:
        return error.message.rstrip(".")
    return None


class _Reader:
    """Reads the value files of a commit."""

    def __init__(self, load: Load) -> None:
        self._load = load

    def labels(self, file: ValueFile) -> Labelmap:
        """Return the classes."""
        return labels.read(self._load(file.path, labels.MAX_BYTES), file.path, file.key)

    def values(self, section: str, file: ValueFile) -> Mapping[str, Any]:
        """Return the values of `parameters` or `metrics`."""
        data = self._load(file.path, sections.MAX_BYTES)
        return sections.read(data, file, section, sections.Request(f"{KEY}.{section}")).values
