"""One file with two roles: stored once, and each verb finds it by either."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

import mvc
from mvc.model.ids import VersionId
from tests.cli.shell import MODEL, Shell, begin

BEST = "weights/best.onnx"
BOTH = ["model-latest", "pretrained-weights"]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    shell = begin(tmp_path, monkeypatch)
    shell.write(BEST, b"weights")
    shell.ok("add", BEST, "--as", "model-latest")
    return shell


def share(shell: Shell) -> None:
    shell.ok("add", BEST, "--as", "pretrained-weights")


def toml_files(shell: Shell) -> dict[str, str]:
    found: dict[str, str] = shell.ok("get", "files", "--json").json["value"]
    return found


def test_the_tree_has_it_once_under_the_first_role_by_name(shell: Shell) -> None:
    shell.ok("add", BEST, "--as", "best-model")
    share(shell)
    id_ = shell.commit("three roles")
    version = shell.repository.objects.version(VersionId(id_))
    assert [(entry.path, entry.role) for entry in shell.repository.objects.tree(version.tree).entries] == [
        (BEST, "best-model")
    ]


def test_the_version_before_keeps_its_id_and_status_is_clean(shell: Shell) -> None:
    before = shell.commit("one role")
    share(shell)
    said = shell.ok("status").out
    assert "pretrained-weights" in said
    assert "role was" not in said, "the file itself did not change"
    shell.commit("two roles")
    assert "working tree clean" in shell.ok("status").out
    assert shell.ok("log", "--json").json["versions"][-1]["id"] == before


def test_add_says_once_which_roles_it_has(shell: Shell) -> None:
    share(shell)
    assert shell.ok("add", BEST).out.strip() == "Already tracked."
    assert shell.ok("add", BEST, "--as", "pretrained-weights").out.strip() == "Already tracked."
    said = shell("add", BEST, "--as", "labels/")
    assert said.code == 2
    shell.write("other.onnx", b"other")
    said = shell("add", "other.onnx", "--as", "pretrained-weights")
    assert said.out == "Moved pretrained-weights: weights/best.onnx -> other.onnx\n"
    assert [shell.ok("get", f"files.{role}").out for role in ("pretrained-weights", "model-latest")] == [
        "other.onnx\n",
        f"{BEST}\n",
    ]


def test_a_role_for_a_folder_whose_files_have_others_is_refused(shell: Shell) -> None:
    shell.write("runs/a.txt", b"a")
    shell.ok("add", "runs/a.txt", "--as", "log")
    said = shell("add", "runs", "--as", "runs")
    assert (said.code, "runs is already tracked as log" in said.err) == (2, True)
    assert shell.ok("add", "runs").out == "Already tracked.\n"


def test_a_pattern_has_one_role(shell: Shell) -> None:
    shell.write("runs/a.txt", b"a")
    shell.ok("add", "runs", "--as", "runs")
    said = shell("add", "runs", "--as", "logs")
    assert said.code == 2
    assert "already tracked as runs" in said.err


def test_ls_show_and_cat_by_either_role(shell: Shell) -> None:
    share(shell)
    shell.commit("two roles")
    for role in BOTH:
        assert shell.ok("cat", f"HEAD:{role}").out == "weights"
    assert shell.ok("ls").out.split() == ["model-latest,", "pretrained-weights", BEST]
    assert [file["roles"] for file in shell.ok("ls", "--json").json["files"]] == [BOTH]
    assert [file["roles"] for file in shell.ok("show", "--json").json["files"]] == [BOTH]
    assert "model-latest, pretrained-weights" in shell.ok("show").out


def test_diff_shows_the_role_and_no_rename(shell: Shell) -> None:
    shell.commit("one role")
    shell.ok("add", BEST, "--as", "best-model")  # by name before the role that the tree had
    shell.commit("two roles")
    found = shell.ok("diff", "v1", "v2", "--json").json
    assert "files" not in found["changes"]
    assert [change["key"] for change in found["changes"]["tracked"]] == ["best-model"]
    found = shell.ok("diff", "v2", "v1", "--json").json
    assert "files" not in found["changes"]
    shell.write(BEST, b"retrained")
    shell.commit("retrained")
    [change] = shell.ok("diff", "v1", "v3", "--json").json["changes"]["files"]
    assert change["kind"] == "M"


def test_rm_of_a_role_keeps_the_file_and_rm_of_the_path_removes_all(shell: Shell) -> None:
    share(shell)
    shell.commit("two roles")
    shell.ok("rm", "pretrained-weights")
    assert (shell.folder / BEST).exists(), "another role still tracks it"
    assert toml_files(shell) == {"model-latest": BEST}
    share(shell)
    shell.ok("rm", BEST)
    assert not (shell.folder / BEST).exists()
    assert "files" not in shell.ok("get", "--json").json["value"]


def test_restore_and_switch_bring_it_back(shell: Shell) -> None:
    share(shell)
    shell.commit("two roles")
    for role in BOTH:
        shell.write(BEST, b"edited")
        shell.ok("restore", role)
        assert (shell.folder / BEST).read_bytes() == b"weights"
    (shell.folder / BEST).unlink()
    shell.ok("restore", ".")
    assert (shell.folder / BEST).read_bytes() == b"weights"


def test_the_labelmaps_file_may_have_a_role_of_its_own(shell: Shell) -> None:
    shell.write("labels.json", b'["helmet", "head"]')
    shell.ok("set", "labelmap.path=labels.json")
    shell.ok("add", "labels.json", "--as", "classes")
    shell.commit("labels with two roles")
    assert shell.ok("cat", "HEAD:labelmap").out == shell.ok("cat", "HEAD:classes").out == '["helmet", "head"]'
    assert [file["roles"] for file in shell.ok("ls", "--json").json["files"]] == [
        ["classes", "labelmap"],
        ["model-latest"],
    ]


def test_check_finds_either_role(shell: Shell) -> None:
    shell.set(model__type="OBJECT_DETECTION", labelmap__0="helmet", model__framework="PYTORCH")
    share(shell)
    for use, role in (("deployment", "model-latest"), ("training", "pretrained-weights")):
        [use_] = shell("check", "--for", use, "--json").json["uses"]
        [finding] = [finding for finding in use_["findings"] if finding["rule"] == role]
        assert finding["result"] == "ok"


def test_a_clone_with_only_one_of_the_roles_has_the_file(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights, notes = (random.Random(seed).randbytes(100_000) for seed in (1, 2))
    shell.write(BEST, weights)
    share(shell)
    shell.write("notes.txt", notes)
    shell.ok("add", "notes.txt")
    shell.commit("two roles")
    remote = tmp_path / "remote"
    shell.ok("remote", "add", "origin", str(remote))
    shell.ok("push", "-q")
    for role in BOTH:
        into = tmp_path / f"clone-{role}"
        shell.ok("clone", "-q", "--only", role, str(remote), str(into))
        there = Shell(into, monkeypatch)
        assert (into / BEST).read_bytes() == weights
        assert not (into / "notes.txt").exists()
        assert "working tree clean" in there.ok("status").out


def test_export_writes_it_once(shell: Shell, tmp_path: Path) -> None:
    share(shell)
    shell.commit("two roles")
    shell.ok("export", "HEAD", str(tmp_path / "out"))
    assert sorted(path.name for path in (tmp_path / "out").rglob("*") if path.is_file()) == ["best.onnx", "model.toml"]


def test_python_finds_it_by_either_role_and_records_it_again(shell: Shell) -> None:
    share(shell)
    shell.commit("two roles")
    model = mvc.open(str(shell.folder)).model(MODEL)
    files = model["v1"].files
    assert sorted(files) == BOTH
    assert len(files) == 2
    assert {files[role].read() for role in BOTH} == {b"weights"}
    shell.write("new.onnx", b"retrained")
    new = shell.folder / "new.onnx"
    recorded = model.record(dict.fromkeys(BOTH, new), "Retrained")
    assert {model[recorded.id].files[role].read() for role in BOTH} == {b"retrained"}
    tree = model[recorded.id].tree
    assert [(entry.path, entry.role) for entry in tree.entries] == [(BEST, "model-latest")]
    recorded = model.record({"model-latest": new, "pretrained-weights": files["model-latest"]}, "Parted")
    assert {(role, model[recorded.id].files[role].read()) for role in BOTH} == {
        ("model-latest", b"retrained"),
        ("pretrained-weights", b"weights"),
    }
    assert len(model[recorded.id].tree.entries) == 2


def test_merge_takes_a_role_from_one_side_and_weights_from_the_other(shell: Shell) -> None:
    shell.commit("base")
    shell.ok("switch", "-q", "-c", "roles")
    shell.ok("add", BEST, "--as", "best-model")
    shell.commit("a second role")
    shell.ok("switch", "-q", "main")
    shell.set(parameters__epochs=3)
    shell.commit("epochs")
    shell.tick()
    shell.ok("merge", "-q", "roles")
    assert toml_files(shell) == {"best-model": BEST, "model-latest": BEST}
    assert "working tree clean" in shell.ok("status").out
    assert shell.ok("cat", "HEAD:best-model").out == "weights"


def test_merge_of_new_weights_and_a_second_role_is_a_conflict_about_files(shell: Shell) -> None:
    shell.commit("base")
    shell.ok("switch", "-q", "-c", "roles")
    share(shell)
    shell.commit("a second role")
    shell.ok("switch", "-q", "main")
    shell.write(BEST, b"retrained")
    shell.commit("retrained")
    shell.tick()
    said = shell("merge", "roles", "--json")
    fields = {conflict["field"] for conflict in json.loads(said.out)["conflicts"]}
    assert fields == {"files.model-latest", "files.pretrained-weights"}
    shell.ok("merge", "--abort")
    shell.ok("merge", "-q", "roles", "--theirs")
    assert shell.ok("cat", "HEAD:pretrained-weights").out == "weights"
