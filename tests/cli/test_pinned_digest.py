"""A pinned docker digest is not kept for another image or tag: `set`, `unset` and Python remove it, `commit` warns."""

from __future__ import annotations

from pathlib import Path

import pytest

import mvc
from tests.cli.shell import MODEL, Shell, begin

PINNED, OTHER = f"sha256:{'ab' * 32}", f"sha256:{'cd' * 32}"
REMOVED = "warning: docker.digest: removed, since the image changed (`mvc docker resolve` records the new one)"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    shell = begin(tmp_path, monkeypatch)
    shell.write("best.onnx", b"weights")
    shell.ok("add", "best.onnx", "--as", "model-latest")
    shell.set(docker__image="acme/yolo", docker__tag="1.4", docker__digest=PINNED)
    shell.commit("pinned")
    return shell


def digest(shell: Shell) -> str | None:
    said = shell("get", "docker.digest")
    return said.out.strip() if said.code == 0 else None


@pytest.mark.parametrize(
    "edit", [["docker.tag=1.5"], ["docker.image=acme/yolo11"], ["docker.image=a/b", "docker.tag=2"]]
)
def test_set_removes_the_digest_of_another_image(shell: Shell, edit: list[str]) -> None:
    done = shell.ok("set", *edit)
    assert REMOVED in done.err
    assert done.lines[-1].startswith(f"- docker.digest (was {PINNED[:20]}")
    assert digest(shell) is None


@pytest.mark.parametrize(
    ("edit", "left"),
    [
        (["docker.tag=1.4"], PINNED),
        (["docker.image=docker.io/acme/yolo:1.4"], PINNED),
        (["parameters.lr=0.1"], PINNED),
        (["docker.tag=1.5", f"docker.digest={OTHER}"], OTHER),
        (["docker.tag=1.5", f"docker.digest={PINNED}"], PINNED),
    ],
)
def test_set_keeps_the_digest_of_the_same_image_and_a_given_one(shell: Shell, edit: list[str], left: str) -> None:
    assert "docker.digest: removed" not in shell.ok("set", *edit).err
    assert digest(shell) == left


def test_a_digest_that_each_commit_resolves_is_kept(shell: Shell) -> None:
    shell.set(docker__digest="auto")
    assert shell.ok("set", "docker.tag=1.5").err == ""
    assert digest(shell) == "auto"


def test_unset_removes_the_digest_with_the_tag(shell: Shell) -> None:
    assert REMOVED in shell.ok("unset", "docker.tag").err
    assert digest(shell) is None


def test_commit_and_status_warn_of_a_digest_that_an_edit_kept(shell: Shell) -> None:
    text = (shell.folder / "model.toml").read_text(encoding="utf-8")
    (shell.folder / "model.toml").write_text(text.replace('"1.4"', '"1.5"'), encoding="utf-8")
    warning = "acme/yolo:1.5 has the digest of acme/yolo:1.4, the image of the version before (`mvc docker resolve` "
    assert warning in shell.ok("status").out
    assert f"warning: docker.digest: {warning}" in shell.ok("commit", "-m", "by hand").err
    shell.set(parameters__lr=0.1)
    assert shell.ok("commit", "-m", "later").err == "", "it is compared with the parent"


def test_update_and_record_remove_it_too(shell: Shell) -> None:
    model = mvc.open(shell.folder).model(MODEL)
    done = model.update(docker={"tag": "1.5"})
    assert [(each.key, each.new) for each in done.changes] == [("docker.tag", "1.5"), ("docker.digest", None)]
    assert [problem.key for problem in done.warnings] == ["docker.digest"]
    files = {"model-latest": shell.folder / "best.onnx"}
    recorded = model.record(files, "another tag", docker={"tag": "1.6"})
    assert [problem.key for problem in recorded.warnings] == ["docker.digest"]
    assert model[recorded.id].docker == {"image": "acme/yolo", "tag": "1.6"}
    kept = model.record(files, "both", docker={"tag": "1.7", "digest": OTHER})
    assert (model[kept.id].docker["digest"], kept.warnings) == (OTHER, ())
