"""What somebody with a partial clone expects: files that were left out stay part of the model, and are there when asked for."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import mvc
from mvc import errors
from mvc.model.ids import FileId
from mvc.model.tree import TreeEntry
from mvc.model.version import Timestamp
from mvc.porcelain.fsck import fsck
from mvc.porcelain.merge import merge
from mvc.porcelain.restore import restore
from mvc.porcelain.status import status
from mvc.porcelain.switch import switch
from mvc.repository import revisions
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository
from mvc.storage.disk import primitives
from mvc.storage.records import promised as absence
from mvc.storage.records import sparse
from mvc.storage.records.promised import EXPIRED, PROMISED, Cause
from mvc.transport.file_reader import FileReader
from tests.cli.shell import MODEL, Said, Shell
from tests.porcelain import presence
from tests.porcelain.presence import LARGE, SMALL, Place
from tests.remotes.clones import clone


@pytest.fixture
def meta(clones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A clone with `--meta`."""
    return presence.place(clones, tmp_path, monkeypatch, "meta")


@pytest.fixture
def read(clones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A clone with `--meta` whose large files were read, and are not checked out."""
    return presence.place(clones, tmp_path, monkeypatch, "read")


def tree(here: Place, revision: str = "HEAD") -> dict[str, TreeEntry]:
    listed = here.shell.ok("ls", "--json", revision).json["files"]
    return {each["path"]: TreeEntry(each["path"], each["role"], each["size"], each["file"]) for each in listed}


def kind(said: Said) -> str:
    return str(json.loads(said.err.splitlines()[-1])["kind"])


def test_status_says_how_many_files_are_not_checked_out_and_how_to_get_them(meta: Place) -> None:
    said = meta.shell.ok("status")
    assert "Not checked out: 3 files, 117.2 KiB" in said.out
    assert "mvc restore PATH" in said.out
    listed = meta.shell.ok("status", "--json").json
    assert [each["path"] for each in listed["not_checked_out"]] == sorted(LARGE)
    assert listed["clean"]
    meta.shell.ok("restore", "weights")
    assert "Not checked out: 2 files" in meta.shell.ok("status").out
    meta.shell.ok("restore", ".")
    assert "Not checked out" not in meta.shell.ok("status").out
    assert not (meta.shell.folder / ".mvc" / "sparse" / MODEL).exists()


def test_a_version_made_without_the_files_is_whole_for_somebody_else(
    read: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(read)
    read.shell.set(parameters__lr=9)
    read.shell.write("runs/new.bin", b"new" * 9_000)
    read.shell.commit("by somebody who has no weights")
    assert tree(read) == {**before, "runs/new.bin": tree(read)["runs/new.bin"]}
    assert tree(read)["runs/new.bin"].role == "runs/new.bin"
    read.shell.ok("push")
    other = clone(tmp_path, monkeypatch, "other", place=(str(read.origin), {}))
    for path in (*LARGE, *SMALL, "runs/new.bin"):
        assert (other.folder / path).is_file()
    assert (other.folder / "tool.sh").stat().st_mode & 0o100
    assert fsck(other.repository, read_data=True).findings == ()
    assert fsck(read.repository, read_data=True).findings == ()


def test_a_file_that_was_fetched_is_like_any_other(meta: Place) -> None:
    meta.shell.ok("restore", "weights", "runs", "tool")
    assert (meta.shell.folder / "tool.sh").stat().st_mode & 0o100
    meta.shell.write("weights.bin", b"edited" * 9_000)
    (meta.shell.folder / "tool.sh").chmod(0o644)
    assert {change.entry.path for change in status(Model(meta.repository, MODEL)).difference.files} == {
        "weights.bin",
        "tool.sh",
    }
    meta.shell.commit("edited")
    (meta.shell.folder / "runs" / "a.bin").unlink()
    (meta.shell.folder / "weights.bin").unlink()
    found = status(Model(meta.repository, MODEL))
    assert [change.kind for change in found.difference.files if change.entry.path == "runs/a.bin"] == ["D"]
    assert [type(problem) for problem in found.problems] == [errors.MissingFile]
    assert meta.shell("commit", "-m", "x").code == 2


def test_a_file_put_where_one_was_left_out_takes_its_place(read: Place) -> None:
    read.shell.write("runs/a.bin", b"mine" * 9_000)
    read.shell.commit("mine")
    (read.shell.folder / "runs" / "a.bin").unlink()
    found = status(Model(read.repository, MODEL))
    assert [(change.kind, change.entry.path) for change in found.difference.files] == [("D", "runs/a.bin")]
    assert read.shell("add", "runs/a.bin").code == 2


def test_a_file_that_was_put_back_by_hand_and_restored_is_like_any_other(read: Place) -> None:
    data = read.shell.raw("cat", "HEAD:weights")[1]
    read.shell.write("weights.bin", data)
    read.shell.ok("restore", "weights")
    (read.shell.folder / "weights.bin").unlink()
    found = status(Model(read.repository, MODEL))
    assert [type(problem) for problem in found.problems] == [errors.MissingFile]


def test_what_model_toml_names_no_more_is_dropped_and_a_new_role_counts(read: Place) -> None:
    toml = read.shell.folder / "model.toml"
    text = toml.read_text(encoding="utf-8")
    toml.write_text(text.replace('"runs/**"', '"runs/*.txt"').replace("weights =", "best ="), encoding="utf-8")
    read.shell.commit("other roles")
    found = tree(read)
    assert "runs/a.bin" not in found
    assert found["weights.bin"].role == "best"


def test_what_mvcignore_hides_is_dropped_though_it_was_left_out(read: Place) -> None:
    (read.shell.folder / ".mvcignore").write_text("*.bin\n", encoding="utf-8")
    read.shell.commit("no runs")
    assert set(tree(read)) == {"weights.bin", "tool.sh", "cfg.yaml", "runs/b.txt"}, "a literal path is never hidden"


def test_two_files_that_cannot_be_in_one_version_are_refused(read: Place) -> None:
    read.shell.write("WEIGHTS.BIN", b"x")
    read.shell.ok("add", "WEIGHTS.BIN", "--as", "shouted")
    before = read.bytes()
    assert kind(read.shell("--json", "commit", "-m", "x")) == "colliding-paths"
    assert read.bytes() == before


def test_fsck_tells_promised_files_apart_from_damage(meta: Place) -> None:
    assert (
        "3 files promised by origin" in meta.shell.ok("fsck").out or "promised by origin" in meta.shell.ok("fsck").out
    )
    counts = meta.shell.ok("fsck", "--json").json["counts"]
    assert counts["files promised by origin"] == 6  # of all versions
    shutil.rmtree(meta.shell.folder / ".mvc" / PROMISED)
    assert meta.shell("fsck").code == 14


def test_gc_keeps_what_is_promised(meta: Place) -> None:
    promised = meta.promised()
    meta.shell.ok("config", "gc.reflog-expire", "0")
    meta.shell.ok("gc", "--grace", "0")
    assert meta.promised() == promised
    meta.shell.ok("restore", ".")


def test_a_renamed_remote_keeps_its_promises(meta: Place) -> None:
    meta.shell.ok("remote", "rename", "origin", "upstream")
    meta.shell.ok("restore", "weights")
    assert "files promised by upstream" in meta.shell.ok("fsck").out


def test_a_remote_with_files_that_are_only_there_is_removed_by_force_only(meta: Place, tmp_path: Path) -> None:
    before = meta.bytes()
    assert kind(meta.shell("--json", "remote", "rm", "origin")) == "still-promised"
    assert meta.bytes() == before
    meta.shell.ok("remote", "rm", "--force", "origin")
    assert meta.shell.ok("status", "--json").json["clean"]
    meta.shell.set(parameters__lr=7)
    meta.shell.commit("still")
    failed = meta.shell("--json", "restore", "weights")
    assert (failed.code, kind(failed)) == (15, "no-promisor")
    meta.shell.ok("remote", "add", "elsewhere", str(meta.origin))
    meta.shell.ok("restore", "weights")
    assert (meta.shell.folder / "weights.bin").stat().st_size == presence.SIZE


def test_a_remote_whose_files_are_all_here_is_removed(
    clones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = presence.place(clones, tmp_path, monkeypatch, "full")
    for revision in ("v1", "origin/side", "origin/clash"):
        full.shell.ok("export", revision, f"../{revision.replace('/', '-')}")
    full.shell.ok("remote", "rm", "origin")
    assert full.shell.ok("status", "--json").json["clean"]


def test_another_remote_serves_when_the_first_is_gone(meta: Place, tmp_path: Path) -> None:
    shutil.copytree(meta.origin, tmp_path / "backup")
    meta.shell.ok("remote", "add", "backup", str(tmp_path / "backup"))
    meta.away()
    meta.shell.ok("restore", ".")
    assert (meta.shell.folder / "weights.bin").stat().st_size == presence.SIZE


def test_a_lost_file_is_named_with_a_way_to_heal_and_heals(meta: Place) -> None:
    shutil.copytree(meta.origin / "packs", meta.origin.with_name("packs"))
    meta.lose()
    failed = meta.shell("restore", "weights")
    assert failed.code == 14
    assert "weights.bin: the copy on origin is missing or damaged" in failed.err
    assert "mvc push --repair origin" in failed.err
    assert "mvc fsck --remote origin" in failed.err
    meta.origin.with_name("packs").rename(meta.origin / "packs")
    meta.shell.ok("restore", "weights")


def test_a_read_only_repository_answers_what_is_here(meta: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str, path: str) -> None:
        raise OSError(errno.EROFS, "Read-only file system", path)

    before = meta.bytes()
    monkeypatch.setattr(primitives, "on_step", refuse)
    for command in (
        "status",
        "log --stat",
        "show",
        "ls -l",
        "diff v1 v2 --tensors",
        "du",
        "fsck",
        "cat HEAD:cfg",
        "check -q",
    ):
        assert meta.shell(*command.split()).code in (0, 1), command
    failed = meta.shell("--json", "cat", "HEAD:weights")
    assert kind(failed) == "read-only-store"
    assert "weights.bin must be fetched from origin" in failed.err
    monkeypatch.setattr(primitives, "on_step", None)
    assert meta.bytes() == before


def test_what_was_dropped_on_purpose_is_named_and_stays_in_the_next_version(meta: Place) -> None:
    repository = meta.repository
    shutil.rmtree(meta.shell.folder / ".mvc" / PROMISED)
    files = [FileId(entry.file) for path, entry in tree(meta).items() if path in LARGE]
    cause = Cause("prune --keep-last 1", "Ana <ana@example.org>", Timestamp(1_770_000_000))
    absence.append(repository.door, EXPIRED, files, cause)
    before = meta.bytes()
    for command in ("cat HEAD:weights", "restore weights", "export HEAD ../out", "restore ."):
        failed = meta.shell("--json", *command.split())
        assert (failed.code, kind(failed)) == (14, "expired"), command
        assert "prune --keep-last 1" in failed.err
    assert meta.bytes() == before
    wanted = tree(meta)
    meta.shell.set(parameters__lr=5)
    meta.shell.commit("without them")
    assert tree(meta) == wanted


def test_a_long_labelmap_comes_with_the_metadata(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ana").mkdir()
    shell = mvc_with_labels(tmp_path / "ana", monkeypatch)
    shell.ok("remote", "add", "origin", "../origin")
    shell.ok("push")
    few = clone(tmp_path, monkeypatch, "few", "--meta")
    assert few.ok("status", "--json").json["clean"]
    assert few.ok("get", "labelmap.7").out.strip().startswith("class 7")
    few.set(parameters__lr=1)
    few.commit("next")


def mvc_with_labels(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    mvc.init(folder, model=MODEL)
    shell = Shell(folder, monkeypatch)
    labels = {str(number): f"class {number} {'x' * 40}" for number in range(800)}
    shell.write("labels.json", json.dumps(labels).encode())
    shell.set(labelmap__path="labels.json")
    shell.commit("labels")
    return shell


def test_a_model_that_is_renamed_keeps_its_list(read: Place) -> None:
    listed = sparse.paths(read.repository.door, MODEL)
    assert listed == set(LARGE)
    read.shell.ok("models", "rename", MODEL, "hats")
    assert sparse.paths(read.repository.door, "hats") == listed
    assert sparse.paths(read.repository.door, MODEL) == frozenset()
    assert not status(Model(read.repository, "hats")).difference.files


def test_a_list_that_is_damaged_or_lost_costs_no_file(read: Place) -> None:
    path = read.shell.folder / ".mvc" / sparse.path(MODEL)
    data = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(data.replace(b"weights", b"weighty"))
    assert [finding.kind for finding in fsck(read.repository).findings] == ["sparse"]
    failed = read.shell("commit", "-m", "x")
    assert failed.code == 14
    path.unlink()
    read.shell.set(parameters__lr=5)
    assert read.shell("commit", "-m", "x").code == 2, "files whose bytes are here and that are nowhere count as missing"
    read.shell.ok("restore", "weights", "tool", "runs")
    read.shell.commit("whole again")
    assert set(tree(read)) == {*LARGE, *SMALL}


class Stopped(BaseException):
    """The process ends here."""


CHECKOUTS: dict[str, Callable[[Repository, Actor], object]] = {
    "restore": lambda repository, _: restore(Model(repository, MODEL), ["weights"]),
    "switch": lambda repository, actor: switch(Model(repository, MODEL), "side", actor=actor),
    "merge": lambda repository, actor: merge(
        Model(repository, MODEL), revisions.resolve(Model(repository, MODEL), "origin/side"), actor
    ),
}


@pytest.mark.parametrize("verb", CHECKOUTS)
def test_a_stopped_checkout_is_rolled_forward_with_its_list(
    verb: str, clones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deep: bool
) -> None:
    steps: list[str] = []
    whole = presence.place(clones, tmp_path / "whole", monkeypatch, "read")
    monkeypatch.setattr(primitives, "on_step", lambda name, path: steps.append(f"{name} {path}"))
    CHECKOUTS[verb](whole.repository, whole.shell.actor)
    monkeypatch.setattr(primitives, "on_step", None)
    for stop in range(0, len(steps), 1 if deep else 1 + len(steps) // 8):
        here = presence.place(clones, tmp_path / str(stop), monkeypatch, "read")
        left = iter(range(stop))

        def step(_: str, __: str, left: object = left) -> None:
            if next(left, None) is None:  # type: ignore[call-overload]
                raise Stopped

        monkeypatch.setattr(primitives, "on_step", step)
        with pytest.raises(Stopped):
            CHECKOUTS[verb](here.repository, here.shell.actor)
        monkeypatch.setattr(primitives, "on_step", None)
        here.shell.ok("branch", "any")  # a command that writes
        assert not status(Model(here.repository, MODEL)).difference.files, steps[stop]
        CHECKOUTS[verb](here.repository, here.shell.actor)
        assert not status(Model(here.repository, MODEL)).difference.files, steps[stop]
        assert sparse.paths(here.repository.door, MODEL) == sparse.paths(whole.repository.door, MODEL), steps[stop]


def test_a_part_of_a_file_is_fetched_or_the_remote_is_named(meta: Place) -> None:
    file = FileId(tree(meta)["weights.bin"].file)
    meta.away()
    with FileReader(meta.repository, file) as reader, pytest.raises(errors.FetchFailed, match=r"from origin"):
        reader.read_range(10, 20)
    meta.back()
    with FileReader(meta.repository, file) as reader:
        part = reader.read_range(10, 20)
    meta.shell.ok("restore", "weights")
    assert (meta.shell.folder / "weights.bin").read_bytes()[10:30] == part


@pytest.mark.parametrize("command", ["pull", "pull --meta", "pull --only tool", "pull --rebase"])
def test_a_newer_version_is_pulled_into_any_clone(
    command: str, clones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in presence.PRESENCES:
        here = presence.place(clones, tmp_path / "here", monkeypatch, name)
        other = clone(tmp_path, monkeypatch, f"other-{name}", place=(str(here.origin), {}))
        other.write("late.bin", b"late" * 9_000)
        other.write("weights.bin", b"newer" * 9_000)
        other.ok("add", "late.bin")
        other.commit("newer")
        other.ok("push")
        if command.endswith("rebase"):
            here.shell.set(parameters__lr=8)
            here.shell.commit("ours")
        before, promised = tree(here), here.promised()
        said = here.shell.ok(*command.split())
        found = status(Model(here.repository, MODEL))
        assert not found.difference.files, (name, said)
        assert not found.problems, (name, said)
        assert fsck(here.repository).findings == (), name
        here.shell.ok("set", "parameters.lr=11")
        here.shell.commit("on top")
        here.shell.ok("push")
        wanted = set(before) if command.endswith("rebase") else {*before, "late.bin"}
        assert set(tree(here)) >= wanted, name
        if command == "pull":
            for path in (*LARGE, *SMALL, "late.bin"):
                assert (here.shell.folder / path).read_bytes() == (other.folder / path).read_bytes(), (name, path)
        if command == "pull --meta":
            assert not (here.shell.folder / "late.bin").exists()
            assert tree(here)["weights.bin"].file != before["weights.bin"].file
            assert len(here.promised()) > len(promised), name
