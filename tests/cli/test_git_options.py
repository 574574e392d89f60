"""Options of Git's other verbs: branches, tags, status in short, commits, switches, fetches."""

from __future__ import annotations

import pytest

from tests.cli.conftest import History
from tests.cli.shell import Shell

PATH = "weights/best.onnx"


@pytest.fixture(autouse=True)
def _made(history: History) -> None:
    assert history.first


@pytest.fixture
def origin(shell: Shell) -> Shell:
    shell.ok("remote", "add", "origin", f"../{shell.folder.name}-origin")
    shell.ok("push", "--all")
    return shell


def test_commits_take_the_flags_of_git(shell: Shell) -> None:
    shell.set(metrics__mAP50=0.9)
    shell.ok("commit", "-sam", "New")
    assert shell.ok("log", "-1", "--format", "%B").out == "New\n\nSigned-off-by: Ana <ana@example.org>\n"
    shell.ok("commit", "-a", "--amend", "--no-edit", "--allow-empty")
    said = shell("commit", "-m", "x", PATH)
    assert (said.code, PATH in said.err, "`mvc commit -m MESSAGE`" in said.err) == (2, True, True)


def test_branches_of_remotes_are_listed(origin: Shell) -> None:
    assert origin.ok("branch", "-r").lines == ["  origin/main", "  origin/side"]
    assert origin.ok("branch", "-a").lines == ["* main", "  side", "  remotes/origin/main", "  remotes/origin/side"]
    assert [branch.get("remote") for branch in origin.ok("branch", "-a", "--json").json["branches"]] == [
        None, None, "origin", "origin",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("--merged",), ["main"]),
        (("--merged", "side"), ["side"]),
        (("--no-merged",), ["side"]),
        (("--contains", "2026.1"), ["main", "side"]),
        (("--contains",), ["main"]),
        (("--list", "s*"), ["side"]),
    ],
)
def test_branches_are_selected(shell: Shell, arguments: tuple[str, ...], names: list[str]) -> None:
    assert shell.ok("branch", "-q", *arguments).lines == names


def test_an_upstream_is_set(origin: Shell) -> None:
    origin.ok("branch", "-u", "origin/side")
    assert "[origin/side: ahead 1, behind 1]" in origin.ok("branch", "-vv").out
    said = origin("branch", "-u", "origin/nosuch")
    assert (said.code, "origin/nosuch" in said.err) == (2, True)


def test_tags_are_listed_by_pattern_and_never_made_by_one(shell: Shell) -> None:
    shell.ok("tag", "-a", "v1.0", "-m", "release")
    assert shell.ok("tag", "-q", "-l", "v*").lines == ["v1.0"]
    assert "release" in shell.ok("tag", "-n").out
    assert shell.ok("tag", "-n5").out == shell.ok("tag", "-n").out
    assert shell.ok("tag", "-q", "--list").lines == ["2026.1", "v1.0"]


def test_status_in_short(origin: Shell) -> None:
    origin.write(PATH, b"new" * 1_000)
    origin.set(metrics__mAP50=0.9)
    origin.write("other.onnx", b"x" * 100)
    lines = [" M model.toml", f" M {PATH}", "?? other.onnx"]
    assert origin.ok("status", "-s").lines == origin.ok("status", "--porcelain").lines == lines
    assert origin.ok("status", "-sb", "-uno").lines == ["## main...origin/main", *lines[:2]]
    second = origin.ok("status", "--porcelain=v2", "-b").lines
    assert second[1:4] == ["# branch.head main", "# branch.upstream origin/main", "# branch.ab +0 -0"]
    assert second[5].startswith("1 .M N... 100644 100644 100644 ")
    assert "other.onnx" not in origin.ok("status", "-uno").out


def test_a_dash_is_the_branch_before(shell: Shell) -> None:
    shell.ok("switch", "main")
    shell.ok("switch", "side")
    shell.ok("switch", "-")
    assert shell.ok("branch", "--show-current").out == "main\n"
    shell.ok("checkout", "-")
    assert shell.ok("branch", "--show-current").out == "side\n"
    shell.ok("switch", "2026.1")
    shell.ok("switch", "side")
    assert shell.ok("switch", "-").out.startswith("HEAD detached at v1")


def test_a_dash_without_a_switch_is_explained(shell: Shell) -> None:
    for cached in (shell.folder / ".mvc" / "cache").glob("previous-*"):
        cached.unlink()
    assert (shell("switch", "-").code, "`mvc switch BRANCH`" in shell("checkout", "-").err) == (2, True)


@pytest.mark.parametrize("words", [(PATH,), (".",), ("--", PATH), ("HEAD", PATH)])
def test_checkout_restores_files(shell: Shell, words: tuple[str, ...]) -> None:
    shell.write(PATH, b"edited")
    shell.ok("checkout", *words)
    assert (shell.folder / PATH).read_bytes() == b"one" * 40_000


def test_a_branch_is_created_but_not_moved(shell: Shell) -> None:
    shell.ok("switch", "-C", "new")
    assert shell("checkout", "-B", "side").code != 0
    shell.ok("switch", "--discard-changes", "main")


def test_head_is_pushed_as_the_current_branch(origin: Shell) -> None:
    origin.set(metrics__mAP50=0.9)
    origin.commit("New")
    assert " main" in origin.ok("push", "origin", "HEAD").out
    origin.ok("push", "origin", "HEAD:copy")
    assert origin("push", "origin", "--delete", "HEAD").code != 0
    assert "  origin/copy" in origin.ok("branch", "-r").lines


def test_fetch_and_pull_take_the_words_of_git(origin: Shell) -> None:
    origin.ok("remote", "add", "other", f"../{origin.folder.name}-other")
    origin.ok("push", "other", "main")
    assert [line for line in origin.ok("fetch", "--all").lines if line.startswith("From")] == [
        "From origin", "From other",
    ]  # fmt: skip
    for words in (("fetch", "-p"), ("fetch", "origin", "main"), ("pull", "--ff-only"), ("reset", "--soft", "HEAD~1")):
        origin.ok(*words)
    assert "--force-with-lease" in origin("push", "-f").err


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "weights/../../outside"])
@pytest.mark.parametrize("verb", ["log", "diff"])
def test_a_path_outside_the_model_is_an_error_that_names_it(
    shell: Shell, history: History, verb: str, path: str
) -> None:
    said = shell(verb, "--", path)
    assert said.code == 2
    assert f"{path} is outside the model's folder" in said.err
    assert shell.ok(verb, "--", "weights/../weights").code == 0
    assert shell.ok("-C", "weights", verb, "--", "../weights").code == 0


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (["push", "-f"], "mvc push --force-with-lease"),
        (["push", "--force", "origin", "main"], "mvc push --force-with-lease origin main"),
        (["tag", "-f", "release", "side"], "mvc alias set release side"),
        (["add", "-f", "weights/best.onnx"], "mvc add weights/best.onnx"),
        (["merge", "--no-ff", "2026.1"], "mvc merge 2026.1"),
    ],
)
def test_an_answer_has_the_names_that_were_given(shell: Shell, history: History, line: list[str], command: str) -> None:
    shell.ok("remote", "add", "origin", f"{shell.folder}/there")
    shell.ok("push", "-u", "origin", "main")
    said = shell(*line)
    assert said.code == 2
    assert f"`{command}`" in said.err
    shell.ok(*command.split()[1:])


def test_git_names_of_revisions(origin: Shell, history: History) -> None:
    origin.set(metrics__mAP50=0.9)
    new = origin.commit("New")
    for text in ("@{u}", "main@{upstream}", "ORIG_HEAD", "HEAD~1^{}", "refs/remotes/origin/main"):
        assert origin.ok("rev-parse", text).lines == [history.second], text
    assert origin.ok("rev-parse", "refs/heads/main^{commit}", "--short=7").lines == [new[:7]]
    assert origin.ok("rev-parse", "--abbrev-ref", "--symbolic-full-name", "@{u}").lines == ["origin/main"]
    assert origin.ok("rev-list", "--count", "@{u}..").lines == ["1"]
    assert origin("rev-parse", "nosuch@{u}").code == 2


def test_refs_are_sorted_and_selected_as_by_git(shell: Shell, history: History) -> None:
    shell.ok("tag", "v1.10", "side")
    shell.ok("tag", "v1.9")
    assert shell.ok("tag", "-q", "--sort=-v:refname").lines == ["v1.10", "v1.9", "2026.1"]
    assert shell.ok("tag", "-q", "--contains", "side").lines == ["v1.10"]
    assert shell.ok("tag", "-q", "--merged").lines == ["2026.1", "v1.9"]
    assert shell.ok("tag", "-q", "--points-at").lines == ["v1.9"]
    assert shell.ok("branch", "-q", "--sort=committerdate").lines == ["side", "main"]
    assert shell.ok("branch", "-q", "--points-at", "side").lines == ["side"]


def test_a_detached_or_tracking_checkout_is_one(origin: Shell) -> None:
    origin.ok("checkout", "--detach", "side")
    assert origin.ok("branch", "--show-current").out == ""
    origin.ok("checkout", "-t", "origin/side")
    assert origin.ok("branch", "--show-current").out == "side\n"


def test_refspecs_of_git_name_the_same_refs(origin: Shell) -> None:
    origin.ok("push", "origin", "refs/heads/main:refs/heads/other")
    assert "  origin/other" in origin.ok("branch", "-r").lines
    assert "`mvc push --force-with-lease origin main`" in origin("push", "origin", "+main").err
    origin.ok("push", "origin", ":refs/heads/other")
    assert "  origin/other" not in origin.ok("branch", "-r").lines


def test_a_folder_is_listed_and_removed(shell: Shell) -> None:
    assert shell.ok("ls-files", "weights/").out == shell.ok("ls").out
    assert shell.ok("ls", "--", "other").out == ""
    shell.ok("rm", "-r", "--cached", "weights")
    assert "best.onnx" not in (shell.folder / "model.toml").read_text()


def test_reset_of_a_file_moves_no_branch(shell: Shell) -> None:
    for words in (("HEAD", PATH), (PATH,), ("HEAD", "--", PATH)):
        said = shell("reset", *words)
        assert (said.code, f"`mvc restore {PATH}`" in said.err) == (2, True)


def test_an_option_of_git_is_never_taken_for_a_misspelling(shell: Shell) -> None:
    for line in (
        ("diff", "--ita-visible-in-index"),
        ("show", "--track"),
        ("log", "--parents"),
        ("mktag",),
        ("uncommit",),
    ):
        said = shell(*line)
        assert (said.code, "mean" in said.err, "--help` lists" in said.err) == (2, False, True), said
