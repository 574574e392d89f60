"""The numbers of versions: with their branch wherever the number alone is another version here, or none."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from mvc import errors
from mvc.model.ids import VersionId
from tests.cli.shell import Shell, begin


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """On main, v1 and v2; on big, v1, another v2 and v3."""
    found = begin(tmp_path, monkeypatch)
    found.write("a.pt", Random(1).randbytes(50_000))
    found.ok("add", "a.pt", "--as", "model-latest")
    found.commit("one")
    found.ok("switch", "-c", "big")
    for name in ("two", "three"):
        found.write("a.pt", Random(name).randbytes(50_000))
        found.commit(name)
    found.ok("switch", "main")
    found.write("a.pt", b"other")
    found.commit("two here")
    return found


def test_every_list_names_the_branch_of_a_version_that_is_elsewhere(shell: Shell) -> None:
    assert shell.ok("alias", "set", "prod", "big").out.startswith("prod -> v3 on big ")
    assert shell.ok("tag", "t1", "big~1").out.startswith("t1 -> v2 on big ")
    assert shell.ok("notes", "add", "big", "slow").out.startswith("Added note 1 to v3 on big ")
    shell.ok("alias", "set", "here", "main")
    assert " v3 on big  " in shell.ok("show", "big").lines[0]
    assert " v2  " in shell.ok("show").lines[0]
    lists = [
        shell.ok(*words).out
        for words in (("alias",), ("tag",), ("notes",), ("reflog", "big"), ("du",), ("log", "--all"))
    ]
    for text in lists:
        assert " on big" in text
    assert "here  v2         " in lists[0]  # in a column with v3 on big
    assert "v2 on main" not in "".join(lists)
    plan = shell.ok("prune", "--keep-tagged", "--unpushed", "--dry-run").out
    assert "v3 on big" in plan
    shell.ok("switch", "big")
    assert "here  v2 on main" in shell.ok("alias").out
    assert "prod  v3 " in shell.ok("alias").out


def test_a_version_of_a_remote_branch_only_has_the_name_of_that_branch(shell: Shell, tmp_path: Path) -> None:
    shell.ok("remote", "add", "origin", str(tmp_path / "origin"))
    shell.ok("push", "origin", "big")
    shell.ok("tag", "t1", "big~1")
    shell.ok("branch", "-D", "big")
    assert " v2 on origin/big " in shell.ok("tag").out


def test_the_id_of_another_object_names_no_version(shell: Shell) -> None:
    objects = shell.repository.objects
    tree = objects.version(VersionId(shell.ok("rev-parse", "HEAD").out.strip())).tree
    said = shell("rev-parse", tree[:12])
    assert (said.code, said.out) == (errors.UnknownRevision.exit_code, "")


def test_the_title_of_a_diff_tells_its_sides_from_each_other(shell: Shell) -> None:
    assert shell.ok("diff", "main", "big").lines[0].endswith(" v2..v3 on big")
    assert shell.ok("diff", "main", "big~1").lines[0].endswith(" v2..v2 on big")
    assert shell.ok("diff", "v1", "main").lines[0].endswith(" v1..v2")


def test_an_absent_file_is_told_with_a_revision_that_is_the_version(shell: Shell) -> None:
    id_ = shell.ok("rev-parse", "big").out.strip()[:10]
    said = shell("cat", "big:none")
    assert f"v3 {id_} has no file or role none" in said.err
    assert f"`mvc ls {id_}`" in said.err
