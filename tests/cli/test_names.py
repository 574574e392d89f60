"""branch, tag, alias, reflog, models: the names of versions and of models."""

from __future__ import annotations

import pytest

from tests.cli.conftest import History
from tests.cli.shell import MODEL, Shell

# --- branch


def test_branch_lists_with_a_star_at_the_current_one(shell: Shell, history: History) -> None:
    assert shell.ok("branch").lines == ["* main", "  side"]
    assert shell.ok("branch", "-v").lines == [
        f"* main  v2 {history.second[:10]} Night images",
        f"  side  v2 {history.side[:10]} Side work",
    ]
    assert shell.ok("branch", "--show-current").out == "main\n"
    document = shell.ok("branch", "--json").json
    assert document["schema"] == "mvc.branch/1"
    assert [(each["name"], each["current"], each["id"]) for each in document["branches"]] == [
        ("main", True, history.second),
        ("side", False, history.side),
    ]


def test_branch_when_detached_and_before_the_first_commit(empty: Shell) -> None:
    assert empty.ok("branch", "-v").lines == ["* main  no version yet"]
    id_ = empty.commit("First", "--allow-empty")
    empty.ok("switch", "--detach", "main")
    assert empty.ok("branch").lines == [f"* (HEAD detached at {id_[:10]})", "  main"]
    assert empty.ok("branch", "--show-current").out == ""


def test_branch_is_made_where_we_are_or_at_a_revision(shell: Shell, history: History) -> None:
    shell.ok("branch", "here")
    shell.ok("branch", "there", "v1")
    found = {each["name"]: each["id"] for each in shell.ok("branch", "--json").json["branches"]}
    assert (found["here"], found["there"]) == (history.second, history.first)
    assert shell.ok("branch", "--show-current").out == "main\n"


@pytest.mark.parametrize("name", ["main", "2026.1", "v7", "HEAD", "abcd", "a..b", "MAIN", "-x"])
def test_branch_refuses_names(shell: Shell, history: History, name: str) -> None:
    before = shell.ok("branch", "--json").json
    said = shell("branch", "--", name)
    assert said.code in (2, 13), said
    assert shell.ok("branch", "--json").json == before


def test_branch_is_deleted_only_when_other_names_lead_to_its_versions(shell: Shell, history: History) -> None:
    said = shell("branch", "-d", "side")
    assert said.code == 13
    assert "mvc branch -D side" in said.err
    shell.ok("tag", "kept", "side")
    assert f"restore it with `mvc branch side {history.side[:10]}`" in shell.ok("branch", "-d", "side").out
    assert shell.ok("branch").lines == ["* main"]
    shell.ok("branch", "side", history.side[:10])
    assert shell.ok("reflog", "side").lines[0].endswith("branch: created")


def test_branch_is_deleted_by_force_but_never_the_current_one(shell: Shell, history: History) -> None:
    assert shell("branch", "-D", "main").code == 13
    shell.ok("branch", "-D", "side")
    assert shell("branch", "-D", "side").code == 2
    assert shell.ok("branch").lines == ["* main"]


def test_branch_is_renamed_with_whoever_stands_on_it(shell: Shell, history: History) -> None:
    shell.ok("branch", "-m", "side", "night")
    shell.ok("branch", "-m", "trunk")
    assert shell.ok("branch").lines == ["  night", "* trunk"]
    assert shell.ok("log", "--format", "{id}", "-n", "1").lines == [history.second]
    shell.set(parameters__epochs=3)
    shell.commit("On the renamed branch")
    assert shell.ok("reflog", "trunk").lines[-1].endswith("branch: renamed from main")
    assert shell("branch", "-m", "trunk", "night").code == 13
    assert shell("branch", "-m", "nowhere", "x").code == 2
    shell.ok("fsck")


def test_branch_without_a_version_is_renamed_too(empty: Shell) -> None:
    empty.ok("branch", "-m", "trunk")
    assert empty.ok("branch").lines == ["* trunk"]
    empty.commit("First", "--allow-empty")
    assert empty.ok("branch").lines == ["* trunk"]


def test_branch_usage(shell: Shell, history: History) -> None:
    for arguments in (["-d"], ["-m"], ["a", "b", "c"], ["-d", "-m", "x"], ["--show-current", "x"]):
        assert shell("branch", *arguments).code == 2, arguments


# --- tag


def test_tags_never_move(shell: Shell, history: History) -> None:
    shell.ok("tag", "2026.2", "-m", "after the night images")
    shell.ok("tag", "2026.2", "v2")
    said = shell("tag", "2026.2", "v1")
    assert said.code == 13
    assert "tags never move" in said.err
    assert shell.ok("tag").lines == [
        f"2026.1  v1  {history.first[:10]}  2026-02-04",
        f"2026.2  v2  {history.second[:10]}  2026-02-06  after the night images",
    ]


def test_a_deleted_tag_comes_back_only_for_its_version(shell: Shell, history: History) -> None:
    shell.ok("tag", "-d", "2026.1")
    assert shell("tag", "-d", "2026.1").code == 2
    assert shell.ok("tag").lines == []
    assert shell("tag", "2026.1", "v2").code == 13
    shell.ok("tag", "2026.1", "v1")
    document = shell.ok("tag", "--json").json
    assert document["schema"] == "mvc.tag/1"
    assert [(tag["name"], tag["id"]) for tag in document["tags"]] == [("2026.1", history.first)]


def test_tag_usage(shell: Shell, history: History) -> None:
    for arguments in (["-d"], ["a", "b", "c"], ["-m", "why"]):
        assert shell("tag", *arguments).code == 2, arguments


# --- alias


def test_alias_moves_and_remembers(shell: Shell, history: History) -> None:
    shell.ok("alias", "set", "prod", "v1", "-m", "approved")
    shell.tick()
    shell.ok("alias", "set", "prod", "side", "-m", "better\x1b[2J at night")
    assert shell.ok("alias").lines == [
        f"prod  v2 on side  {history.side[:10]}  since 2026-02-07  by Ana  better\\x1b[2J at night"
    ]
    assert shell.ok("alias", "log", "prod").lines == [
        f"prod@{{0}}  v2 on side  {history.side[:10]}  2026-02-07 09:00:00  Ana  better\\x1b[2J at night",
        f"prod@{{1}}  v1          {history.first[:10]}  2026-02-06 09:00:00  Ana  approved",
    ]
    document = shell.ok("alias", "--json").json
    assert document["schema"] == "mvc.alias/1"
    assert document["aliases"][0]["message"] == "better\x1b[2J at night"
    assert shell.ok("log", "--format", "{number}", "prod@{1}").lines == ["1"]


def test_no_reason_is_invented(shell: Shell, history: History) -> None:
    """Without -m the reason is empty; one that an mvc of before took from the version is shown as it is."""
    shell.ok("alias", "set", "prod", "v1")
    shell.ok("commit", "--allow-empty", "-m", "Again", "--alias", "next", "--tag", "2026.3")
    assert [alias["message"] for alias in shell.ok("alias", "--json").json["aliases"]] == ["", ""]
    assert shell.ok("tag", "--json").json["tags"][-1]["message"] == ""
    assert shell.ok("alias").lines[1].endswith("  by Ana")
    assert shell.ok("alias", "log", "prod").lines[0].endswith("  Ana")
    shell.ok("alias", "set", "prod", "v2", "-m", "First baseline")
    assert shell.ok("alias", "log", "prod").lines[0].endswith("  First baseline")


def test_alias_rolls_back_move_by_move(shell: Shell, history: History) -> None:
    for revision in ("v1", "v2", "side"):
        shell.ok("alias", "set", "prod", revision)

    def stands() -> str:
        return str(shell.ok("alias", "--json").json["aliases"][0]["id"])

    shell.ok("alias", "rollback", "prod")
    assert stands() == history.second
    shell.ok("alias", "rollback", "prod", "-m", "still bad")
    assert stands() == history.first
    assert shell("alias", "rollback", "prod").code == 13
    assert shell.ok("alias", "log", "prod").lines[0].endswith("still bad")
    shell.ok("alias", "set", "prod", "side")
    shell.ok("alias", "rollback", "prod")
    assert stands() == history.first


def test_alias_rolls_back_to_the_position_before_also_after_a_move_back_by_hand(shell: Shell, history: History) -> None:
    def position() -> str:
        return str(shell.ok("alias", "--json").json["aliases"][0]["number"])

    for revision in ("v1", "v2", "v1"):
        shell.ok("alias", "set", "prod", revision)
    shell.ok("alias", "rollback", "prod", "-m", "missed people")
    assert position() == "2"
    assert shell.ok("alias", "log", "prod").lines[0].endswith("  alias: rolled back: missed people")
    shell.ok("undo")  # of a rollback: all three positions are there again
    assert position() == "1"
    shell.ok("alias", "rollback", "prod")
    shell.ok("undo")
    shell.ok("redo")
    assert position() == "2"
    shell.ok("alias", "rollback", "prod")
    assert position() == "1"
    assert shell("alias", "rollback", "prod").code == 13
    shell.ok("alias", "set", "prod", "v2")
    shell.ok("undo")  # of a move: it does not count any more
    assert shell("alias", "rollback", "prod").code == 13
    shell.ok("alias", "set", "prod", "v2")
    shell.ok("alias", "rollback", "prod")
    shell.ok("alias", "set", "prod", "side")
    shell.ok("alias", "rollback", "prod")
    assert position() == "1"


def test_alias_rollback_warns_of_a_withdrawn_version(shell: Shell, history: History) -> None:
    shell.ok("alias", "set", "prod", "v1")
    shell.ok("alias", "set", "prod", "v2")
    shell.ok("notes", "add", "v1", "misses people", "withdrawn=true")
    assert "warning: v1" in shell.ok("alias", "rollback", "prod").err


def test_an_alias_that_was_removed_comes_back(shell: Shell, history: History) -> None:
    shell.ok("alias", "set", "prod", "v1")
    shell.ok("alias", "rm", "prod")
    assert shell.ok("alias").lines == []
    assert "removed" in shell.ok("alias", "log", "prod").lines[0]
    shell.ok("alias", "rollback", "prod")
    assert shell.ok("alias", "-q").lines == ["prod"]


def test_alias_refuses(shell: Shell, history: History) -> None:
    assert shell("alias", "set", "main", "v1").code == 13
    assert shell("alias", "set", "v9", "v1").code == 2
    assert shell("alias", "set", "prod", "nowhere").code == 2
    assert shell("alias", "rm", "prod").code == 2
    assert shell("alias", "log", "prod").code == 2
    assert shell("alias", "rollback", "prod").code == 2
    assert shell.ok("alias").lines == []


# --- reflog


def test_reflog_shows_every_move_of_a_name(shell: Shell, history: History) -> None:
    assert shell.ok("reflog").lines == [
        f"main@{{0}}  v2  {history.second[:10]}  2026-02-06 09:00:00  Ana  commit: Night images",
        f"main@{{1}}  v1  {history.first[:10]}  2026-02-04 09:00:00  Ana  commit: First baseline",
    ]
    assert len(shell.ok("reflog", "heads/side").lines) == 2
    document = shell.ok("reflog", "2026.1", "--json").json
    assert (document["schema"], document["kind"], document["name"]) == ("mvc.reflog/1", "tag", "2026.1")
    assert [move["new"] for move in document["moves"]] == [history.first]


def test_reflog_of_nothing(shell: Shell, history: History) -> None:
    assert shell("reflog", "nowhere").code == 2
    shell.ok("switch", "v1")
    said = shell("reflog")
    assert said.code == 2
    assert "mvc reflog main" in said.err


def test_reflog_before_the_first_commit_is_empty(empty: Shell) -> None:
    assert empty.ok("reflog").lines == []


# --- models


def test_models_lists_where_each_stands(shell: Shell, history: History) -> None:
    assert shell.ok("models").lines == [f"{MODEL}  .  main  v2 {history.second[:10]}  2026-02-06"]
    document = shell.ok("models", "--json").json
    assert document["schema"] == "mvc.models/1"
    assert document["models"][0]["id"] == history.second


def test_a_model_is_renamed_with_all_that_is_its_own(shell: Shell, history: History) -> None:
    shell.ok("models", "rename", MODEL, "Caps")
    assert shell.ok("models", "-q").lines == ["Caps"]
    assert 'name = "Caps"' in (shell.folder / "model.toml").read_text()
    assert shell.ok("log", "--format", "{id}", "--all").lines == [history.second, history.side, history.first]
    assert shell.ok("status", "--exit-code").code == 0
    shell.ok("switch", "side")
    assert 'name = "Caps"' in (shell.folder / "model.toml").read_text()
    shell.ok("fsck")


def test_a_renamed_model_keeps_its_name_on_remotes(shell: Shell, history: History) -> None:
    shell.ok("remote", "add", "origin", ".mvc-shared")
    assert "keeps" not in shell.ok("models", "rename", MODEL, "Hats").err  # nothing of it is there
    shell.ok("push", "origin")
    said = shell.ok("models", "rename", "Hats", "Caps")
    assert said.err == "note: origin keeps the model as Hats; `mvc push` creates Caps beside it\n"
    assert "keeps" not in shell.ok("models", "rename", "Caps", "Lids").err  # that name never was there
    assert shell.ok("models", "rename", "Lids", "Caps", "--json").json["remotes"] == []


def test_models_rename_refuses(shell: Shell, history: History) -> None:
    assert shell("models", "rename", "nobody", "x").code == 2
    assert shell("models", "rename", MODEL, MODEL).code == 13
    assert shell("models", "rename", MODEL, "a@b").code == 2
    assert shell.ok("models", "-q").lines == [MODEL]
