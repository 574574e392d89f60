"""`mvc undo`, `redo` and `op`: what each verb discarded is restored, and what undo refuses."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import mvc
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.storage.records import config, operations
from tests.cli import built
from tests.cli.shell import MODEL, Shell

EDIT = b"edited by hand, and committed nowhere" * 1000


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """v1 and v2 on main, side at v1 with a version that conflicts in `b`; two files."""
    return built.copy(_forked, tmp_path / "work", monkeypatch)


def _forked(shell: Shell) -> None:
    for name in ("a", "b"):
        shell.write(f"{name}.bin", name.encode() * 50_000)
    shell.ok("add", "a.bin", "b.bin")
    shell.commit("one")
    shell.ok("branch", "side")
    shell.write("b.bin", b"main" * 10_000)
    shell.commit("two")
    shell.ok("switch", "side")
    shell.write("b.bin", b"side" * 10_000)
    shell.commit("side")
    shell.ok("switch", "main")


def read(shell: Shell, name: str = "a.bin") -> bytes:
    return (shell.folder / name).read_bytes()


def newest(shell: Shell) -> int:
    return max(operations.numbers(shell.repository.door))


def requires(shell: Shell) -> bool:
    return config.OPERATIONS in (shell.folder / ".mvc" / "config.toml").read_text()


DISCARDING = (
    "restore .", "restore a", "restore a.bin", "restore --source v1 a", "reset --hard", "reset --hard v1", "switch --force side",
    "switch -f v1", "checkout -f side", "checkout .", "checkout a.bin", "checkout v1 -- a.bin", "rm --force a",
)  # fmt: skip


@pytest.mark.parametrize("verb", DISCARDING)
def test_edits_that_a_verb_discards_are_restored_byte_for_byte(shell: Shell, verb: str) -> None:
    shell.write("a.bin", EDIT)
    (shell.folder / "a.bin").chmod(0o755)
    before = {path.name: path.read_bytes() for path in shell.folder.iterdir() if path.is_file()}
    shell.ok(*verb.split())
    assert not (shell.folder / "a.bin").exists() or read(shell) != EDIT
    assert requires(shell)
    number = newest(shell)
    shell.ok("gc", "--grace", "0")
    shell.ok("undo", "--op", str(number))
    assert {path.name: path.read_bytes() for path in shell.folder.iterdir() if path.is_file()} == before
    assert (shell.folder / "a.bin").stat().st_mode & 0o111
    shell.ok("redo")
    assert not (shell.folder / "a.bin").exists() or read(shell) != EDIT
    shell.ok("undo")
    assert read(shell) == EDIT
    assert shell("fsck", "--read-data").code == 0


def test_edits_that_an_aborted_merge_discards_are_restored_with_the_merge(shell: Shell) -> None:
    assert shell("merge", "side").code == 1
    shell.write("b.bin", EDIT)
    shell.ok("merge", "--abort")
    assert read(shell, "b.bin") == b"main" * 10_000
    shell.ok("undo")
    assert read(shell, "b.bin") == EDIT
    assert shell.ok("status", "--json").json["merging"] is not None
    shell.ok("merge", "--continue")
    merged = shell.ok("rev-parse", "HEAD").out
    shell.ok("undo")
    assert shell.ok("status", "--json").json["merging"] is not None
    assert read(shell, "b.bin") == EDIT
    shell.ok("redo")
    assert shell.ok("rev-parse", "HEAD").out == merged
    assert shell.ok("status", "--json").json["merging"] is None
    shell.ok("undo", "-n", "2")
    assert read(shell, "b.bin") == EDIT, "the merge had left the file alone"
    assert shell.ok("status", "--json").json["merging"] is None


def test_edits_that_an_undo_overwrites_are_restored_by_redo(shell: Shell) -> None:
    shell.ok("reset", "--hard", "v1")
    shell.write("b.bin", EDIT)
    shell.ok("undo")
    assert read(shell, "b.bin") == b"main" * 10_000
    shell.ok("redo")
    assert read(shell, "b.bin") == EDIT


def test_a_commit_is_undone_without_touching_files(shell: Shell) -> None:
    shell.write("a.bin", EDIT)
    before = shell.ok("rev-parse", "HEAD").out
    shell.commit("three", "--tag", "kept", "--alias", "prod")
    shell.ok("undo")
    assert shell.ok("rev-parse", "HEAD").out == before
    assert (shell.ok("tag").out, shell.ok("alias").out) == ("", "")
    assert read(shell) == EDIT
    assert "a.bin" in shell.ok("status", "-s").out
    shell.ok("redo")
    assert "prod" in shell.ok("alias").out


def test_the_first_commit_is_undone(shell: Shell) -> None:
    assert shell.ok("undo", "-n", "20").code == 0
    assert shell("log").code != 0
    shell.ok("redo")
    shell.ok("redo")
    assert len(shell.ok("log", "--oneline").lines) == 1


def test_more_than_the_limit_is_not_discarded(shell: Shell) -> None:
    shell.ok("config", "undo.keep-bytes", "100")
    shell.write("a.bin", EDIT)
    before = newest(shell)
    said = shell("restore", "a")
    assert said.code == 13
    assert "--discard" in said.err
    assert read(shell) == EDIT
    assert newest(shell) == before
    assert not requires(shell)
    shell.ok("restore", "a", "--discard")
    assert read(shell) == b"a" * 50_000
    said = shell.ok("undo")
    assert "a.bin cannot come back" in said.out
    assert read(shell) == b"a" * 50_000


def test_what_moved_since_is_not_undone(shell: Shell) -> None:
    shell.ok("alias", "set", "prod", "v1")
    number = newest(shell)
    shell.ok("alias", "set", "prod", "v2")
    said = shell("undo", "--op", str(number))
    assert said.code == 13
    assert "prod" in said.err
    assert "mvc alias rm prod" in said.err
    shell.ok("undo")
    shell.ok("undo")
    assert shell.ok("alias").out == ""
    assert shell("undo", "--op", str(number)).code == 13, "it is undone already"


def test_a_switch_is_not_undone_once_head_moved(shell: Shell) -> None:
    shell.ok("switch", "side")
    number = newest(shell)
    shell.ok("switch", "--detach", "v1")
    said = shell("undo", "--op", str(number))
    assert said.code == 13
    assert "HEAD" in said.err


def test_an_edit_of_model_toml_is_undone_unless_it_was_edited_again(shell: Shell) -> None:
    before = read(shell, "model.toml")
    shell.set(parameters__lr=3)
    after = read(shell, "model.toml")
    shell.write("model.toml", after + b"# mine\n")
    assert shell("undo").code == 13
    shell.ok("undo", "--force")
    assert read(shell, "model.toml") == before
    shell.ok("redo")
    assert read(shell, "model.toml") == after + b"# mine\n"


def test_pushed_work_is_not_undone(shell: Shell) -> None:
    shell.write("a.bin", EDIT)
    shell.commit("three", "--alias", "prod")
    commit = shell.ok("op", "log", "-n", "1", "--json").json["operations"][0]["number"]
    shell.ok("remote", "add", "origin", "../origin")
    shell.ok("push", "--all")
    tip = shell.ok("rev-parse", "HEAD").out
    for arguments in ((), ("--op", str(commit))):
        said = shell("undo", *arguments)
        assert said.code == 13
        assert "mvc revert" in said.err
    assert shell("op", "restore", str(commit - 1)).code == 13
    assert shell.ok("rev-parse", "HEAD").out == tip
    shell.write("a.bin", EDIT[::-1])
    shell.commit("four")
    shell.ok("undo")
    assert shell.ok("rev-parse", "HEAD").out == tip
    shell.ok("restore", "a")
    shell.ok("undo")
    assert "cannot be undone" in shell.ok("op").out


def test_a_pull_is_undone(shell: Shell, tmp_path: Path) -> None:
    shell.ok("remote", "add", "origin", "../origin")
    shell.ok("push", "--all")
    shutil.copytree(shell.folder, tmp_path / "other")
    shell.write("a.bin", EDIT)
    shell.commit("three")
    shell.ok("tag", "theirs")
    shell.ok("push", "origin", "main", "theirs")
    shell.folder = tmp_path / "other"
    tip, before = shell.ok("rev-parse", "HEAD").out, newest(shell)
    shell.ok("fetch")
    assert newest(shell) == before, "what a fetch learns is not undone"
    shell.ok("pull")
    assert read(shell) == EDIT
    shell.ok("undo")
    assert shell.ok("rev-parse", "HEAD").out == tip
    assert read(shell) == b"a" * 50_000
    assert shell.ok("tag").out != ""
    shell.ok("pull")
    assert read(shell) == EDIT


def cloned(shell: Shell, folder: Path) -> None:
    """Push everything, and go on in a copy which follows the same remote; the first repository commits and pushes v3."""
    shell.ok("remote", "add", "origin", "../origin")
    shell.ok("push", "--all")
    shutil.copytree(shell.folder, folder)
    shell.write("b.bin", EDIT)
    shell.commit("theirs")
    shell.ok("push", "origin", "main")
    shell.folder = folder


@pytest.mark.parametrize("with_own", [True, False])
def test_a_merge_of_published_versions_is_undone(shell: Shell, tmp_path: Path, *, with_own: bool) -> None:
    cloned(shell, tmp_path / "other")
    if with_own:
        shell.write("a.bin", EDIT)
        shell.commit("own")
    tip = shell.ok("rev-parse", "HEAD").out
    shell.ok("fetch")
    shell.ok("merge", "origin/main")
    merged = shell.ok("rev-parse", "HEAD").out
    shell.ok("undo")
    assert shell.ok("rev-parse", "HEAD").out == tip
    assert read(shell, "b.bin") == b"main" * 10_000
    shell.ok("redo")
    shell.ok("undo")
    shell.ok("redo")
    assert shell.ok("rev-parse", "HEAD").out == merged
    shell.ok("push", "origin", "main")
    shell.ok("op", "log")
    if with_own:
        number = shell.ok("op", "log", "--json").json["operations"][1]["number"]
        said = shell("undo", "--op", str(number))
        assert (said.code, f"mvc revert -m 1 {merged[:10]}" in said.err) == (13, True), said


def test_a_pull_that_rebased_is_undone_until_it_is_pushed(shell: Shell, tmp_path: Path) -> None:
    cloned(shell, tmp_path / "other")
    shell.write("a.bin", EDIT)
    shell.commit("own")
    tip = shell.ok("rev-parse", "HEAD").out
    shell.ok("pull", "--rebase")
    shell.ok("undo")
    assert shell.ok("rev-parse", "HEAD").out == tip
    shell.ok("pull", "--rebase")
    number = newest(shell)
    shell.ok("push", "origin", "main")
    assert shell("undo", "--op", str(number)).code == 13


@pytest.mark.parametrize("verb", ["prune v1 --yes --unpushed", "gc --grace 0"])
def test_what_deleted_bytes_is_not_passed_over(shell: Shell, verb: str) -> None:
    shell.ok("set", "parameters.lr=3")
    edit = newest(shell)
    if verb.startswith("gc"):
        before = newest(shell)
        shell.ok("gc")
        assert newest(shell) == before, "it removed nothing"
        shell.write("a.bin", EDIT)
        shell.ok("stash")
        shell.ok("stash", "drop")
        edit = newest(shell)
    shell.ok(*verb.split())
    text = read(shell, "model.toml")
    said = shell("undo")
    assert said.code == 13
    assert f"`mvc {verb}`): the bytes are gone" in said.err
    assert f"`mvc undo --op {edit}`" in said.err
    assert read(shell, "model.toml") == text
    assert shell("undo", "--op", str(edit)).code == (13 if verb.startswith("gc") else 0), "gc removed the stash"


def test_a_stash_that_was_popped_and_restored_is_undone(shell: Shell) -> None:
    shell.write("a.bin", EDIT)
    shell.ok("stash")
    shell.ok("stash", "pop")
    shell.ok("undo", "-n", "2")
    assert (read(shell), shell.ok("stash", "list").out) == (EDIT, "")
    shell.ok("redo")
    assert len(shell.ok("stash", "list").lines) == 1
    shell.ok("redo")
    assert (read(shell), shell.ok("stash", "list").out) == (EDIT, "")


def test_all_operations_have_the_author_of_a_commit(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("MVC_AUTHOR_NAME", "MVC_AUTHOR_EMAIL"):
        monkeypatch.delenv(name)
    (tmp_path / "gitconfig").write_text("[user]\n\tname = Git Ana\n\temail = git@example.org\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    shell.set(parameters__lr=3)
    shell.commit("three")
    authors = {each["by"] for each in shell.ok("op", "log", "-n", "2", "--json").json["operations"]}
    assert authors == {"Git Ana <git@example.org>"}


def test_gc_keeps_edits_as_long_as_the_reflog(shell: Shell) -> None:
    shell.write("a.bin", EDIT)
    shell.ok("restore", "a")
    shell.ok("gc", "--grace", "0")
    assert requires(shell)
    shell.ok("config", "gc.reflog-expire", "0")
    shell._patch.delenv("MVC_AUTHOR_DATE")
    shell.ok("gc", "--grace", "0")
    assert not requires(shell)
    assert len(operations.numbers(shell.repository.door)) == 1
    said = shell("undo")
    assert said.code == 1
    assert "Nothing to undo" in said.err
    assert shell("fsck").code == 0


def test_a_store_without_operations_works(shell: Shell) -> None:
    shutil.rmtree(shell.folder / ".mvc" / "operations")
    assert shell("undo").code == 1
    assert shell("redo").code == 1
    assert shell.ok("op").out == ""
    shell.ok("switch", "side")
    shell.ok("undo")
    assert shell.ok("branch", "--show-current").out == "main\n"


def test_a_record_whose_entries_do_not_exist_counts_for_nothing(shell: Shell) -> None:
    door = shell.repository.door
    shell.ok("tag", "kept")
    record = operations.read(door, newest(shell))
    for planned in (record.refs[0]._replace(nonce="0" * 32), record.refs[0]._replace(seq=record.refs[0].seq + 1)):
        operations.append(door, operations.Operation("tag", "mvc tag", "Ana", record.at, MODEL, refs=(planned,)))
    (shell.folder / ".mvc" / "operations" / "0000000099").write_bytes(b"damaged")
    assert "mvc tag kept" in shell.ok("op").lines[0]
    said = shell("fsck")
    assert "operation" in said.out
    assert said.code != 0
    shell.ok("undo")
    assert shell.ok("tag").out == ""
    assert newest(shell) == 100


def test_what_changes_nothing_is_no_operation(shell: Shell) -> None:
    before = newest(shell)
    for line in (
        "status",
        "log",
        "tag",
        "op",
        "commit -n -m x",
        "rm -n a",
        "alias rm none",
        "switch nowhere",
        "restore .",
    ):
        shell(*line.split())
    assert newest(shell) == before


def test_each_model_has_its_own_operations(shell: Shell) -> None:
    (shell.folder / "other").mkdir()
    shell.ok("-C", "other", "init", "--model", "vests")
    shell.ok("-C", "other", "set", "parameters.lr=1")
    shell.set(parameters__lr=2)
    shell.ok("-C", "other", "undo")
    assert b"lr = 2" in read(shell, "model.toml")
    assert b"lr" not in read(shell, "other/model.toml")
    assert shell("-C", "other", "undo").code == 1


def test_the_renaming_of_a_model_is_undone(shell: Shell) -> None:
    shell.ok("tag", "kept")
    before = read(shell, "model.toml")
    shell.ok("models", "rename", MODEL, "hats")
    shell.ok("undo")
    assert read(shell, "model.toml") == before
    assert shell.ok("models", "-q").out == f"{MODEL}\n"
    shell.ok("redo")
    assert shell.ok("models", "-q").out == "hats\n"
    shell.ok("undo", "-n", "2")
    assert shell.ok("tag").out == ""


def test_a_name_that_became_another_kind_of_ref_is_undone(shell: Shell) -> None:
    shell.ok("tag", "edge")
    number = newest(shell)
    shell.ok("tag", "-d", "edge")
    shell.ok("alias", "set", "edge", "v1")
    assert shell("undo", "--op", str(number + 1)).code == 13, "the alias has the name"
    shell.ok("op", "restore", str(number))
    assert (shell.ok("tag", "-q").out, shell.ok("alias", "-q").out) == ("edge\n", "")


def test_a_move_of_files_is_undone(shell: Shell) -> None:
    before = read(shell, "model.toml")
    shell.ok("mv", "a.bin", "deep/c.bin")
    shell.ok("undo")
    assert read(shell) == b"a" * 50_000
    assert read(shell, "model.toml") == before
    shell.ok("redo")
    assert read(shell, "deep/c.bin") == b"a" * 50_000
    shell.write("a.bin", EDIT)
    assert shell("undo").code == 16


def test_stashes_are_undone(shell: Shell) -> None:
    shell.write("a.bin", EDIT)
    shell.ok("stash")
    listed = shell.ok("stash", "list").out
    shell.ok("undo")
    assert (read(shell), shell.ok("stash", "list").out) == (EDIT, "")
    shell.ok("redo")
    assert (read(shell), shell.ok("stash", "list").out) == (b"a" * 50_000, listed)
    shell.ok("stash", "pop")
    shell.ok("undo")
    assert (read(shell), shell.ok("stash", "list").out) == (b"a" * 50_000, listed)
    settings = read(shell, ".mvc/config.toml")
    shell.ok("stash", "drop")
    assert read(shell, ".mvc/config.toml") != settings
    shell.ok("undo")
    assert shell.ok("stash", "list").out == listed
    assert read(shell, ".mvc/config.toml") == settings, "an mvc that knows no stashes refuses the store"
    shell.write("a.bin", EDIT[::-1])
    shell.ok("stash")
    shell.ok("stash", "drop", "1")  # the older one
    shell.ok("undo")
    assert len(shell.ok("stash", "list").lines) == 2


def test_the_log_has_no_secret(shell: Shell) -> None:
    shell.ok("set", "parameters.note=see https://ana:hunter2@example.org/x", "parameters.api_token=a8f3k2m9x7q1z5w4e6")
    shell.ok("tag", "t", "-m", "https://ben:swordfish@example.org/y")
    logged = shell.ok("op", "log", "--json").out
    assert "hunter2" not in logged
    assert "swordfish" not in logged
    assert "a8f3k2m9x7q1z5w4e6" not in logged


def test_reading_verbs_look_back(shell: Shell) -> None:
    number = newest(shell)
    head = shell.ok("rev-parse", "HEAD").out
    shell.write("a.bin", EDIT)
    shell.commit("three", "--tag", "late")
    shell.ok("branch", "-D", "side")
    shell.ok("switch", "--detach", "v1")
    at = ("--at-op", str(number))
    assert shell.ok("rev-parse", "HEAD", *at).out == head
    assert len(shell.ok("log", "--oneline", *at).lines) == 2
    assert shell.ok("tag", *at).out == ""
    assert "* main" in shell.ok("branch", *at).out
    assert "side" in shell.ok("branch", *at).out
    shell.ok("export", "HEAD", "../out", *at)
    assert (shell.folder.parent / "out" / "a.bin").read_bytes() == b"a" * 50_000
    for line in ("tag t", "commit -m x", "switch main", "alias set prod", "branch other", "undo", "gc"):
        assert shell(*line.split(), *at).code == 2, line
    assert shell("log", "--at-op", "9999").code == 2
    assert newest(shell) == max(operations.numbers(shell.repository.door))


def test_python_has_the_same(shell: Shell) -> None:
    model = mvc.open(shell.folder).model(MODEL)
    shell.write("a.bin", EDIT)
    model.restore("a")
    (last, *_) = model.operations(limit=1)
    assert (last.verb, last.files[0].path, last.undone) == ("restore", "a.bin", False)
    done = model.undo()
    assert (done.moved.written, read(shell)) == (("a.bin",), EDIT)
    assert model.operation(last.number).undone
    model.redo()
    model.restore_operation(last.number - 1)
    assert read(shell) == EDIT
    with pytest.raises(mvc.errors.NoSuchOperation):
        model.undo(999)


def test_a_repository_without_an_operator_writes_no_records(shell: Shell) -> None:
    """As the parts of the library are used by a program of its own."""
    repository = Repository(shell.folder)
    before = newest(shell)
    with repository.operation("switch"):
        repository.note(MODEL)
    assert newest(shell) == before
    assert Model(repository, MODEL).head.branch == "main"


def test_an_operation_far_beyond_the_others_hides_no_later_one(shell: Shell) -> None:
    shell.write("a.bin", b"one")
    shell.ok("add", "a.bin")
    shell.commit("one")
    folder = shell.folder / ".mvc" / "operations"
    (folder / "9999999999").write_bytes(min(folder.iterdir()).read_bytes())
    shell.write("a.bin", b"two")
    two = shell.commit("two")
    assert "commit" in shell.ok("undo").out
    assert shell.ok("log", "--oneline").lines[0].split()[1] != two[:10]
    found = shell("--json", "fsck").json["findings"]
    assert [(each["kind"], each["path"]) for each in found] == [("stray", "operations/9999999999")]


def test_a_redo_names_the_operation_that_it_redoes_and_the_log_has_times(shell: Shell) -> None:
    shell.ok("tag", "first")
    number = shell.ok("op", "log", "-n", "1", "--json").json["operations"][0]["number"]
    shell.ok("undo")
    assert shell.ok("redo").lines[0] == f"Redid operation {number}: mvc tag first"
    assert re.search(r"  20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}  ", shell.ok("op", "log").lines[0])
    assert re.search(r"Date:    20[0-9-]{8} [0-9:]{8}$", shell.ok("op", "show", str(number)).out, re.MULTILINE)


def test_settings_are_printed_as_they_are_given(shell: Shell) -> None:
    shell.ok("config", "prune.keep-last", "1")
    shell.ok("config", "prune.keep-tagged", "true")
    assert shell.ok("config", "prune.keep-last").lines == ["1"]
    assert {"prune.keep-last=1", "prune.keep-tagged=true"} <= set(shell.ok("config").lines)


def test_what_discards_or_puts_aside_edits_lists_the_files(shell: Shell) -> None:
    shell.write("a.bin", b"one" * 20_000)
    shell.write("b.bin", b"two" * 20_000)
    shell.ok("add", "a.bin", "b.bin")
    shell.commit("one")

    def edit() -> None:
        shell.write("a.bin", b"new" * 20_000)
        (shell.folder / "b.bin").unlink()

    for command in ("reset --hard", "switch --force HEAD"):
        edit()
        said = shell.ok(*command.split())
        assert "Discarded the local changes of 2 files; `mvc undo` restores them:" in said.lines, command
        assert {"  M  a.bin", "  D  b.bin"} <= set(said.lines), command
        assert "Discarded" not in shell.ok(*command.split()).out
    edit()
    assert (
        "Discarded the local changes of 2 files, which cannot come back:"
        in shell.ok("reset", "--hard", "--discard").lines
    )
    edit()
    assert shell.ok("stash").lines[1:] == [
        "  2 files set back to HEAD; `mvc stash pop` restores the changes:",
        "    a.bin",
        "    b.bin",
    ]
