"""Untracked weight files that a version has recorded already: those of earlier runs, and of other branches.

path and size of an entry ──────────────────────────────► recorded
size of an entry at another path ─ id (cached, or read) ─► recorded if an entry has it
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from mvc import errors
from mvc.model.ids import FileId
from mvc.repository import history
from mvc.repository.model import Model
from mvc.repository.parts import Parts
from mvc.storage.disk.file_stat import Stat

SEARCHED = 100
"""Versions that are searched, at most: the nearest to HEAD and to the tips of the refs."""
MAX_READ = 256 << 20
"""The bytes that are read, at most: the next call continues, since the stat cache keeps the ids."""
_MAX_FILES = 1_000
"""Files of a version that are compared, at most: `status` stays fast."""


def recorded(model: Model, folder: str, files: Sequence[str]) -> tuple[str, ...]:
    """Return those of the untracked `files` of the model in `folder` that a recent version of any ref has recorded.

    The ids of files that are read go to the stat cache, which the caller saves. Raises Missing, Damaged.
    """
    repository = model.repository
    objects = repository.objects
    places = {file: f"{folder}/{file}" if folder else file for file in files}
    stats = {file: stat for file, place in places.items() if (stat := repository.tree.stat(place)) is not None}
    sizes = {stat.size for stat in stats.values()}
    same: set[str] = set()
    ids: dict[int, set[FileId]] = {}
    versions = history.reach(history.tips(model), lambda id_: objects.parents(objects.version(id_))) if stats else ()
    for id_ in itertools.islice(versions, SEARCHED):
        entries = objects.tree(objects.version(id_).tree).entries
        if len(entries) > _MAX_FILES or len(same) == len(stats):
            break
        for entry in (entry for entry in entries if entry.size in sizes):
            ids.setdefault(entry.size, set()).add(entry.file)
            if entry.path in stats and stats[entry.path].size == entry.size:
                same.add(entry.path)
    others = {places[file]: stat for file, stat in stats.items() if file not in same and stat.size in ids}
    alike = _with_content(repository, others, ids)
    return tuple(file for file in files if file in same or places[file] in alike)


def _with_content(repository: Parts, files: dict[str, Stat], ids: dict[int, set[FileId]]) -> set[str]:
    """Return the files whose ids are among those of their size."""
    found: set[str] = set()
    left = MAX_READ
    for place, stat in files.items():
        known = repository.stats.lookup(place, stat)
        if known is None and stat.size <= left:
            left -= stat.size
            known = _read(repository, place, stat)
        if known in ids[stat.size]:
            found.add(place)
    return found


def _read(repository: Parts, place: str, stat: Stat) -> FileId | None:
    try:
        return repository.stats.identify(place, stat)
    except (OSError, errors.MvcError):  # it is listed as untracked; `mvc add` says what is wrong with it
        return None
