"""Links, pipes and endless files in place of what `.mvc` holds: no verb goes through one, or waits for it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mvc import errors
from mvc.model.ids import digest
from mvc.remotes.backends.address import parse
from mvc.remotes.backends.local import connect
from mvc.repository.repository import Repository
from mvc.repository.worktree.walk import Walk
from mvc.storage.disk import confined
from mvc.storage.disk.door import StoreDoor
from mvc.storage.disk.outside import make_folder
from tests.crash.harness import command, fresh_copy, mvc
from tests.crash.scenarios import edited

FOLDERS = (
    "packs", "tmp", "cache", "objects", "refs", "meta", "heads", "recipes", "promised", "expired", "absent", "merges",
    "notes", "publishing", "refs/helmets", "refs/helmets/heads", "refs/helmets/heads/main",
)  # fmt: skip
FILES = (
    "lock",
    "config.toml",
    "heads/helmets",
    "journal",
    "cache/stat",
    "merges/helmets",
    "refs/helmets/heads/main/0000000003",
)
VERBS = (
    ("set", "parameters.a=1"),
    ("commit", "-m", "three"),
    ("switch", "v1"),
    ("gc", "--grace", "0"),
    ("fsck",),
    ("status",),
)
Make = Callable[[Path, Path], object]
SPECIALS: dict[str, Make] = {
    "link": lambda path, outside: path.symlink_to(outside / "precious"),
    "link to nothing": lambda path, outside: path.symlink_to(outside / "new"),
    "link to a device": lambda path, _: path.symlink_to("/dev/zero"),
    "pipe": lambda path, _: os.mkfifo(path),
    "folder": lambda path, _: path.mkdir(),
    "endless": lambda path, _: _endless(path),
    "hard link": lambda path, outside: path.hardlink_to(outside / "precious"),
}


def _endless(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)


class World:
    """A repository, and things of somebody's beside it."""

    def __init__(self, top: Path, prepared: Path) -> None:
        self.root = top / "deep" / "root"
        self.outside = top / "outside"
        (self.outside / "folder").mkdir(parents=True)
        (self.outside / "precious").write_bytes(b"precious\n")
        (self.outside / "folder" / "precious").write_bytes(b"precious\n")
        fresh_copy(prepared, self.root)
        self.before = self.state()

    def state(self) -> dict[str, tuple[int, int, bytes]]:
        found = {}
        for path in [self.outside, *sorted(self.outside.rglob("*"))]:
            status = path.lstat()
            found[str(path)] = (status.st_mode, status.st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        return found

    def untouched(self, verb: tuple[str, ...]) -> str:
        outcome = command(self.root, verb)
        assert self.state() == self.before, verb
        assert "internal error" not in outcome.output, outcome.output
        assert "Traceback" not in outcome.output, outcome.output
        return outcome.output


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("prepared")
    edited(root)
    return root


@pytest.fixture
def world(tmp_path: Path, prepared: Path) -> World:
    return World(tmp_path, prepared)


def _replace(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_that_is_a_link_is_named_and_not_entered(world: World, folder: str) -> None:
    path = world.root / ".mvc" / folder
    shutil.rmtree(path, ignore_errors=True)
    path.symlink_to(world.outside / "folder")
    said = "".join(world.untouched(verb) for verb in VERBS[:4])
    assert folder in ("cache", "publishing", "notes", "expired", "meta") or "is a symbolic link" in said


@pytest.mark.parametrize("special", SPECIALS.values(), ids=SPECIALS.keys())
def test_a_file_that_is_none_is_neither_followed_nor_waited_for(world: World, prepared: Path, special: Make) -> None:
    for name in FILES:
        path = world.root / ".mvc" / name
        _replace(path)
        special(path, world.outside)
        world.before = world.state()
        for verb in VERBS[:2]:
            world.untouched(verb)
        fresh_copy(prepared, world.root)


@pytest.mark.parametrize(
    ("name", "verb"),
    [("heads", "status"), ("refs", "gc"), ("objects", "log"), ("packs", "commit"), ("refs", "commit"), ("meta", "gc")],
)
def test_a_file_where_a_folder_of_the_store_belongs_is_named(world: World, name: str, verb: str) -> None:
    path = world.root / ".mvc" / name
    shutil.rmtree(path)
    path.touch()
    (world.root / "w.bin").write_bytes(b"new " * 1000)
    world.before = world.state()
    said = world.untouched((verb, "-m", "x") if verb == "commit" else (verb,))
    assert f"{path} is a file where a folder belongs" in said


def test_mvcs_folder_may_not_lead_out_of_the_repository(world: World) -> None:
    (world.root / ".mvc").rename(world.outside / "store")
    (world.root / ".mvc").symlink_to(world.outside / "store")
    world.before = world.state()
    for verb in VERBS:
        assert "is a symbolic link to a place outside the repository" in world.untouched(verb)
    with pytest.raises(errors.IrregularFile):
        Repository(world.root)
    elsewhere = world.outside / "link"
    (world.root / ".mvc").unlink()
    (world.outside / "store").rename(world.root / ".mvc")
    elsewhere.symlink_to(world.root)
    mvc(elsewhere, "commit", "-m", "three")


def test_a_model_in_a_folder_that_is_a_link_is_not_entered(world: World) -> None:
    inner = world.root / "inner"
    inner.mkdir()
    (inner / "w.bin").write_bytes(b"w")
    mvc(world.root, "init", "inner", "--model", "inner")
    mvc(inner, "add", "w.bin")
    mvc(inner, "commit", "-m", "one")
    shutil.rmtree(inner)
    (world.outside / "folder" / "w.bin").write_bytes(b"mine")
    shutil.copy(world.root / "model.toml", world.outside / "folder" / "model.toml")
    inner.symlink_to(world.outside / "folder")
    world.before = world.state()
    for verb in (("restore", "."), ("switch", "v1", "--force"), ("commit", "-m", "x"), ("status",), ("set", "parameters.a=1"),
                 ("reset", "--hard", "v1"), ("add", "inner/w.bin"), ("rm", "w")):  # fmt: skip
        assert "symbolic link" in world.untouched(("--model", "inner", *verb)), verb


def test_the_folder_of_a_model_that_is_a_link_is_not_listed(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "w").write_bytes(b"w")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "inner").symlink_to(tmp_path / "outside")
    walk = Walk(tmp_path / "root", "inner")
    assert not list(walk.folders(""))
    assert isinstance(walk.problems[0], errors.UnsafePath)


def test_a_lock_with_another_name_elsewhere_is_held_and_not_written(world: World) -> None:
    lock = world.root / ".mvc" / "lock"
    lock.unlink()
    lock.hardlink_to(world.outside / "precious")
    world.before = world.state()
    world.untouched(("set", "parameters.a=1"))
    with StoreDoor(lock.parent).lock(0), pytest.raises(errors.LockTimeout), StoreDoor(lock.parent).lock(0):
        pass


def test_init_follows_no_link_that_was_put_in_its_way(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / ".git").mkdir(parents=True)
    outside.mkdir()
    (outside / "precious").write_bytes(b"precious\n")
    (root / ".gitignore").symlink_to(outside / "precious")
    mvc(root, "init", "--model", "m")
    assert (outside / "precious").read_bytes() == b"precious\n"
    with pytest.raises(errors.DiskFailed):
        inside_of(root / ".mvc" / "tmp", outside)
    assert [path.name for path in outside.iterdir()] == ["precious"]


def inside_of(link: Path, outside: Path) -> None:
    """Make a new folder where a link is."""
    shutil.rmtree(link)
    link.symlink_to(outside)
    make_folder(link)


def test_a_folder_remote_is_not_left_by_a_link(tmp_path: Path) -> None:
    remote, outside = tmp_path / "remote", tmp_path / "outside"
    outside.mkdir()
    (outside / "x").write_bytes(b"x")
    remote.mkdir()
    for name in ("packs", "tmp"):
        (remote / name).symlink_to(outside)
    backend = connect(parse(str(remote), tmp_path), {})
    for act in (
        lambda: backend.create("packs/x", b"y"), lambda: backend.read("packs/x", 10), lambda: list(backend.list("packs")),
        lambda: backend.delete(["packs/x"]), lambda: backend.create("refs/x", b"y"),
    ):  # fmt: skip
        with pytest.raises(errors.IrregularFile, match="is a symbolic link"):
            act()
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == {"x": b"x"}


def test_an_entry_of_a_folder_remote_that_is_a_link_is_named(tmp_path: Path) -> None:
    stores = Path(__file__).resolve().parents[1] / "stores"
    shutil.copytree(stores / "example", tmp_path / ".mvc")
    shutil.copytree(stores / "example-remote", tmp_path / "remote")
    entry = tmp_path / "remote" / "refs" / "shapes-base" / "heads" / "main" / "0000000001"
    entry.rename(entry.with_name("0000000002"))  # the newest, so that the log is read from its first entry
    entry.symlink_to(tmp_path / "outside")
    mvc(tmp_path, "remote", "add", "origin", str(tmp_path / "remote"))
    told = mvc(tmp_path, "fsck", "--remote", "origin", code=14)
    assert "is damaged" in told
    assert "is a symbolic link" in told


@pytest.mark.parametrize("kind", ["pipe", "folder", "link", "link to a device"])
def test_only_regular_files_are_opened(tmp_path: Path, kind: str) -> None:
    (tmp_path / "precious").write_bytes(b"x")
    SPECIALS[kind](tmp_path / "x", tmp_path)
    with pytest.raises(errors.IrregularFile):
        confined.open_regular(tmp_path / "x")


def test_a_pack_without_end_is_not_read_to_its_end(world: World) -> None:
    (pack,) = list((world.root / ".mvc" / "packs").rglob("*.pack"))[:1]
    (world.root / ".mvc" / "meta" / f"{digest(b'x')}.pack").touch()
    for path in (pack, world.root / ".mvc" / "meta" / f"{digest(b'x')}.pack"):
        path.chmod(0o644)
        os.truncate(path, 1 << 43)
    assert "it has no valid trailer" in world.untouched(("fsck",))
    for verb in (("status",), ("du",), ("gc", "--dry-run")):
        world.untouched(verb)


def test_a_rule_that_is_longer_than_any_path_counts_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "w.pt").write_bytes(b"w")
    (tmp_path / ".mvcignore").write_bytes(b"\0" * (1 << 19) + b"\n*.bin\n")
    (tmp_path / "w.bin").write_bytes(b"w")
    ((_, entries, ignore),) = list(Walk(tmp_path, "").folders(""))
    assert [entry.name for entry in entries if not ignore.hides(entry.name)] == [".mvcignore", "w.pt"]


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / digest(b"x")
    path.touch()
    os.truncate(path, 1 << 40)
    with pytest.raises(errors.Damaged, match="larger than 100 bytes"):
        confined.read_regular(path, 100)
