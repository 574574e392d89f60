"""Links in tracked folders: named at once, followed when that is asked for, and never written through."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mvc.storage.disk import primitives
from tests.cli.shell import Shell


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The person's settings."""
    path = tmp_path_factory.mktemp("own") / "config.toml"
    monkeypatch.setenv("MVC_CONFIG", str(path))
    return path


@pytest.fixture
def run(empty: Shell) -> Shell:
    """A training run: `run/last.ckpt` leads to the newest checkpoint."""
    empty.write("run/a.ckpt", b"a")
    empty.write("run/b.ckpt", b"bb")
    (empty.folder / "run/last.ckpt").symlink_to("b.ckpt")
    return empty


@pytest.fixture
def cache(empty: Shell, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache outside, as that of the Hub: blobs, and a snapshot of links to them, to which `hub` leads file by file."""
    top = tmp_path_factory.mktemp("hub")
    (top / "blobs").mkdir()
    (top / "blobs/4f1c").write_bytes(b"weights")
    (empty.folder / "hub").mkdir()
    (empty.folder / "hub/model.safetensors").symlink_to(top / "blobs/4f1c")
    return top


def test_a_folder_with_links_is_refused_and_each_is_named(run: Shell) -> None:
    (run.folder / "run/best.ckpt").symlink_to("a.ckpt")
    before = (run.folder / "model.toml").read_bytes()
    said = run("add", "run")
    assert said.code == 2
    for text in ("run/last.ckpt is a symbolic link to b.ckpt", "run/best.ckpt is a symbolic link to a.ckpt"):
        assert text in said.err
    assert "--follow-links" in run("add", "run/last.ckpt").err
    assert (run.folder / "model.toml").read_bytes() == before


def test_a_followed_link_is_versioned_as_the_file_it_leads_to(run: Shell) -> None:
    assert run.ok("add", "--follow-links", "run").lines == ["run = run/**  (3 files, 5 B)"]
    assert run.ok("get", "model.follow_links").lines == ['["run"]']
    run.commit("First")
    assert run.raw("cat", "HEAD:./run/last.ckpt")[1] == b"bb"
    assert run.ok("status").lines[-1].startswith("Nothing to commit")
    (run.folder / "run/last.ckpt").unlink()
    (run.folder / "run/last.ckpt").symlink_to("a.ckpt")
    assert "run/last.ckpt" in run.ok("status").out
    run.write("run/a.ckpt", b"A")
    run.commit("Second")
    assert run.raw("cat", "HEAD:./run/last.ckpt")[1] == b"A"
    run.write("run/a.ckpt", b"B")  # the same size: only the stamps of the file behind the link tell
    changed = [change["new"]["path"] for change in run.ok("status", "--json").json["changes"]["files"]]
    assert changed == ["run/a.ckpt", "run/last.ckpt"]
    run.commit("Third")
    assert run.raw("cat", "HEAD:./run/last.ckpt")[1] == b"B"


def test_a_link_alone_is_followed_under_its_own_path(run: Shell) -> None:
    run.ok("add", "--follow-links", "run/last.ckpt", "run/a.ckpt")
    assert run.ok("get", "model.follow_links").lines == ['["last"]']
    run.commit("First")
    assert sorted(line.split()[-1] for line in run.ok("ls").lines) == ["run/a.ckpt", "run/last.ckpt"]


def test_a_link_that_came_later_is_followed_after_it_was_added_again(run: Shell) -> None:
    (run.folder / "run/last.ckpt").unlink()
    run.ok("add", "run")
    run.commit("First")
    (run.folder / "run/last.ckpt").symlink_to("a.ckpt")
    said = run("commit", "-m", "x")
    assert (said.code, "run/last.ckpt is a symbolic link" in said.err) == (2, True)
    run.ok("add", "--follow-links", "run")
    run.commit("Second")
    assert run.raw("cat", "HEAD:./run/last.ckpt")[1] == b"a"


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("nowhere", "run/odd is a link to nowhere, which cannot be read: No such file"),
        ("odd", "run/odd is a link to odd, which cannot be read: the links form a loop"),
        (".", "run/odd is a symbolic link to a folder"),
        ("/dev/null", "run/odd is a symbolic link to a special file"),
        ("../pipe", "run/odd is a symbolic link to a special file"),
        ("../.mvc/config.toml", "Cannot use run/odd: it is a link into a version control folder (such as .git)"),
        ("../.env", "Cannot use run/odd: it is a link to a file that looks like credentials"),
    ],
)
def test_a_link_that_leads_to_no_file_is_an_error(run: Shell, target: str, words: str) -> None:
    os.mkfifo(run.folder / "pipe")
    run.write(".env", b"SECRET=1")
    run.ok("add", "--follow-links", "run")
    (run.folder / "run/odd").symlink_to(target)
    for arguments in (("add", "--follow-links", "run/odd"), ("commit", "-m", "x")):
        said = run(*arguments)
        assert said.code in (2, 17)
        assert words in said.err, said.err
    assert words in run.ok("status").out


def test_a_file_outside_is_read_only_when_the_person_allowed_it(empty: Shell, cache: Path, own: Path) -> None:
    empty.ok("set", "files.hub=hub/**", "model.follow_links=hub")  # as a repository of somebody else may say
    said = empty("commit", "-m", "x")
    assert said.code == 17
    assert f"hub/model.safetensors is a link to {cache}/blobs/4f1c, outside this repository" in said.err
    assert empty("config", "links.outside", str(empty.folder)).code == 2  # a repository cannot allow itself
    assert "mvc add --follow-links" in said.err
    assert not own.exists()
    empty.ok("add", "--follow-links", "hub")
    assert os.path.realpath(empty.folder) in own.read_text(encoding="utf-8")
    empty.commit("First")
    assert empty.raw("cat", "HEAD:./hub/model.safetensors")[1] == b"weights"
    own.unlink()
    assert empty("commit", "-m", "x", "--allow-empty").code == 17


def test_what_writes_replaces_the_link_and_never_the_file_behind_it(empty: Shell, cache: Path) -> None:
    empty.ok("add", "--follow-links", "hub")
    empty.commit("First")
    empty.ok("switch", "-c", "next")
    (cache / "blobs/9d0e").write_bytes(b"newer")
    place = empty.folder / "hub/model.safetensors"
    place.unlink()
    place.symlink_to(cache / "blobs/9d0e")
    empty.commit("Second")
    empty.ok("switch", "main")
    assert (place.is_symlink(), place.read_bytes()) == (False, b"weights")
    assert (cache / "blobs/9d0e").read_bytes() == b"newer"
    empty.ok("switch", "next")
    assert place.read_bytes() == b"newer"
    assert empty.ok("status").lines[-1].startswith("Nothing to commit")


def test_a_link_to_what_no_version_has_is_left_alone(empty: Shell, cache: Path) -> None:
    empty.ok("add", "--follow-links", "hub")
    empty.commit("First")
    empty.ok("switch", "-c", "bare")
    said = empty.ok("rm", "hub")
    assert "Deleting 1 file" in said.err
    assert (cache / "blobs/4f1c").read_bytes() == b"weights"
    assert empty("get", "model.follow_links").code == 1
    empty.commit("None")
    empty.ok("switch", "main")
    place = empty.folder / "hub/model.safetensors"
    (cache / "blobs/edited").write_bytes(b"never committed")
    place.unlink()
    place.symlink_to(cache / "blobs/edited")
    for arguments in (("switch", "bare"), ("switch", "--force", "bare"), ("restore", "hub")):
        said = empty(*arguments)
        assert (said.code, "special file or link" in said.err) == (16, True), said
    assert place.is_symlink()
    assert (cache / "blobs/edited").read_bytes() == b"never committed"


def test_an_interrupted_switch_is_rolled_forward_over_a_link(
    empty: Shell, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = empty.folder / "hub/model.safetensors"
    empty.ok("add", "--follow-links", "hub")
    empty.commit("First")
    (cache / "blobs/4f1c").write_bytes(b"newer")
    empty.commit("Second")

    def stop(step: str, path: str) -> None:
        if step == "place" and path.endswith("model.safetensors"):
            raise KeyboardInterrupt

    monkeypatch.setattr(primitives, "on_step", stop)
    assert empty("switch", "v1").code == 130
    monkeypatch.setattr(primitives, "on_step", None)
    assert place.is_symlink()
    assert "completed the interrupted `mvc switch`" in empty.ok("set", "parameters.x=1").err
    assert (place.is_symlink(), place.read_bytes()) == (False, b"weights")
    assert (cache / "blobs/4f1c").read_bytes() == b"newer"


def test_a_folder_that_a_link_replaced_is_not_read(empty: Shell, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The files that model.toml names below it are errors, and none of what is behind the link is compared."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "a.bin").write_bytes(b"behind the link")
    empty.write("folder/a.bin", b"one")
    empty.ok("add", "folder/a.bin")
    empty.commit("one")
    (empty.folder / "folder/a.bin").unlink()
    (empty.folder / "folder").rmdir()
    (empty.folder / "folder").symlink_to(outside)
    status = empty.ok("status").out
    assert "Cannot be committed:\n  !  Cannot use folder: it is a symbolic link." in status
    assert "M  a" not in status
    for command in (("diff",), ("commit", "-m", "two")):
        said = empty(*command)
        assert (said.code, said.out) == (17, "")
        assert "Cannot use folder: it is a symbolic link." in said.err


@pytest.mark.parametrize("is_link", [False, True])
def test_a_switch_writes_nothing_below_a_file_or_link_in_place_of_a_folder(
    empty: Shell, tmp_path_factory: pytest.TempPathFactory, is_link: bool
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    empty.write("a.bin", b"a")
    empty.ok("add", "a.bin")
    empty.commit("one")
    empty.write("a.bin", b"a2")
    empty.write("folder/b.bin", b"b")
    empty.ok("add", "folder/b.bin")
    empty.commit("two")
    empty.ok("switch", "--detach", "v1")
    place = empty.folder / "folder"
    assert not place.exists()
    if is_link:
        place.symlink_to(outside)
    else:
        place.write_bytes(b"own")
    said = empty("switch", "main")
    assert said.code == (17 if is_link else 16)
    assert (
        "folder is a symbolic link" if is_link else "folder: not a folder, but a folder is needed there"
    ) in said.err
    assert (empty.folder / "a.bin").read_bytes() == b"a"
    assert list(outside.iterdir()) == []
    assert place.is_symlink() if is_link else place.read_bytes() == b"own"
    assert empty.ok("rev-parse", "HEAD").out == empty.ok("rev-parse", "v1").out
