"""What teams do on a platform between two commands of mvc, on which machines, and what must hold of each command's answer.

    base state ─► edits on the platform ─► a command on a machine ─► its answer is true, and says what was edited

The platform and the repositories are made once; each case works on copies of them.
"""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mvc import errors
from mvc.model.ids import VersionId, digest
from mvc.porcelain.clone_registry import clone_registry
from mvc.porcelain.drift import RegistryDrift, drift
from mvc.porcelain.import_ import LEFT_OUT, Imported, import_model
from mvc.porcelain.init import make_repository
from mvc.porcelain.publish import LEFT_OUT as LEFT_OUT_FLAG
from mvc.porcelain.publish import SUPERSEDED, Published, everything, publish
from mvc.registry import marker
from mvc.registry.compare import FileDrift
from mvc.registry.picsellia import adapter as picsellia
from mvc.registry.picsellia.adapter import PicselliaRegistry
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from tests.cli.shell import MODEL, Shell, begin
from tests.servers.picsellia import ORGANIZATION, TOKEN, Platform, Row
from tests.servers.picsellia_experiments import base_on, export

BIG = (1 << 20) + 1
"""Bytes of a file that drift does not read again by default."""
_STATE = ("models", "versions", "files", "contexts", "experiments", "dataset_versions", "attached", "numbers",
          "projects", "artifacts", "logs")  # fmt: skip
PUBLISHER, COLLEAGUE, EMPTY = "publisher's machine", "colleague's clone", "empty machine"
NEW_NAME = "Hats"


class World:
    """Ana's three versions, published and pushed; Ben's clone of the shared remote; and a platform that can be reset."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform) -> None:
        self.folder, self.platform = folder, platform
        self.registry: PicselliaRegistry = picsellia.connect(ORGANIZATION, TOKEN, host=platform.host)
        (folder / "ana").mkdir()
        self.ana = begin(folder / "ana", monkeypatch)
        self.ids = [VersionId(id_) for id_ in self._versions()]
        publish(Model(self.ana.repository, MODEL), self.registry, self.ids, self.ana.actor)
        self.ana.ok("remote", "add", "origin", str(folder / "shared"))
        self.ana.ok("push", "origin", "main")
        Shell(folder, monkeypatch).ok("clone", "-q", str(folder / "shared"), "ben")
        make_repository(folder / "nobody")
        self._snapshot = {name: copy.deepcopy(getattr(platform, name)) for name in _STATE}
        self._objects = dict(platform.objects.data)
        self.published = {row["id"]: dict(row) for row in platform.versions_of(MODEL)}

    def _versions(self) -> Iterator[str]:
        """Three versions; the first two share their large file."""
        self.ana.write("best.onnx", b"weights " * (BIG // 8 + 1))
        self.ana.write("config.json", b'{"a": 1}')
        self.ana.ok("add", "best.onnx", "--as", "model-latest")
        self.ana.ok("add", "config.json", "--as", "config")
        self.ana.set(labelmap__0="helmet", parameters__lr=0.1, docker__image="acme/yolo", docker__tag="1.4")
        yield self.ana.commit("one")
        self.ana.write("config.json", b'{"a": 2}')
        self.ana.set(parameters__lr=0.2)
        yield self.ana.commit("two")
        self.ana.write("best.onnx", b"WEIGHTS " * (BIG // 8 + 1))
        yield self.ana.commit("three")

    def reset(self) -> None:
        """Bring the platform back to the base state."""
        for name, value in self._snapshot.items():
            setattr(self.platform, name, copy.deepcopy(value))
        self.platform.objects.data = dict(self._objects)

    def machine(self, name: str, folder: Path) -> Machine:
        """A copy of a machine in `folder`."""
        source = {PUBLISHER: "ana", COLLEAGUE: "ben", EMPTY: "nobody"}[name]
        shutil.copytree(self.folder / source, folder)
        return Machine(self, Repository(folder))

    @property
    def rows(self) -> list[Row]:
        """The three published versions that are left, by number."""
        rows = [row for row in self.platform.versions.values() if row["id"] in self.published]
        return sorted(rows, key=lambda row: row["version"])


@dataclass
class Machine:
    """A repository, and the commands that are run in it."""

    world: World
    repository: Repository

    def drift(self) -> RegistryDrift:
        return drift(self._opened, self.world.registry, self.key)

    def import_(self, *, additions: bool = False) -> Imported:
        there = next(iter(self.world.platform.models.values()), {"name": MODEL})["name"]
        actor = self.world.ana.actor
        return import_model(self._opened, self.world.registry, there, actor, import_additions=additions)

    def publish(self, ids: list[VersionId], *, all_: bool = False) -> Published:
        model, actor = Model(self._opened, self.key), self.world.ana.actor
        return publish(model, self.world.registry, ids, actor, keep_going=all_)

    def everything(self) -> list[VersionId]:
        return everything(Model(self._opened, self.key))

    @property
    def key(self) -> str:
        return next(iter(self._opened.heads.models()), MODEL)

    @property
    def _opened(self) -> Repository:
        """The repository as a new process opens it."""
        return Repository(self.repository.root)


# --- the edits


@dataclass(frozen=True)
class Edit:
    """Something that people do on the platform, what drift says of it, and whether v2 is no longer what was published.

    With added files, v2 is still what was published.
    """

    do: Callable[[World], object]
    told: frozenset[str]
    changes_files: bool = False
    changes_fields: bool = False
    adds_files: bool = False


def _second(world: World) -> Row:
    return world.rows[1]


def _store(world: World, name: str, data: bytes, filename: str) -> None:
    """`version.store(name, path, replace=True)`: the old record is deleted, a new one is made."""
    row = _second(world)
    for file in world.platform.files_of(row):
        if file["name"] == name:
            del world.platform.files[file["id"]]
    world.platform.add_file(row, name, data, filename)


def _delete_file(world: World) -> None:
    for file in world.platform.files_of(_second(world)):
        if file["name"] == "config":
            del world.platform.files[file["id"]]


def _rename_model(world: World) -> None:
    (model,) = (row for row in world.platform.models.values() if row["name"] == MODEL)
    model["name"] = NEW_NAME
    for version in world.platform.versions.values():
        version["origin"]["name"] = NEW_NAME


def _delete_version(world: World, row: Row) -> None:
    for file in world.platform.files_of(row):
        del world.platform.files[file["id"]]
    del world.platform.versions[row["id"]]


def _delete_model(world: World) -> None:
    for row in list(world.platform.versions.values()):
        _delete_version(world, row)
    world.platform.models.clear()


def _make_by_hand(world: World) -> None:
    model = next(iter(world.platform.models.values()))
    parameters = world.platform.rules.parameters_key
    row = world.platform.add_version(model, name="by hand", labels={"0": "a"}, **{parameters: {"x": 1}})
    world.platform.add_file(row, "weights", b"by hand")


def _export(world: World) -> None:
    """Train from v2 on the platform, and export the result into the model."""
    experiment = world.platform.add_experiment("tuned", world.platform.add_project("hats")["id"])
    base_on(world.platform, experiment, _second(world))
    export(world.platform, experiment, next(iter(world.platform.models.values())))


EDITS = {
    "replace small": Edit(lambda w: _store(w, "config", b'{"a": 3}', "config.json"),
                          frozenset({"#1 config replaced"}), changes_files=True),
    "replace big": Edit(lambda w: _store(w, "model-latest", b"garbage " * (BIG // 8 + 1), "best.onnx"),
                        frozenset({"#1 model-latest replaced"}), changes_files=True),
    "add file": Edit(lambda w: w.platform.add_file(_second(w), "notes", b"x"),
                     frozenset({"#1 notes added"}), adds_files=True),
    "delete file": Edit(_delete_file, frozenset({"#1 config missing"}), changes_files=True),
    "edit field": Edit(lambda w: _second(w)["labels"].update({"0": "hat"}),
                       frozenset({"#1 labels.0"}), changes_fields=True),
    "rename version": Edit(lambda w: _second(w).update(name="final"), frozenset({"#1 name"})),
    "rename model": Edit(_rename_model, frozenset({f"{MODEL} renamed {NEW_NAME}"})),
    "delete version": Edit(lambda w: _delete_version(w, _second(w)), frozenset({"#1 gone"})),
    "delete model": Edit(_delete_model, frozenset({"#0 gone", "#1 gone", "#2 gone"})),
    "hand-made version": Edit(_make_by_hand, frozenset({"since #3"})),
    "exported experiment": Edit(_export, frozenset({"since #3"})),
}  # fmt: skip


def told(found: RegistryDrift) -> set[str]:
    """`#1 labels.0`, `#2 model-latest replaced`, `#0 gone`, `since #4`, `helmets renamed Hats`."""
    said = {f"since #{version.number}" for version in found.since}
    said |= {f"{rename.recorded} renamed {rename.live}" for rename in found.renamed}
    for version in found.versions:
        said |= {f"#{version.place.number} {field.key}" for field in version.fields}
        said |= {f"#{version.place.number} {file.role} {file.change}" for file in version.files}
        said |= {f"#{version.place.number} gone"} if version.gone else set()
    return said


# --- what must hold


def check_imported(machine: Machine, done: Imported) -> None:
    """Each version that is said to be imported or known has the files and fields that the platform has now.

    Files that were added are named, or in the version.
    """
    for version in done.versions:
        if version.how != LEFT_OUT:
            assert version.id is not None
            row = _row(machine.world, version.number)
            check_files(machine, version.id, row, version.added)
            check_fields(machine, version.id, row)


def check_published(machine: Machine, done: Published) -> None:
    """Each version that is said to be there is there with its files; edited fields and added files are said.

    One that is left out differs.
    """
    for version in done.versions:
        assert version.place is not None
        row = machine.world.platform.versions[version.place.id]
        if version.flag in (LEFT_OUT_FLAG, SUPERSEDED):
            assert not is_there(machine, version.id, row)
            continue
        check_files(machine, version.id, row, version.added)
        assert bool(version.edited) == any("edited" in note for note in version.notes)
        if not any(change.key != "name" for change in version.edited):
            check_fields(machine, version.id, row)


def is_there(machine: Machine, id_: VersionId, row: Row) -> bool:
    """Whether a registry version has the files and fields of a version, and no others."""
    try:
        check_files(machine, id_, row)
        check_fields(machine, id_, row)
    except AssertionError:
        return False
    return True


def check_files(machine: Machine, id_: VersionId, row: Row, added: Sequence[FileDrift] = ()) -> None:
    """A registry version has the files of a version, besides those that are said to be added."""
    objects, platform = machine.repository.objects, machine.world.platform
    tree = objects.tree(objects.version(id_).tree)
    files = {file["name"]: digest(platform.bytes_of(file)) for file in platform.files_of(row)}
    extra = {file.role for file in added}
    assert extra <= files.keys() - tree.by_role.keys()
    assert {name: file for name, file in files.items() if name not in (marker.NAME, *extra)} == {
        role: entry.file for role, entry in tree.by_role.items()
    }


def check_fields(machine: Machine, id_: VersionId, row: Row) -> None:
    """Labels, parameters and image: what the edits touch."""
    objects = machine.repository.objects
    manifest = objects.manifest(objects.version(id_).manifest)
    assert {str(number): name for number, name in manifest.labelmap} == (row.get("labels") or {})
    assert manifest.parameters == (row.get(machine.world.platform.rules.parameters_key) or {})
    assert manifest.docker.get("tag") == row.get("docker_tag")


def check_notes(machine: Machine) -> None:
    """What is noted of a record is its content: no unread record was ever noted."""
    platform = machine.world.platform
    for path in (machine.repository.root / ".mvc/notes/picsellia").glob("*"):
        answer = json.loads(json.loads(path.read_text(encoding="utf-8"))["answer"])
        for record, content in answer["contents"].items():
            if record in platform.files:
                assert digest(platform.bytes_of(platform.files[record])) == content


def state(platform: Platform) -> dict[str, Any]:
    """The platform's models, versions and files, to be compared."""
    return copy.deepcopy({"models": platform.models, "versions": platform.versions, "files": platform.files})


def check_only_added(before: dict[str, Any], platform: Platform) -> None:
    """Nothing that was there before is changed or gone."""
    for kind, rows in state(platform).items():
        assert {id_: rows.get(id_) for id_ in before[kind]} == before[kind]


def _row(world: World, number: int) -> Row:
    rows = [row for row in world.platform.versions.values() if row["version"] == number]
    assert len(rows) == 1
    return rows[0]


def refused(call: Callable[[], object], *kinds: type[errors.MvcError]) -> bool:
    """Whether the command is refused with one of these errors."""
    try:
        call()
    except kinds:
        return True
    return False


def cloned(world: World, folder: Path) -> tuple[Machine, Imported]:
    """A clone of the model from the platform into an empty folder."""
    name = next(iter(world.platform.models.values()), {"name": MODEL})["name"]
    host = world.platform.host
    done = clone_registry(
        world.registry, name, folder, actor=world.ana.actor, url="picsellia://acme", settings={"host": host},
        user_config=folder.parent / "config.toml",
    )  # fmt: skip
    return Machine(world, Repository(folder)), done
