"""The version that belongs to a Git commit: by the model.toml files in it, and by the commits that versions were made from.

    commit ─► its model.toml files ─► versions with the same text ─┐
       └────► its ancestors ────────► versions made from them ─────┴─► one that is both, the nearest

A squash merge drops the commits of a branch, and keeps its model.toml; value files change versions, and keep it, too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mvc import errors
from mvc.model.compare.diff import Snapshot, compare
from mvc.model.ids import VersionId, digest
from mvc.model.labelmap import Labelmap
from mvc.model.manifest import Manifest
from mvc.model.paths import escape_name
from mvc.model.toml import parse
from mvc.model.toml.value_file import ValueFile
from mvc.repository import history, provenance
from mvc.repository.git import command
from mvc.repository.model import Model

_FILE = "model.toml"


def of_commit(model: Model, folder: Path, commit: str) -> VersionId | None:
    """Return the version of `model` that belongs to a commit of the Git repository at `folder`; None for none.

    Raises NoGitCommit, ShallowCheckout.
    """
    oid = _oid(folder, commit)
    texts = {digest(command.run(folder, "cat-file", "blob", blob).output) for blob in _files(folder, oid)}
    same: list[VersionId] = []
    made: dict[str, list[VersionId]] = {}
    for id_, version in history.walk(model.repository.objects, history.tips(model)):  # newest first
        if version.model_toml in texts:
            same.append(id_)
        if version.code is not None:
            made.setdefault(version.code.commit, []).append(id_)
    for ancestor in provenance.ancestors(folder, oid):
        for id_ in made.get(ancestor, ()):
            if not same or id_ in same:
                return id_
    if not same and _is_shallow(folder):
        raise errors.ShallowCheckout(path=escape_name(os.fspath(folder)), commit=escape_name(commit))
    return same[0] if same else None


def uncommitted(model: Model, folder: Path, commit: str, id_: VersionId) -> tuple[str, ...]:
    """Return the sections in which the model.toml of a commit differs from the version, if its text is of no version.

    Sections that come from other files are not compared. Raises NoGitCommit, Damaged.
    """
    texts = [command.run(folder, "cat-file", "blob", blob).output for blob in _files(folder, _oid(folder, commit))]
    known = {version.model_toml for _, version in history.walk(model.repository.objects, history.tips(model))}
    found: dict[str, None] = {}
    for text in texts:
        manifest = _parsed(text)
        if manifest is None or manifest.name != model.key or digest(text) in known:
            continue
        base = history.snapshot(model.repository, id_, model.key)
        difference = compare(base, Snapshot(manifest, base.tree))
        elsewhere = {*manifest.value_files, *(["labelmap"] if manifest.labelmap_path else [])}
        names = [*([] if difference.labelmap.is_empty else ["labelmap"]), *difference.values]
        found |= dict.fromkeys(name for name in names if name not in elsewhere)
    return tuple(found)


class _Unread:
    """Reads no value files: Git may not have them."""

    def labels(self, _file: ValueFile) -> Labelmap:
        """Return no classes."""
        return ()

    def values(self, _section: str, _file: ValueFile) -> Mapping[str, Any]:
        """Return no values."""
        return {}


def _parsed(text: bytes) -> Manifest | None:
    """Return the values of a model.toml; None for one that cannot be read."""
    try:
        return parse.parse(text, where=_FILE, reader=_Unread())
    except errors.MvcError:
        return None


def _oid(folder: Path, commit: str) -> str:
    answer = command.run(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}")
    if answer.code:
        raise errors.NoGitCommit(commit=escape_name(commit), path=escape_name(os.fspath(folder)))
    return os.fsdecode(answer.output).strip()


def _files(folder: Path, oid: str) -> Iterator[str]:
    """Yield the ids of the model.toml files of a commit."""
    for entry in os.fsdecode(command.run(folder, "ls-tree", "-r", "-z", "--full-tree", oid).output).split("\0"):
        attributes, _, path = entry.partition("\t")
        if path.rpartition("/")[2] == _FILE and " blob " in attributes:
            yield attributes.split(" ")[2]


def _is_shallow(folder: Path) -> bool:
    return command.run(folder, "rev-parse", "--is-shallow-repository").output.strip() == b"true"
