"""Import: published versions keep their ids; versions made by hand get the same ids for everybody."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from mvc import errors
from mvc.model.ids import VersionId
from mvc.model.tree import Tree
from mvc.porcelain.import_ import Imported, import_model
from mvc.porcelain.init import make_repository
from mvc.registry.marker import Marker
from mvc.registry.protocol import RemoteContext, RemoteDataset, RemoteFile, Sink
from mvc.repository import places
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from tests.cli.shell import MODEL, Shell, begin
from tests.registry.shelf import Shelf


class Desk:
    """Ana with six versions and a side branch, a registry, and people who import from it."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.there = Shelf()
        self._where, self._patch = tmp_path, monkeypatch
        (tmp_path / "ana").mkdir()
        self.ana = begin(tmp_path / "ana", monkeypatch)

    def history(self, rng: random.Random) -> list[VersionId]:
        """Commit v1 ─ v2 ─ v3 ─ v4 on main, and v3' ─ v4' on a side branch."""
        ana, made = self.ana, list[str]()
        ana.write("weights/best.onnx", rng.randbytes(30_000))
        ana.write("labels.txt", b"two\n")
        ana.ok("add", "weights/best.onnx", "--as", "model-latest")
        ana.ok("add", "labels.txt")
        ana.set(
            labelmap__0="helmet", labelmap__1="head", parameters__lr="0.1", docker__image="acme/yolo", metrics__mAP=0.5
        )
        made.append(ana.commit("one"))
        for number in (2, 3, 4):
            ana.write("weights/best.onnx", rng.randbytes(30_000))
            ana.set(parameters__epochs=number)
            made.append(ana.commit(f"number {number}"))
        ana.ok("switch", "-c", "side", "v2")
        for number in (3, 4):
            ana.set(parameters__epochs=10 * number)
            made.append(ana.commit(f"side {number}"))
        return [VersionId(each) for each in made]

    def publish(self, *ids: VersionId) -> None:
        for id_ in ids:
            self.there.publish(self.ana.repository, id_)

    def somebody(self, name: str) -> Shell:
        folder = self._where / name
        folder.mkdir()
        make_repository(folder)
        return Shell(folder, self._patch)

    def import_all(self, shell: Shell, version: str | None = None, name: str = "Helmets") -> Imported:
        return import_model(shell.repository, self.there, name, shell.actor, version=version)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, monkeypatch)


def files(shell: Shell, revision: str) -> dict[str, bytes]:
    rows = shell.ok("ls", revision, "--json").json["files"]
    return {row["path"]: shell.raw("cat", f"{revision}:./{row['path']}")[1] for row in rows}


def _kept(folder: Path) -> dict[Path, bytes]:
    """Return the bytes of every file except caches."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != "lock")
    return {path: path.read_bytes() for path in found if "cache" not in path.parts}


def test_published_versions_are_imported_with_ids_branches_and_bytes(desk: Desk, rng: random.Random) -> None:
    made = desk.history(rng)
    desk.publish(*made)
    ben = desk.somebody("ben")
    done = desk.import_all(ben)
    assert [each.id for each in done.versions] == made
    assert {each.how for each in done.versions} == {"published"}
    assert done.model == MODEL
    assert done.is_whole
    branches = {each.branch: each.new for each in done.branches}
    assert set(branches.values()) == {made[3], made[5]}
    assert set(branches) == {"main", "picsellia-5"} or set(branches) == {"main", "picsellia-3"}
    for id_ in made:
        assert files(ben, id_) == files(desk.ana, id_)
    assert ben.ok("status").out
    ben.ok("fsck", "--read-data")
    assert (ben.folder / "model.toml").exists()


def test_a_second_import_changes_and_downloads_nothing(desk: Desk, rng: random.Random) -> None:
    desk.publish(*desk.history(rng))
    desk.there.make("by hand", {"model-latest": b"weights"})
    ben = desk.somebody("ben")
    desk.import_all(ben)
    before = _kept(ben.folder)
    desk.there.calls.clear()
    done = desk.import_all(ben)
    assert {each.how for each in done.versions} == {"known"}
    assert done.branches == ()
    assert not [call for call in desk.there.calls if call.startswith("download")]
    assert _kept(ben.folder) == before


def test_later_versions_fast_forward_the_branch_and_its_files(desk: Desk, rng: random.Random) -> None:
    made = desk.history(rng)
    desk.publish(*made[:2])
    ben = desk.somebody("ben")
    desk.import_all(ben)
    desk.publish(made[2])
    done = desk.import_all(ben)
    assert [(each.branch, each.old, each.new) for each in done.branches] == [("main", made[1], made[2])]
    assert (ben.folder / "weights/best.onnx").read_bytes() == files(desk.ana, made[2])["weights/best.onnx"]
    assert "nothing to commit" in ben.ok("status").out.lower() or ben("commit", "-m", "x").code == 1


def test_an_edited_file_is_kept_and_the_rest_is_imported(desk: Desk, rng: random.Random) -> None:
    made = desk.history(rng)
    desk.publish(*made[:2])
    ben = desk.somebody("ben")
    desk.import_all(ben)
    ben.write("weights/best.onnx", b"mine")
    desk.publish(made[2])
    with pytest.raises(errors.InTheWay):
        desk.import_all(ben)
    assert (ben.folder / "weights/best.onnx").read_bytes() == b"mine"
    ben.ok("show", made[2])
    ben.ok("restore", "weights/best.onnx")
    assert desk.import_all(ben).branches[0].new == made[2]


def test_a_parent_that_was_never_published_is_recorded_as_absent(desk: Desk, rng: random.Random) -> None:
    made = desk.history(rng)
    desk.publish(made[2], made[3])
    ben = desk.somebody("ben")
    done = desk.import_all(ben)
    assert [each.id for each in done.versions] == [made[2], made[3]]
    assert done.absent == (made[1],)
    assert ben.ok("log", "--format", "v{number}").out.split() == ["v4", "v3"]
    assert "never published" in ben.ok("show", "v3").out
    ben.ok("fsck", "--read-data")
    ben.ok("gc", "--grace", "0")
    desk.publish(made[1], made[0])
    assert desk.import_all(ben).absent == ()
    assert ben.ok("log", "--format", "v{number}").out.split() == ["v4", "v3", "v2", "v1"]
    assert "never published" not in ben.ok("show", "v3").out
    ben.ok("fsck", "--read-data")


def test_versions_made_by_hand_import_equally_for_two_people(desk: Desk) -> None:
    there = desk.there
    first = there.make("first", {"model-latest": b"one", "config": b"c"}, type="OBJECT_DETECTION", framework="YOLOV8",
                       labels={"0": "a", "7": "b"}, base_parameters={"lr": 0.1, "none": None})  # fmt: skip
    there.contexts[first.id] = RemoteContext("e-1", [RemoteDataset("d-1", "train")])
    there.make("second", [("model-latest", "../../../evil.onnx", b"two"), ("model-latest", "x.pt", b"three"),
                          ("x", "X.pt", b"four"), ("y", ".mvc/config.toml", b"five")], parameters={"lr": 0.2})  # fmt: skip
    there.make("third", ())
    ana, ben = desk.somebody("one"), desk.somebody("two")
    done, again = desk.import_all(ana), desk.import_all(ben)
    ids = [each.id for each in done.versions]
    assert ids == [each.id for each in again.versions]
    assert None not in ids
    assert {each.how for each in done.versions} == {"by hand"}
    assert ana.ok("log", "--format", "v{number} {author} {time} {subject}").out.splitlines() == [
        "v3 picsellia:acme 1970-01-01T00:00:02Z third (made on Picsellia)",
        "v2 picsellia:acme 1970-01-01T00:00:01Z second (made on Picsellia)",
        "v1 picsellia:acme 1970-01-01T00:00:00Z first (made on Picsellia)",
    ]
    assert files(ana, "v1") == {"model-latest.bin": b"one", "config.bin": b"c"}
    assert sorted(files(ana, "v2").values()) == [b"five", b"four", b"three", b"two"]
    shown = ana.ok("show", "v1").out
    assert "experiment.id = e-1" in shown
    assert "YOLOV8" in shown
    outside = [
        path
        for path in (ana.folder.parent).rglob("evil*")
        if ana.folder not in path.parents and ben.folder not in path.parents
    ]
    assert not outside
    ana.ok("fsck", "--read-data")
    ana.ok("commit", "-m", "goes on", "--allow-empty")


def test_a_version_that_cannot_be_imported_is_skipped_and_named(desk: Desk) -> None:
    desk.there.make("good", {"a": b"1"})
    desk.there.make("bad", {"a": b"2"}, description="\ud800")
    desk.there.make("later", {"a": b"3"})
    ben = desk.somebody("ben")
    done = desk.import_all(ben)
    assert [each.how for each in done.versions] == ["by hand", "left out", "by hand"]
    assert "Unicode" in done.versions[1].notes[0]
    assert ben.ok("log", "--format", "v{number}").out.split() == ["v2", "v1"]
    with pytest.raises(errors.Unimportable, match="Unicode"):
        desk.import_all(ben, "bad")


def test_a_changed_registry_version_is_a_child_of_the_published_one(desk: Desk, rng: random.Random) -> None:
    made = desk.history(rng)
    desk.publish(*made[:3])
    rows = desk.there.shelf["Helmets"]
    desk.there.edit(rows[0], labels={"0": "hat", "1": "head"})
    desk.there.replace(rows[1], "model-latest", b"another")
    ben = desk.somebody("ben")
    done = desk.import_all(ben)
    assert [each.how for each in done.versions] == ["changed", "changed", "published"]
    assert "labels.0" in done.versions[0].notes[0]
    assert "model-latest (replaced)" in done.versions[1].notes[0]
    assert done.absent == (made[1],)  # the first is complete, although its fields were edited since
    for number, child in enumerate(done.versions[:2]):
        assert ben.repository.objects.version(VersionId(str(child.id))).parents == (made[number],)
    assert {each.branch for each in done.branches} >= {"main"}
    main = next(each for each in done.branches if each.branch == "main")
    assert main.new == made[2]
    ben.ok("fsck", "--read-data")
    assert {each.how for each in desk.import_all(ben).versions} == {"known"}


def test_a_copied_marker_is_ignored(desk: Desk, rng: random.Random) -> None:
    made = desk.history(rng)
    desk.publish(made[0])
    row = desk.there.shelf["Helmets"][0]
    copied = [(file.name, file.filename, desk.there.data[file.id]) for file in desk.there.held[row.id]]
    desk.there.make("exported", copied)
    ben = desk.somebody("ben")
    done = desk.import_all(ben)
    assert [each.how for each in done.versions] == ["published", "by hand"]
    assert "copy of another version" in done.versions[1].notes[0]
    assert not [path for path in files(ben, str(done.versions[1].id)) if "mvc-manifest" in path]


def test_an_incomplete_publish_is_skipped(desk: Desk, rng: random.Random) -> None:
    made = desk.history(rng)
    desk.publish(*made[:2])
    row = desk.there.shelf["Helmets"][1]
    desk.there.held[row.id].pop()
    ben = desk.somebody("ben")
    done = desk.import_all(ben)
    assert [each.how for each in done.versions] == ["published", "left out"]
    assert "its publish is incomplete" in done.versions[1].notes[0]


def test_one_version_is_selected_by_number_or_name(desk: Desk, rng: random.Random) -> None:
    made = desk.history(rng)
    desk.publish(*made)
    ben = desk.somebody("ben")
    assert [each.id for each in desk.import_all(ben, "3").versions] == [made[3]]
    name = desk.there.shelf["Helmets"][1].name
    assert [each.id for each in desk.import_all(ben, name).versions] == [made[1]]
    for wrong in ("99", "nothing"):
        with pytest.raises(errors.NotOnRegistry):
            desk.import_all(ben, wrong)
    with pytest.raises(errors.NotOnRegistry, match="Nothing"):
        desk.import_all(ben, name="Nothing")


def test_the_ancestors_of_a_version_made_by_hand_are_imported(desk: Desk) -> None:
    for name in ("a", "b", "c"):
        desk.there.make(name, {"w": name.encode()})
    ben, cem = desk.somebody("ben"), desk.somebody("cem")
    assert [each.name for each in desk.import_all(ben, "b").versions] == ["a", "b"]
    assert [each.how for each in desk.import_all(ben).versions] == ["known", "known", "by hand"]
    assert [e.id for e in desk.import_all(ben).versions] == [e.id for e in desk.import_all(cem).versions]


def test_a_changed_version_made_by_hand_is_a_child_with_its_own_children(desk: Desk) -> None:
    first = desk.there.make("a", {"w": b"1"})
    ben = desk.somebody("ben")
    (one,) = desk.import_all(ben).versions
    desk.there.replace(first, "w", b"2")
    desk.there.make("b", {"w": b"3"})
    changed, second = desk.import_all(ben).versions
    objects = ben.repository.objects
    assert objects.version(VersionId(str(changed.id))).parents == (one.id,)
    assert objects.version(VersionId(str(second.id))).parents == (one.id,)
    assert {each.how for each in desk.import_all(ben).versions} == {"known"}


@pytest.mark.parametrize("path", ["../evil.onnx", ".git/hooks/x", "a/../../b", "C:/x"])
def test_a_marker_with_a_path_outside_the_folder_is_skipped(desk: Desk, rng: random.Random, path: str) -> None:
    made = desk.history(rng)
    desk.publish(made[0])
    row = desk.there.shelf["Helmets"][0]
    file = desk.there.held[row.id][-1]
    good = Marker.decode(desk.there.data[file.id])
    tree = Tree.of([good.tree.entries[0]._replace(path=path), *good.tree.entries[1:]])
    bad = replace(good, tree=tree, version=replace(good.version, tree=tree.id()))
    desk.there.data[file.id] = bad.encode()
    ben = desk.somebody("ben")
    done = desk.import_all(ben)
    assert [each.how for each in done.versions] == ["left out"]
    assert done.model is None
    assert not ben.repository.heads.models()


def test_places_of_imported_versions_are_recorded(desk: Desk, rng: random.Random) -> None:
    made = desk.history(rng)
    desk.publish(made[0])
    ben = desk.somebody("ben")
    desk.import_all(ben)
    ((id_, place),) = places.every(Model(Repository(ben.folder), MODEL))
    assert (id_, place.number, place.organization, place.model) == (made[0], 0, "acme", "Helmets")


def test_garbage_collection_during_an_import_is_detected_and_a_retry_succeeds(desk: Desk, rng: random.Random) -> None:
    made = desk.history(rng)
    ben = desk.somebody("ben")
    desk.publish(made[0])
    desk.import_all(ben)
    ben.set(parameters__epochs=99)
    ben.commit("to be dropped")
    ben.ok("reset", "--hard", made[0])
    ben.ok("config", "gc.reflog-expire", "0")
    desk.publish(made[1])
    download, one_at_a_time = desk.there.download, threading.Lock()

    def collecting(file: RemoteFile, sink: Sink, *, limit: int | None = None) -> int:
        if file.name != "mvc-manifest":
            with one_at_a_time:
                ben.tick(400 * 86_400)
                ben.ok("gc", "--grace", "0")
        return download(file, sink, limit=limit)

    desk.there.download = collecting  # type: ignore[method-assign]
    with pytest.raises(errors.CollectedMeanwhile):
        desk.import_all(ben)
    desk.there.download = download  # type: ignore[method-assign]
    assert desk.import_all(ben).versions[1].id == made[1]
    ben.ok("fsck", "--read-data")


def test_a_published_child_of_a_version_made_by_hand_is_not_its_successor(desk: Desk) -> None:
    there = desk.there
    there.make("a", {"w": b"1"})
    ben, cem = desk.somebody("ben"), desk.somebody("cem")
    (one,) = desk.import_all(ben).versions
    there.make("b", {"w": b"2"})
    there.publish(ben.repository, VersionId(str(one.id)))
    desk.import_all(ben)
    there.make("c", {"w": b"3"})
    late, fresh = desk.import_all(ben), desk.import_all(cem)
    assert [each.id for each in late.versions] == [each.id for each in fresh.versions]
    assert late.versions[2].id == one.id


def test_only_the_ancestors_of_a_version_made_by_hand_are_imported(desk: Desk, rng: random.Random) -> None:
    made = desk.history(rng)
    desk.there.make("a", {"w": b"1"})
    desk.publish(made[0])
    desk.there.make("b", {"w": b"2"})
    ben, cem = desk.somebody("ben"), desk.somebody("cem")
    assert [each.name for each in desk.import_all(ben, "b").versions] == ["a", "b"]
    assert desk.import_all(cem).versions[2].id == desk.import_all(ben, "2").versions[-1].id
