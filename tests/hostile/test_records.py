"""Records of `.mvc` that somebody else made: a path in one is checked before anything is done with it."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from mvc import errors
from mvc.model import canonical
from mvc.model.ids import ChunkId, FileId, digest
from mvc.model.version import Timestamp
from mvc.repository.repository import Repository
from mvc.storage.disk.door import StoreDoor
from mvc.storage.disk.treedoor import TreeDoor
from mvc.storage.packs import index
from mvc.storage.packs.index import ChunkIndex
from mvc.storage.records import sealed
from mvc.storage.records.heads import Head, Heads
from mvc.storage.records.journal import FileStep, Journal, RefStep
from mvc.storage.records.merges import MergeState
from mvc.storage.records.reflog import Move, RefEntry, RefName
from mvc.storage.records.statcache import StatCache
from tests.crash.harness import command, mvc
from tests.crash.scenarios import two_versions

ID = FileId(digest(b"x"))
OUTSIDE = (
    "../x", "../../outside/x", "/tmp/x", "a/../../x", "a//b", "a/", "", ".", "./x", "a/./b", ".mvc/config.toml",
    ".git/hooks/pre-commit", "sub/.GIT/config", "git~1/config", "a\0b",
)  # fmt: skip
NAMES = ("../x", "../../outside", "/etc/x", "a/b", "", ".", "..", "x", "a.b\n.c", "a.b.c.d.e.f/../x")
KINDS = ("../../../outside", "heads/..", "..", "", "heads/", "remotes/../x")


def _journal(**fields: object) -> bytes:
    return replace(Journal("switch", "m"), **fields).encode()  # type: ignore[arg-type]


def _entry(ref: RefName) -> RefEntry:
    return RefEntry.after(ref, None, None, Move("a", Timestamp(0), "r", "0" * 32))


@pytest.mark.parametrize("path", OUTSIDE, ids=ascii)
def test_a_journal_that_leaves_the_working_tree_is_damaged(path: str) -> None:
    with pytest.raises(errors.Damaged, match="journal"):
        Journal.decode(_journal(files=(FileStep(path, ID, executable=False, anything=True),)))
    if path:
        with pytest.raises(errors.Damaged, match="head in the journal"):
            Journal.decode(_journal(head=Head(path, "main")))


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_staged_file_is_one_of_the_form_that_mvc_gives(name: str) -> None:
    with pytest.raises(errors.Damaged, match="journal"):
        Journal.decode(_journal(files=(FileStep("w", ID, staged=name, anything=True),)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_ref_in_a_journal_lies_below_refs(kind: str) -> None:
    ref = RefName("m", kind, "main")
    with pytest.raises(errors.Damaged, match="journal"):
        Journal.decode(_journal(refs=(RefStep(ref, _entry(ref)),)))


@pytest.mark.parametrize("model", ["..", ".", "", "x" * 300])
def test_a_model_in_a_record_has_a_name_that_a_path_can_have(model: str) -> None:
    state = MergeState(model, ID, ID, ID, "m")  # type: ignore[arg-type]
    for data in (_journal(model=model), _journal(rename=model), _journal(merge=state)):
        with pytest.raises(errors.Damaged):
            Journal.decode(data)
    with pytest.raises(errors.Damaged):
        MergeState.from_json({key: value for key, value in state.to_json().items() if key != "sum"})


@pytest.mark.parametrize(("field", "value"), [
    ("verb", 1), ("model", None), ("refs", [["heads", "main"]]), ("refs", [[1, 2, 3]]), ("files", [[]]),
    ("files", [["w", "no id", False, None, None, False]]), ("files", [["w", None, 1, None, None, False]]),
    ("files", [[1, None, False, None, None, False]]), ("files", None), ("head", 1), ("head", [1]), ("rename", 1),
    ("merge", "x"), ("merged", 0), ("v", 2), ("more", 1),
])  # fmt: skip
def test_a_journal_of_other_types_is_damaged(field: str, value: object) -> None:
    record = sealed.unseal(_journal(), what="", kind="journal")
    with pytest.raises(errors.Damaged):
        Journal.decode(sealed.seal({**record, field: value}))


@pytest.mark.parametrize("folder", [path for path in OUTSIDE if path], ids=ascii)
def test_a_head_that_leaves_the_repository_is_damaged(folder: str, tmp_path: Path) -> None:
    heads = Heads(StoreDoor(tmp_path))
    heads.set("m", Head(folder, "main"))
    with pytest.raises(errors.Damaged, match="the head of m"):
        heads.get("m")


@pytest.mark.parametrize("path", OUTSIDE, ids=ascii)
def test_the_door_to_the_working_tree_refuses_it_too(path: str, tmp_path: Path) -> None:
    root = tmp_path / "deep" / "root"
    root.mkdir(parents=True)
    for folder in (root / ".mvc" / "tmp", root / ".git" / "hooks", root / "sub" / ".GIT"):
        folder.mkdir(parents=True)
    door = TreeDoor(root, StoreDoor(root / ".mvc"))
    for act in (
        lambda: door.write(path, b"x"), lambda: door.delete(path), lambda: door.open(path), lambda: door.stat(path),
        lambda: door.chmod(path, executable=True),
    ):  # fmt: skip
        with pytest.raises(errors.UnsafePath):
            act()
    assert not [each for each in tmp_path.rglob("*") if each.is_file()]


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "a/../../x", "refs/../../x", "a//b", "./a", "a\0b"], ids=ascii)
def test_the_door_to_the_store_refuses_a_name_that_leaves_it(name: str, tmp_path: Path) -> None:
    door = StoreDoor(tmp_path / "store")
    for act in (
        lambda: door.create(name, b"x"), lambda: door.replace(name, b"x"), lambda: door.remove(name),
        lambda: door.read(name), lambda: door.open(name), lambda: door.remove_all([name]), lambda: door.make_folder(name),
        lambda: door.rename_folder("refs", name), lambda: door.rename_folder(name, "refs"), lambda: door.names(name),
        lambda: door.discard(f"../{name}"), lambda: door.publish(name, lambda _: None, exclusive=True),
    ):  # fmt: skip
        with pytest.raises(errors.UnsafePath):
            act()
    assert not [each for each in tmp_path.rglob("*") if each.is_file() and "store/tmp" not in each.as_posix()]


CACHES = (
    b"[]", b"1", b"{}", b'{"clock":0}', b'{"clock":0,"files":[]}', b'{"clock":0,"files":{"weights/best.onnx":1}}',
    b'{"clock":0,"files":{"weights/best.onnx":[1,2,3,4,5]}}', b'{"clock":"x","files":{}}', b"[" * 100_000,
)  # fmt: skip


@pytest.mark.parametrize("content", CACHES, ids=lambda content: content[:50].decode())
def test_a_stat_cache_of_another_form_counts_for_nothing(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "w").write_bytes(b"w")
    (tmp_path / "cache/stat").write_bytes(b"2 " + digest(content).encode() + b"\n" + content)
    door = StoreDoor(tmp_path)
    tree = TreeDoor(tmp_path, door)
    stat = tree.stat("w")
    assert stat is not None
    assert StatCache(door, tree).lookup("w", stat) is None
    wrong = b'{"clock":0,"files":{"w":%s}}' % json.dumps([*stat[:4], "../x"]).encode()
    (tmp_path / "cache/stat").write_bytes(b"2 " + digest(wrong).encode() + b"\n" + wrong)
    assert StatCache(door, tree).lookup("w", stat) is None


# --- the index of chunks, which SQLite reads


def _index(root: Path) -> Path:
    two_versions(root)
    path = root / ".mvc" / index.NAME
    assert path.is_file()
    return path


def _find(root: Path) -> None:
    """Ask the index for a chunk, and add to it."""
    door = Repository(root).door
    assert ChunkIndex(door).find(ChunkId(digest(b"none"))) == []
    mvc(root, "switch", "v1")


def test_a_journal_of_sqlite_deletes_nothing_outside(tmp_path: Path) -> None:
    """A journal may end with the name of another one, which SQLite deletes once it has rolled back."""
    root, precious = tmp_path / "root", tmp_path / "precious"
    root.mkdir()
    path = _index(root)
    precious.write_bytes(b"precious")
    name = str(precious).encode()
    pages = path.stat().st_size // 4096
    header = bytes.fromhex("d9d505f920a163d7") + b"".join(n.to_bytes(4, "big") for n in (0, 1, pages, 512, 4096))
    tail = (1).to_bytes(4, "big") + name + len(name).to_bytes(4, "big") + sum(name).to_bytes(4, "big")
    path.with_name(f"{path.name}-journal").write_bytes(header.ljust(512, b"\0") + tail + header[:8])
    _find(root)
    assert precious.read_bytes() == b"precious"


@pytest.mark.parametrize("suffix", ["", "-journal", "-wal", "-shm"])
@pytest.mark.parametrize("hard", [True, False])
def test_sqlite_writes_through_no_link(suffix: str, tmp_path: Path, *, hard: bool) -> None:
    root, precious = tmp_path / "root", tmp_path / "precious"
    root.mkdir()
    path = _index(root)
    precious.write_bytes(path.read_bytes())
    before = precious.read_bytes()
    link = path.with_name(path.name + suffix)
    link.unlink(missing_ok=True)
    if hard:
        link.hardlink_to(precious)
    else:
        link.symlink_to(precious)
    for name in root.rglob("*.pack"):
        name.rename(name.with_name(f"{'0' * 64}.pack"))  # so that there is something to write
    ChunkIndex(Repository(root).door).find(ChunkId(digest(b"none")))
    assert precious.read_bytes() == before


@pytest.mark.parametrize("change", [
    "CREATE TRIGGER t AFTER INSERT ON packs BEGIN DELETE FROM chunks; END",
    "DROP TABLE packs; CREATE VIEW packs AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c) SELECT x FROM c",
])  # fmt: skip
def test_what_sqlite_would_run_is_not_kept(change: str, tmp_path: Path) -> None:
    path = _index(tmp_path)
    database = sqlite3.connect(path)
    database.executescript(change)
    database.close()
    assert ChunkIndex(Repository(tmp_path).door).find(ChunkId(digest(b"none"))) == []
    kept = (
        {row[0] for row in sqlite3.connect(path).execute("SELECT type FROM sqlite_schema")} if path.exists() else set()
    )
    assert not kept & {"trigger", "view"}


def test_an_unsafe_journal_stops_a_verb_and_changes_nothing(tmp_path: Path) -> None:
    root, outside = tmp_path / "a" / "root", tmp_path / "outside"
    root.mkdir(parents=True)
    outside.mkdir()
    (outside / "precious").write_bytes(b"precious")
    two_versions(root)
    file = Repository(root).objects.tree(Repository(root).objects.version(Repository(root).current("helmets")).tree).entries[0].file  # type: ignore[arg-type]  # fmt: skip
    steps = (
        FileStep("../../outside/created", file, anything=True), FileStep("../../outside/precious", None, anything=True),
        FileStep("w2", file, staged="../../../outside/precious", anything=True),
    )  # fmt: skip
    for step in steps:
        (root / ".mvc" / "journal").write_bytes(Journal("switch", "helmets", files=(step,)).encode())
        outcome = command(root, ("set", "parameters.a=1"))
        assert outcome.code == errors.Damaged.exit_code
        assert "the journal is damaged" in outcome.output
        assert {path.name: path.read_bytes() for path in outside.iterdir()} == {"precious": b"precious"}


@pytest.mark.parametrize("kind", [[], {}, 1, None, "other"], ids=ascii)
def test_an_object_of_another_kind_is_a_finding(kind: object, tmp_path: Path) -> None:
    data = canonical.encode({"kind": kind})
    path = tmp_path / ".mvc" / "objects" / digest(data)[:2] / digest(data)
    mvc(tmp_path, "init", "--model", "m")
    path.parent.mkdir()
    path.write_bytes(data)
    assert "of the unknown kind" in mvc(tmp_path, "fsck", code=14)
