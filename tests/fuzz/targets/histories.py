"""Histories outside mvc: Git's objects, pointers of Git LFS, the files and caches of DVC, caches of the Hub, MLflow."""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from mvc import errors
from mvc.intake.histories import dvc_files, gto, lfs
from mvc.intake.histories.dvc_cache import DvcCache
from mvc.intake.histories.dvc_files import Output
from mvc.registry.huggingface import card, snapshots
from mvc.registry.mlflow import address as mlflow_address
from mvc.registry.mlflow import history as mlflow_history
from mvc.registry.mlflow.database import Database
from mvc.registry.mlflow.registry import NoArtifactsError
from mvc.repository.git.commit import commit_of, tag_of, target_of
from mvc.repository.git.objects import GitObjects
from tests.fuzz import store
from tests.fuzz.target import SLOW, Target

_OID = "ab" * 20


def _commit(data: bytes) -> None:
    """Read a commit, and the same bytes as a tag of it."""
    commit = commit_of(_OID, data)
    tag = tag_of("v1@v1.0.0", data, commit)
    list(gto.moves(gto.events([tag])))
    gto.notes(gto.events([tag]))


def _tag(data: bytes) -> None:
    target_of(_OID, data)


class _Objects(GitObjects):
    """The objects of a repository, whose only folder has the bytes of the input."""

    def __init__(self, data: bytes) -> None:
        super().__init__(Path("/"))
        self._data = data

    def whole(self, oid: str, kind: str) -> bytes:
        del oid, kind
        return self._data


def _tree(data: bytes) -> None:
    for entry in _Objects(data).entries(_OID):
        assert len(entry.oid) == len(_OID)


def _pointer(data: bytes) -> None:
    found = lfs.parse(data)
    assert found is None or found.size >= 0


def _gto(data: bytes) -> None:
    commit = commit_of(_OID, b"tree " + _OID.encode() + b"\nauthor A <a@b> 1 +0000\n\nm")
    tags = [tag_of(name, None, commit) for name in data.decode("utf-8", "replace").split("\n")]
    found = gto.events(tags)
    list(gto.moves(found))
    gto.versions(found)
    gto.notes(found)


def _dvc(data: bytes) -> None:
    pipeline, _, lock = data.partition(b"\0")
    files = {"dvc.yaml": pipeline, "dvc.lock": lock, "a/model.dvc": pipeline}
    found = dvc_files.read(files, files.__getitem__)
    assert all(not path.startswith(("/", "../")) for path in (*found.outputs, *found.parameters, *found.metrics))


def _cache(data: bytes) -> None:
    """Read the settings of a DVC repository, and a list of files in its cache, whose name is its MD5."""
    settings, _, listed = data.partition(b"\0")
    with tempfile.TemporaryDirectory(dir=store.folder()) as top:
        place = Path(top) / ".dvc"
        checksum = f"{hashlib.md5(listed, usedforsecurity=False).hexdigest()}.dir"
        path = place / "cache" / "files" / "md5" / checksum[:2] / checksum[2:]
        path.parent.mkdir(parents=True)
        path.write_bytes(listed)
        (place / "config").write_bytes(settings)
        cache = DvcCache(place)
        cache.find(checksum)
        cache.files(Output("models", checksum, "md5", None, executable=False, files=()))


def _card(data: bytes) -> None:
    readme, _, config = data.partition(b"\0")
    card.read(readme, config or None)


def _snapshot(data: bytes) -> None:
    """Read a folder of the Hub's cache: its ref, its files, and what its library noted of one."""
    ref, _, noted = data.partition(b"\0")
    with tempfile.TemporaryDirectory(dir=store.folder()) as top:
        cache = Path(top) / "models--acme--helmet"
        folder = cache / "snapshots" / ("ab" * 20)
        folder.mkdir(parents=True)
        (cache / "refs").mkdir()
        (cache / "refs" / "main").write_bytes(ref)
        (folder / "README.md").write_bytes(noted)
        plain = Path(top) / "plain"
        (plain / ".cache" / "huggingface" / "download").mkdir(parents=True)
        (plain / "a.bin").write_bytes(b"x")
        (plain / ".cache" / "huggingface" / "download" / "a.bin.metadata").write_bytes(noted)
        for place in (cache, plain):
            try:
                snapshots.history(place)
            except errors.MvcError:
                continue


_TABLES = (
    "CREATE TABLE registered_models (name, description)",
    "CREATE TABLE registered_model_aliases (name, alias, version)",
    "CREATE TABLE model_versions (name, version, creation_time, user_id, description, source, run_id,"  # noqa: ISC004
    " storage_location, status, current_stage)",
    "CREATE TABLE model_version_tags (name, version, key, value)",
    "CREATE TABLE runs (run_uuid, name, user_id)",
    "CREATE TABLE latest_metrics (run_uuid, key, value, is_nan)",
    "CREATE TABLE params (run_uuid, key, value)",
    "CREATE TABLE tags (run_uuid, key, value)",
    "CREATE TABLE logged_models (model_id, artifact_location)",
)


def _database(data: bytes) -> None:
    """Read a database of MLflow, whose cells are the lines of the input, each of the type that its first letter says."""
    cells = [_cell(line) for line in data.split(b"\n")[:12]]
    cells += [None] * (12 - len(cells))
    path = store.folder() / "mlflow.db"
    path.unlink(missing_ok=True)
    rows = sqlite3.connect(path, isolation_level=None)
    rows.execute("PRAGMA journal_mode = OFF")
    for table in _TABLES:
        rows.execute(table)
    rows.execute("INSERT INTO registered_models VALUES ('m', ?)", cells[:1])
    rows.execute("INSERT INTO registered_model_aliases VALUES ('m', ?, ?)", cells[1:3])
    values = ["m", *cells[3:10], "READY", "None"]
    rows.execute("INSERT INTO model_versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
    rows.execute("INSERT INTO runs VALUES (?, ?, ?)", (cells[8], cells[0], cells[5]))
    rows.execute("INSERT INTO latest_metrics VALUES (?, 'k', ?, ?)", (cells[8], cells[10], cells[11]))
    rows.execute("INSERT INTO params VALUES (?, ?, ?)", (cells[8], cells[10], cells[11]))
    rows.execute("INSERT INTO tags VALUES (?, 'mlflow.source.git.commit', ?)", (cells[8], cells[11]))
    rows.close()
    database = Database(path)
    try:
        mlflow_history.read(_WHERE, database, "main")
    finally:
        database.close()


def _cell(line: bytes) -> Any:
    kind, rest = line[:1], line[1:]
    text = rest.decode("utf-8", "replace")
    if kind == b"i":
        return int(text[:18]) if text[:18].isascii() and text[:18].isdigit() else None
    if kind == b"f":
        return float(len(text)) if len(text) % 2 else float("inf")
    return {b"t": text, b"b": rest}.get(kind)


_WHERE = mlflow_address.parse("mlflow+sqlite:///mlflow.db#m")


TARGETS = (
    Target("git-commit", _commit, (errors.BadGitObject,)),
    Target("git-tag", _tag, (errors.BadGitObject,)),
    Target("git-tree", _tree, (errors.BadGitObject,)),
    Target("git-lfs-pointer", _pointer),
    Target("gto-tags", _gto),
    Target("dvc-files", _dvc),
    Target("dvc-cache", _cache, cost=SLOW),
    Target("hub-card", _card),
    Target("hub-cache", _snapshot, cost=SLOW),
    Target("mlflow-database", _database, (errors.RegistryFault, errors.HubLacks, NoArtifactsError), cost=SLOW),
)
