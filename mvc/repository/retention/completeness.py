"""Completeness of a version that a ref is about to name: of versions that no ref reaches, the content may be absent.

A metadata pack of a remote may have versions that no fetched ref reaches: their content was never fetched, and no remote
promised it. A ref to one would be damage.
"""

from __future__ import annotations

from mvc import errors
from mvc.model.ids import VersionId
from mvc.model.paths import escape_name
from mvc.model.version import Version
from mvc.repository import history
from mvc.repository.model import Model
from mvc.storage.records.promised import State


def reread(model: Model, id_: VersionId) -> Version:
    """Return a version, read again from disk; raise Missing, Damaged, NotFetched. The caller holds the lock."""
    objects = model.repository.objects
    version = objects.reread(id_)
    if id_ == model.current:  # reachable, and mostly the one: nothing else need be read
        return version
    try:
        unreached = list(history.walk(objects, [id_], exclude=history.tips(model)))
    except errors.Damaged:  # elsewhere in the history, from which a ref to an intact version may lead out
        return version
    for each, found in unreached:
        _check(model, each, found)
    return version


def _check(model: Model, id_: VersionId, version: Version) -> None:
    """Raise NotFetched if the content of a file is neither here nor recorded as absent."""
    promised = model.repository.promised
    for entry in model.repository.objects.tree(version.tree).entries:
        if promised.state(entry.file) is State.MISSING:
            raise errors.NotFetched(version=f"v{version.number} {id_[:10]}", path=escape_name(entry.path))
